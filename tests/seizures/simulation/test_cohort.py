"""The simulated cohort: what it promises of its plan, its films and the shipped manifest."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import av
import numpy as np
import pytest

from seizures.errors import SettingsError
from seizures.simulation.cohort import (
    MANIFEST_COLUMNS,
    VIEWS,
    SimulatedRecording,
    manifest_rows,
    simulate_cohort,
    write_manifest,
)
from seizures.simulation.movement import simulate_movement
from seizures.simulation.rendering import draw_frames, render

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def cohort() -> tuple[SimulatedRecording, ...]:
    return simulate_cohort()


@pytest.fixture(scope="module")
def small_cohort() -> tuple[SimulatedRecording, ...]:
    return simulate_cohort(2, 4, seed=5, min_duration_seconds=4, max_duration_seconds=5, num_out_of_sight=1)


def decode(path: Path) -> tuple[np.ndarray, float]:
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        return np.stack(frames), float(container.streams.video[0].average_rate)


def test_default_cohort_is_the_one_of_the_demo(cohort: tuple[SimulatedRecording, ...]) -> None:
    seizures = {(recording.patient_id, recording.seizure_id): recording.seizure for recording in cohort}
    per_patient = Counter(patient for patient, _ in seizures)
    labels = defaultdict(set)
    for seizure in seizures.values():
        labels[seizure.patient_id].add(seizure.label)
    assert len(cohort) == 72
    assert len(seizures) == 36
    assert len(per_patient) == 12
    assert all(1 <= count <= 6 for count in per_patient.values())
    assert Counter(seizure.label for seizure in seizures.values()) == {"FOS": 18, "TCS": 18}
    assert all(labels[patient] == {"FOS", "TCS"} for patient, count in per_patient.items() if count > 1)
    assert len({recording.video for recording in cohort}) == 72
    hidden = [recording for recording in cohort if recording.use == "evaluate"]
    assert len({(recording.patient_id, recording.seizure_id) for recording in hidden}) == len(hidden) == 2
    assert all(bool(recording.reason) == (recording.use == "evaluate") for recording in cohort)
    assert len({recording.frame_rate_hz for recording in cohort}) > 1


def test_times_follow_each_other(cohort: tuple[SimulatedRecording, ...]) -> None:
    for seizure in (recording.seizure for recording in cohort):
        assert 1 <= seizure.onset_seconds <= 3
        assert 15 <= seizure.offset_seconds - seizure.onset_seconds <= 40
        assert 0.99 <= seizure.film_seconds - seizure.offset_seconds <= 3.01
        course = [seizure.tonic_onset_seconds, seizure.clonic_onset_seconds, seizure.clonic_end_seconds]
        if seizure.label == "FOS":
            assert course == [None, None, None]
        else:
            times = [seizure.onset_seconds, *course, seizure.offset_seconds]
            assert all(later > earlier for earlier, later in itertools.pairwise(times))


def test_surroundings_do_not_tell_the_label(cohort: tuple[SimulatedRecording, ...]) -> None:
    for name in ("vigorous", "infrared", "sheet", "side"):
        counts = [
            Counter(getattr(recording.seizure, name) for recording in cohort if recording.label == label)
            for label in ("FOS", "TCS")
        ]
        assert counts[0] == counts[1], name


def test_shipped_manifest_is_the_default_cohort(cohort: tuple[SimulatedRecording, ...], tmp_path: Path) -> None:
    write_manifest(cohort, tmp_path / "manifest.csv")
    written = (tmp_path / "manifest.csv").read_bytes()
    assert written == (ROOT / "data_manifest.csv").read_bytes()
    assert written.splitlines()[0].decode() == ",".join(MANIFEST_COLUMNS)
    assert len(manifest_rows(cohort)) == 72


def test_seed_decides_and_counts_are_kept() -> None:
    assert simulate_cohort(3, 7, seed=1) == simulate_cohort(3, 7, seed=1)
    assert simulate_cohort(3, 7, seed=1) != simulate_cohort(3, 7, seed=2)
    for num_patients, num_seizures in ((1, 1), (2, 12), (5, 9)):
        cohort = simulate_cohort(num_patients, num_seizures, num_out_of_sight=0)
        assert len(cohort) == 2 * num_seizures
        assert len({recording.patient_id for recording in cohort}) == num_patients


def test_impossible_cohort_is_refused_with_all_faults() -> None:
    with pytest.raises(SettingsError, match=r"13 seizures in 2 patients.*durations 9 to 5 s.*num_out_of_sight = 14"):
        simulate_cohort(2, 13, min_duration_seconds=9, max_duration_seconds=5, num_out_of_sight=14)


def test_planning_is_light() -> None:
    code = (
        "import sys; from seizures.simulation.cohort import simulate_cohort; simulate_cohort(); "
        "print([name for name in ('PIL', 'av', 'numpy', 'torch') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip() == "[]"


def test_film_is_what_its_recording_says(small_cohort: tuple[SimulatedRecording, ...], tmp_path: Path) -> None:
    for recording in small_cohort[:2]:
        path = tmp_path / recording.video
        render(recording, path)
        frames, frame_rate_hz = decode(path)
        assert frames.shape == (recording.num_frames, recording.height, recording.width, 3)
        assert frame_rate_hz == recording.frame_rate_hz
        drawn = next(iter(draw_frames(recording))).astype(float)
        assert abs(frames[0] - drawn).mean() < 8


def test_film_has_the_same_bytes_each_time(small_cohort: tuple[SimulatedRecording, ...], tmp_path: Path) -> None:
    digests = []
    for name in ("a.mp4", "b.tmp"):
        render(small_cohort[1], tmp_path / name)
        digests.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_infrared_film_is_grey_and_a_nurse_hides_the_patient(small_cohort: tuple[SimulatedRecording, ...]) -> None:
    plain = small_cohort[0]
    night = dataclasses.replace(plain, seizure=dataclasses.replace(plain.seizure, infrared=True))
    frame = next(iter(draw_frames(night))).astype(int)
    assert np.ptp(frame, axis=-1).max() == 0
    for view in VIEWS:
        seen = dataclasses.replace(plain, view=view, use="all")
        hidden = dataclasses.replace(seen, use="evaluate")
        middle, other = (next(itertools.islice(draw_frames(film), 40, None)) for film in (seen, hidden))
        centre = np.abs(middle.astype(int) - other)[:, middle.shape[1] * 2 // 5 : middle.shape[1] * 3 // 5]
        assert (centre.max(axis=-1) > 12).mean() > 0.6


def speed(recording: SimulatedRecording, joint: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the speed of a joint (T - 1,) in metres per second, and the seconds of its frames."""
    movement = simulate_movement(recording.seizure, recording.num_frames, recording.frame_rate_hz)
    step = np.linalg.norm(np.diff(movement.joints[joint], axis=0), axis=-1) * recording.frame_rate_hz
    return step, np.arange(1, recording.num_frames) / recording.frame_rate_hz


