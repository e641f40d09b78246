"""The simulated cohort: who has which seizure and when, so that a fresh clone has something to run on.

A cohort is planned with the standard library alone, in milliseconds; `seizures.simulation.rendering` makes its films.
The course of a seizure follows the textbook: a focal onset seizure (FOS) is one-sided automatisms and a turning head,
in some a vigorous thrashing (hypermotor); a focal to bilateral tonic-clonic seizure (TCS) begins like one, then the
head is forced to a side (version), the body stiffens (tonic), and jerks as a whole, ever slower, until it stops
(clonic).

Times are seconds on the video's clock, whose zero is the first frame, rounded to 0.01 s.
"""

from __future__ import annotations

import csv
import dataclasses
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from seizures.errors import SettingsError

VIEWS = ("large", "small")
DEFAULT_SEED = 2021
MAX_SEIZURES_PER_PATIENT = 6
MANIFEST_COLUMNS = (
    "patient_id",
    "seizure_id",
    "view",
    "video",
    "onset_seconds",
    "offset_seconds",
    "label",
    "clonic_onset_seconds",
    "use",
    "reason",
)
OUT_OF_SIGHT = "patient out of sight: a nurse stands in front of the camera"

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class SimulatedSeizure:
    """One seizure: its course and what surrounds it. Clonic and tonic times are None in a FOS.

    `clonic_end_seconds` is the last jerk; the patient then lies limp until the offset. `side` is the sign of y of the
    hand that moves first, and of the head's turn. `sheet` is how far it reaches: 0 none, 1 to the waist, 2 to
    the chest. `nurse_seconds` is when a nurse begins to walk past. Equal seeds give equal rooms, or movements.
    """

    patient_id: str
    seizure_id: str
    label: str
    onset_seconds: float
    offset_seconds: float
    tonic_onset_seconds: float | None
    clonic_onset_seconds: float | None
    clonic_end_seconds: float | None
    film_seconds: float
    vigorous: bool
    side: int
    infrared: bool
    sheet: int
    nurse_seconds: float | None
    room_seed: str
    movement_seed: str


@dataclasses.dataclass(frozen=True)
class SimulatedRecording:
    """One camera view of one simulated seizure, with everything that `render` needs.

    Attributes:
        seizure: The seizure that is filmed.
        view: `large` (the room) or `small` (face and upper body).
        frame_rate_hz: Frames per second of the film.
        width: Columns of the film, even.
        height: Rows of the film, even.
        use: `all`, or `evaluate` where a nurse stands in front of the camera during the seizure.
        reason: Why `use` is not `all`; otherwise empty.

    """

    seizure: SimulatedSeizure
    view: str
    frame_rate_hz: int
    width: int
    height: int
    use: str = "all"
    reason: str = ""

    @property
    def patient_id(self) -> str:
        """The patient, e.g. `P01`."""
        return self.seizure.patient_id

    @property
    def seizure_id(self) -> str:
        """The seizure, unique within the patient, e.g. `01`."""
        return self.seizure.seizure_id

    @property
    def label(self) -> str:
        """`FOS` or `TCS`."""
        return self.seizure.label

    @property
    def onset_seconds(self) -> float:
        """Clinical onset on the video's clock."""
        return self.seizure.onset_seconds

    @property
    def offset_seconds(self) -> float:
        """Clinical offset on the video's clock."""
        return self.seizure.offset_seconds

    @property
    def clonic_onset_seconds(self) -> float | None:
        """Onset of the clonic phase on the video's clock; None in a FOS."""
        return self.seizure.clonic_onset_seconds

    @property
    def video(self) -> str:
        """Name of the film, without a folder."""
        return f"{self.patient_id}_{self.seizure_id}_{self.view}.mp4"

    @property
    def num_frames(self) -> int:
        """Number of frames of the film, T."""
        return round(self.seizure.film_seconds * self.frame_rate_hz)


