"""The flow adds up, for seizures and for patients, whatever happens to whom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seizures.manifest.identity import SeizureId
from seizures.report.flow import EXCLUSIONS, count_flow, draw_flow, flow_boxes, flow_table
from seizures.report.style import to_svg

IDS = st.builds(SeizureId, st.sampled_from("ABCDE"), st.sampled_from("1234"))
FATES = st.sampled_from(["scored", *EXCLUSIONS])


@given(st.dictionaries(IDS, st.tuples(st.sampled_from(["FOS", "TCS"]), FATES), min_size=1))
def test_what_is_listed_is_excluded_or_scored(cohort: dict[SeizureId, tuple[str, str]]) -> None:
    listed = {one: label for one, (label, _) in cohort.items()}
    rows = count_flow(listed, {one: fate for one, (_, fate) in cohort.items()}, ("FOS", "TCS"))
    first, *exclusions, last = rows
    assert (first.name, last.name) == ("listed", "scored")
    assert first.num_seizures == len(cohort)
    for count in ("num_seizures", "num_patients"):
        assert getattr(first, count) == sum(getattr(row, count) for row in exclusions) + getattr(last, count)
    for label in ("FOS", "TCS"):
        left = first.num_seizures_by_label[label] - sum(row.num_seizures_by_label[label] for row in exclusions)
        assert left == last.num_seizures_by_label[label]
    assert last.num_seizures == sum(fate == "scored" for _, fate in cohort.values())


def test_the_boxes_and_the_table_say_the_same() -> None:
    listed = {SeizureId("A", "1"): "FOS", SeizureId("A", "2"): "TCS", SeizureId("B", "1"): "TCS"}
    fates = dict(zip(listed, ("scored", "short", "unusable"), strict=True))
    rows = count_flow(listed, fates, ("FOS", "TCS"))
    assert [box["words"] for box in flow_boxes(rows)] == [
        "2 patients, 3 seizures (1 FOS, 2 TCS)",
        "none",
        "1 seizure (0 FOS, 1 TCS)",
        "1 seizure (0 FOS, 1 TCS); 1 patient left with none",
        "1 patient, 1 seizure (1 FOS, 0 TCS)",
    ]
    table = flow_table(rows)
    assert table["num_seizures"].tolist() == [3, 0, 1, 1, 1]
    assert to_svg(draw_flow(rows)) == to_svg(draw_flow(rows))