def test_tcs_stiffens_then_jerks_ever_slower_on_both_sides_then_stops(cohort: tuple[SimulatedRecording, ...]) -> None:
    for recording in cohort[::2]:
        seizure = recording.seizure
        if seizure.tonic_onset_seconds is None or seizure.clonic_onset_seconds is None:
            continue
        assert seizure.clonic_end_seconds is not None
        right, seconds = speed(recording, "hand1")
        left, _ = speed(recording, "hand-1")
        clonic = (seconds > seizure.clonic_onset_seconds + 1) & (seconds < seizure.clonic_end_seconds)
        assert np.corrcoef(right[clonic], left[clonic])[0, 1] > 0.9
        tonic = (seconds > seizure.tonic_onset_seconds + 1) & (seconds < seizure.clonic_onset_seconds - 0.3)
        assert right[tonic].mean() < 0.7 * right[clonic].mean()
        movement = simulate_movement(seizure, recording.num_frames, recording.frame_rate_hz)
        raised = movement.joints["hand1"][1:, 2][clonic] > 0.29
        jerks = np.flatnonzero(raised[1:] & ~raised[:-1])
        third = len(raised) / 3
        assert (jerks < third).sum() >= 1.5 * (jerks > 2 * third).sum() > 0
        limp = seconds > seizure.clonic_end_seconds + 1.5
        assert right[limp].max() < 0.3


def test_kind_of_movement_and_not_its_amount_tells_the_label(cohort: tuple[SimulatedRecording, ...]) -> None:
    amounts: dict[tuple[str, bool], list[float]] = defaultdict(list)
    for recording in cohort[::2]:
        steps = [speed(recording, f"{joint}{side}") for joint in ("hand", "knee") for side in (-1, 1)]
        seconds = steps[0][1]
        during = (seconds > recording.onset_seconds) & (seconds < recording.offset_seconds)
        amount = float(np.mean([step[during].mean() for step, _ in steps]))
        amounts[recording.label, recording.seizure.vigorous].append(amount)
    assert np.mean(amounts["FOS", True]) > np.mean(amounts["TCS", False])
    fos, tcs = (np.array(amounts[label, True] + amounts[label, False]) for label in ("FOS", "TCS"))
    assert 0.2 < (tcs[:, None] > fos[None]).mean() < 0.8