def simulate_cohort(
    num_patients: int = 12,
    num_seizures: int = 36,
    seed: int = DEFAULT_SEED,
    *,
    min_duration_seconds: float = 15.0,
    max_duration_seconds: float = 40.0,
    num_out_of_sight: int = 2,
) -> tuple[SimulatedRecording, ...]:
    """Plan a cohort: half of the seizures FOS, half TCS, dealt so that a patient with several has both.

    Args:
        num_patients: Number of patients.
        num_seizures: Number of seizures, between 1 and 6 for each patient.
        seed: The same seed gives the same cohort, and on one machine the same bytes of every film.
        min_duration_seconds: Shortest seizure, onset to offset; at least 2.
        max_duration_seconds: Longest seizure.
        num_out_of_sight: How many recordings, each of another seizure, are hidden behind a nurse (`use` = `evaluate`).

    Returns:
        Two recordings (`large`, `small`) for each seizure, in order of patient and seizure.

    Raises:
        SettingsError: The numbers cannot be met.

    """
    faults = []
    if not 1 <= num_patients <= num_seizures <= MAX_SEIZURES_PER_PATIENT * num_patients:
        faults.append(f"{num_seizures} seizures in {num_patients} patients: expected 1 to 6 seizures for each patient")
    if not 2 <= min_duration_seconds <= max_duration_seconds:
        faults.append(
            f"durations {min_duration_seconds} to {max_duration_seconds} s: expected 2 <= shortest <= longest"
        )
    if not 0 <= num_out_of_sight <= num_seizures:
        faults.append(f"num_out_of_sight = {num_out_of_sight}: expected 0 to {num_seizures}")
    if faults:
        raise SettingsError("; ".join(faults))
    rng = random.Random(f"{seed}/cohort")
    hidden = {index: rng.choice(VIEWS) for index in rng.sample(range(num_seizures), num_out_of_sight)}
    bounds = (min_duration_seconds, max_duration_seconds)
    dealt = _deal_labels(num_patients, num_seizures, rng)
    wanted = [(patient, label, bounds) for patient, labels in enumerate(dealt, start=1) for label in labels]
    return _plan_recordings(_plan_seizures(wanted, seed, rng), seed, hidden)


def simulate_films(
    wanted: Iterable[tuple[int, str, float]], seed: int = DEFAULT_SEED
) -> tuple[SimulatedRecording, ...]:
    """Plan the films of seizures of which it is given whose they are, of what kind, and how long; nobody is hidden.

    Args:
        wanted: the number of the patient, from 1; `FOS` or `TCS`; and the seconds from onset to offset, at least 2. The
            seizures of a patient stand together.
        seed: of all else.
    """
    bounded = [(patient, label, (seconds, seconds)) for patient, label, seconds in wanted]
    return _plan_recordings(_plan_seizures(bounded, seed, random.Random(f"{seed}/cohort")), seed, {})


def manifest_rows(cohort: Iterable[SimulatedRecording]) -> tuple[dict[str, str], ...]:
    """Return one manifest row per recording: column name -> text, the columns in `MANIFEST_COLUMNS`' order."""
    return tuple({name: _cell(getattr(recording, name)) for name in MANIFEST_COLUMNS} for recording in cohort)


def write_manifest(cohort: Iterable[SimulatedRecording], path: Path) -> None:
    """Write the manifest of a cohort as UTF-8 CSV with Unix line ends."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, MANIFEST_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(manifest_rows(cohort))


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else value


def _deck(values: Sequence[T], count: int, rng: random.Random) -> list[T]:
    """Return `count` values that occur equally often, in random order."""
    cards = [values[index % len(values)] for index in range(count)]
    rng.shuffle(cards)
    return cards


def _deal_labels(num_patients: int, num_seizures: int, rng: random.Random) -> list[list[str]]:
    """Return the labels of each patient: alternating through the cohort, so that a patient's own differ."""
    counts = [1] * num_patients
    while sum(counts) < num_seizures:
        patient = rng.randrange(num_patients)
        counts[patient] += counts[patient] < MAX_SEIZURES_PER_PATIENT
    alternating = iter([("FOS", "TCS")[index % 2] for index in range(num_seizures)])
    dealt = [[next(alternating) for _ in range(count)] for count in counts]
    for labels in dealt:
        rng.shuffle(labels)
    return dealt


