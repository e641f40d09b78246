"""Numbers of a page that contradict each other are refused, and the message says which."""

from __future__ import annotations

import dataclasses
import math

import pytest
from seizure_pages import example, states

from seizures.errors import SoftwareError
from seizures.prediction.calibrator import logit
from seizures.report.seizure_page import data


def test_every_state_holds_together():
    for page in states().values():
        assert page.views


def test_evidence_sums_to_the_change_that_it_explains():
    page = example()
    total = math.fsum(one.value for view in page.views for one in view.segments)
    assert total == pytest.approx(float(logit(0.95) - logit(0.46)))
    first = page.views[0]
    for shift, is_refused in ((0.02, False), (0.2, True), (math.nan, True)):
        moved = dataclasses.replace(first.segments[0], value=first.segments[0].value + shift)
        views = (dataclasses.replace(first, segments=(moved, *first.segments[1:])), *page.views[1:])
        if is_refused:
            with pytest.raises(SoftwareError, match=r"evidence sums to .* expected \+3\.10"):
                dataclasses.replace(page, views=views)
        else:
            dataclasses.replace(page, views=views)


def change(page: data.SeizurePage, part: str, **changes: object) -> data.SeizurePage:
    """Return the page with changes in one of its parts; `view` is the first view, `segment` its first segment."""
    if part in ("view", "segment"):
        first = page.views[0]
        if part == "segment":
            segments = (dataclasses.replace(first.segments[0], **changes), *first.segments[1:])
            changes = {"segments": segments}
        return dataclasses.replace(page, views=(dataclasses.replace(first, **changes), *page.views[1:]))
    return dataclasses.replace(page, **{part: dataclasses.replace(getattr(page, part), **changes)})


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("verdict", {"low": 0.96}, "the verdict has the probability 0.95 in 0.96 to"),
        ("verdict", {"high": math.nan}, "the verdict has the probability"),
        ("verdict", {"call": "PNES"}, "call = PNES: expected one of FOS, TCS"),
        ("verdict", {"no_call": (0.7, 0.3)}, "no-call zone is 0.7 to 0.3"),
        ("view", {"probability": 1.2}, "view large has the probability 1.2"),
        ("view", {"name": "small"}, "each with a name of its own"),
        ("view", {"clip": "a.mp4"}, "without pictures names files"),
        ("segment", {"snippet_seconds": (5.0, 5.5)}, "is no segment with a snippet in it"),
        ("segment", {"weight": 1.5}, "is no segment"),
        ("curve", {"low": (0.1,)}, "columns of the curve have 33, 33, 1, 33"),
        ("curve", {"seconds": tuple(range(33, 0, -1))}, "do not rise"),
    ],
)
def test_a_contradiction_is_named(part, changes, message):
    page = example()
    with pytest.raises(SoftwareError, match="the page of P08, seizure 02: ") as caught:
        change(page, part, **changes)
    assert message in str(caught.value)


def test_contradictions_are_told_all_at_once():
    with pytest.raises(SoftwareError) as caught:
        example(known_label="no", duration_seconds=0.0, baseline_probability=1.5)
    for text in ("known label = no", "a duration of 0 s", "the baseline has the probability 1.5"):
        assert text in str(caught.value)


def test_evidence_needs_a_baseline():
    with pytest.raises(SoftwareError, match="evidence without a baseline"):
        example(baseline_probability=None)


@pytest.mark.parametrize("file", ["/etc/passwd", "../other/view0.mp4", "http://x.org/a.mp4", "..\\a.mp4", "data:a"])
def test_a_film_lies_beside_its_page(file):
    page = example(views=("room",))
    pictures = (data.Picture(0.0, "a.jpg"),)
    clip = data.ClipTimes(25, 100, -1.0)
    view = dataclasses.replace(page.views[0], clip="a.mp4", pictures=pictures)
    dataclasses.replace(page, clip=clip, views=(view,))
    for changed in ({"clip": file}, {"pictures": (data.Picture(0.0, file),)}):
        with pytest.raises(SoftwareError, match="is not a file beside the page"):
            dataclasses.replace(page, clip=clip, views=(dataclasses.replace(view, **changed),))
    with pytest.raises(SoftwareError, match="view room has no clip, no pictures, or no shape"):
        dataclasses.replace(page, clip=clip)


def test_black_seconds_are_those_of_the_seizure():
    view = dataclasses.replace(example().views[0], black=((-2.0, 1.0), (4.0, 4.5), (9.0, 30.0)))
    assert view.black_seconds(10.0) == pytest.approx(2.5)
