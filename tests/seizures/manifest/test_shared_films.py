"""One film under two patients, one seizure twice, two views that are one picture: each is named with its rows."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.manifest.recordings import Box, Recording
from seizures.manifest.shared_films import patients_sharing, shared_film_faults

FIRST = Recording("P01", "01", "large", ("a.mp4",), 10.0, 20.0, "FOS", None, "all", "", None, None, 2)
CONTENTS = {"a.mp4": "A", "copy.mp4": "A", "b.mp4": "B", "c.mp4": "C", "a.mp4#1": "A", "a.mp4#2": "A"}


def faults(*changes: dict[str, object], allowed: bool = False) -> list[str]:
    """Return what is wrong with the first row and others, each of which is the first with changes."""
    rows = [FIRST, *(dataclasses.replace(FIRST, row=3 + at, **change) for at, change in enumerate(changes))]  # type: ignore[arg-type]
    found = shared_film_faults(rows, CONTENTS, between_patients=not allowed)
    return [f"row {fault.row}, {fault.column}: {fault.value} {fault.problem}" for fault in found]


def test_rows_that_share_nothing_are_sound() -> None:
    assert faults({"patient_id": "P02", "video": ("b.mp4",)}, {"seizure_id": "02", "video": ("c.mp4",)}) == []


@pytest.mark.parametrize(
    ("change", "windows"),
    [
        ({"video": ("a.mp4",)}, ", and the windows overlap"),
        ({"video": ("copy.mp4",)}, ", and the windows overlap"),
        ({"video": ("copy.mp4",), "onset_seconds": 19.0, "offset_seconds": 30.0}, ", and the windows overlap"),
        ({"video": ("copy.mp4", "b.mp4")}, ", and the windows overlap"),
        ({"onset_seconds": None, "offset_seconds": None}, ", and the windows overlap"),
        ({"onset_seconds": 20.0, "offset_seconds": 30.0}, ", in another window"),
        ({"video": ("b.mp4", "copy.mp4")}, "row 2; give"),
        ({"video": ("a.mp4#2",)}, ", and the windows overlap"),
    ],
)
def test_one_film_under_two_patients(change: dict[str, object], windows: str) -> None:
    (fault,) = faults({"patient_id": "P05", **change})
    assert fault.startswith("row 3, video: '")
    assert "is the film of patient P01 in row 2" in fault
    assert windows in fault
    assert "[Dataset] allow_shared_films" in fault
    assert faults({"patient_id": "P05", **change}, allowed=True) == []


def test_two_patients_who_share_a_film_are_known() -> None:
    rows = [FIRST, dataclasses.replace(FIRST, patient_id="P05", video=("copy.mp4",), row=3)]
    assert patients_sharing([*rows, rows[1]], CONTENTS) == [("P01", "P05")]


def test_a_window_twice_and_windows_that_overlap_are_no_two_seizures() -> None:
    assert faults({"seizure_id": "02", "video": ("copy.mp4",)}) == [
        "row 3, onset_seconds: P01+02+large from 10 s to 20 s is the film and window of P01+01+large (row 2): one "
        "seizure under two ids; remove one"
    ]
    (fault,) = faults({"seizure_id": "02", "label": "TCS"}, allowed=True)
    assert "the labels contradict: FOS there, TCS here" in fault
    (fault,) = faults({"seizure_id": "02", "onset_seconds": 15.0, "offset_seconds": None})
    assert "from 15 s to the end overlaps with P01+01+large (row 2) in the same film; mend" in fault


@pytest.mark.parametrize(
    "change",
    [
        {"onset_seconds": 20.0, "offset_seconds": 30.0},
        {"onset_seconds": None, "offset_seconds": 10.0},
        {"video": ("b.mp4", "a.mp4")},  # on another clock: nobody knows without the length of b.mp4
    ],
)
def test_other_windows_of_one_film_are_other_seizures(change: dict[str, object]) -> None:
    assert faults({"seizure_id": "02", **change}) == []


def test_two_views_that_are_one_picture() -> None:
    (fault,) = faults({"view": "small", "video": ("copy.mp4",)})
    assert fault.startswith("row 3, view: small and large (row 2) are the same picture")
    assert faults({"view": "small", "crop": Box(0, 0, 8, 4)}) == []
    assert faults({"view": "small", "mask": Box(0, 0, 8, 4)}) == []
    assert faults({"view": "small", "video": ("a.mp4#2",)}) == []
    assert faults({"view": "small", "onset_seconds": 11.0, "offset_seconds": 21.0}) == []


def test_a_piece_twice() -> None:
    (fault,) = faults({"patient_id": "P02", "video": ("b.mp4",)}, {"patient_id": "P03", "video": ("c.mp4", "c.mp4")})
    assert fault == "row 4, video:  holds two films of the same content; name each piece once"


@given(
    st.lists(
        st.tuples(st.sampled_from(["P01", "P02", "P03"]), st.sampled_from("ABCD"), st.integers(0, 5)),
        max_size=8,
    )
)
def test_no_film_is_ever_on_two_sides_unnoticed(rows: list[tuple[str, str, int]]) -> None:
    recordings = [
        dataclasses.replace(
            FIRST,
            patient_id=patient,
            seizure_id=str(at),
            video=(film,),
            onset_seconds=onset,
            offset_seconds=onset + 1,
            row=at,
        )
        for at, (patient, film, onset) in enumerate(rows)
    ]
    owners = {film: {patient for patient, other, _ in rows if other == film} for _, film, _ in rows}
    found = list(shared_film_faults(recordings, {film: film for film in "ABCD"}))
    assert any(len(patients) > 1 for patients in owners.values()) == any(fault.column == "video" for fault in found)