def _deal_surroundings(count: int, rng: random.Random) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Deal evenly what surrounds the seizures of one label, so that it tells nothing: a nurse, and all else by name."""
    decks: dict[str, list[Any]] = {
        "vigorous": _deck((True, False), count, rng),
        "side": _deck((-1, 1), count, rng),
        "infrared": _deck((False, False, True), count, rng),
        "sheet": _deck((0, 1, 2), count, rng),
    }
    nurses = _deck((False, False, True), count, rng)
    return iter([(nurse, {name: deck[k] for name, deck in decks.items()}) for k, nurse in enumerate(nurses)])


def _plan_recordings(
    seizures: Iterable[SimulatedSeizure], seed: int, hidden: Mapping[int, str]
) -> tuple[SimulatedRecording, ...]:
    return tuple(
        _plan_recording(seizure, view, seed, is_hidden=hidden.get(index) == view)
        for index, seizure in enumerate(seizures)
        for view in VIEWS
    )


def _plan_seizures(
    wanted: Sequence[tuple[int, str, tuple[float, float]]], seed: int, rng: random.Random
) -> list[SimulatedSeizure]:
    """Plan seizures of some patient, label and bounds of the duration; those of a patient stand together."""
    labels = [label for _, label, _ in wanted]
    most = max((len(wanted) + 1) // 2, labels.count("FOS"), labels.count("TCS"))
    surroundings = {label: _deal_surroundings(most, rng) for label in ("FOS", "TCS")}
    numbers: Counter[int] = Counter()
    seizures = []
    for patient, label, bounds in wanted:
        numbers[patient] += 1
        nurse, around = next(surroundings[label])
        key = f"{seed}/{patient}/{numbers[patient]}"
        own = random.Random(key)
        times = _plan_times(label, bounds, own)
        nurse_seconds = round(own.uniform(0.1, 0.9) * times["film_seconds"], 2) if nurse else None
        seizures.append(
            SimulatedSeizure(
                patient_id=f"P{patient:02d}",
                seizure_id=f"{numbers[patient]:02d}",
                label=label,
                **times,
                **around,
                nurse_seconds=nurse_seconds,
                room_seed=f"{seed}/{patient}",
                movement_seed=key,
            )
        )
    return seizures


def _plan_times(label: str, bounds: tuple[float, float], rng: random.Random) -> dict[str, Any]:
    """Return the times of one seizure; both labels last equally long, short ones being commoner."""
    shortest, longest = bounds
    onset = rng.uniform(1.0, 3.0)
    duration = shortest + (longest - shortest) * rng.random() ** 2.0
    focal, tonic, limp = rng.uniform(0.28, 0.42), rng.uniform(0.13, 0.2), rng.uniform(0.04, 0.1)
    after = rng.uniform(1.0, 3.0)
    tcs = label == "TCS"
    times = {
        "onset_seconds": onset,
        "offset_seconds": onset + duration,
        "tonic_onset_seconds": onset + focal * duration if tcs else None,
        "clonic_onset_seconds": onset + (focal + tonic) * duration if tcs else None,
        "clonic_end_seconds": onset + (1 - limp) * duration if tcs else None,
        "film_seconds": onset + duration + after,
    }
    return {name: None if value is None else round(value, 2) for name, value in times.items()}


def _plan_recording(seizure: SimulatedSeizure, view: str, seed: int, *, is_hidden: bool) -> SimulatedRecording:
    """Give a seizure its camera: each patient's recording system has its own frame rate and size."""
    rng = random.Random(f"{seed}/camera/{seizure.patient_id}")
    frame_rate_hz = rng.choice((15, 15, 15, 15, 20))
    width, height = rng.choice(((160, 90), (176, 100)))
    use, reason = ("evaluate", OUT_OF_SIGHT) if is_hidden else ("all", "")
    return SimulatedRecording(seizure, view, frame_rate_hz, width, height, use, reason)
