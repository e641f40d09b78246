"""A simulated cohort of features with the paper's shape, to rehearse stage 2 at full size in seconds of making.

68 patients, 183 seizures (106 FOS, 77 TCS), two views, 1 to 16 seizures a patient (median 2; 2 patients with FOS only,
32 with TCS only, 34 with both), durations about 53 s (16 to 701) and 93 s (51 to 1098).
Letters: S snippets, D features.

A seizure is calm, tonic and clonic parts. In a TCS the clonic part comes last; in a FOS the same parts come in another
order, in the same amounts: what happens is alike, when it happens is not. So an aggregation that sees order can tell
them apart, and a mean, which sees amounts alone, has only a weak hint. Each patient has an offset of their own in every
feature, and the seizures of one kind of one patient are alike (stereotypy): what is added to each of their parts is
theirs alone. Both can be learnt by heart where the patient is on both sides of a split, and help with nobody else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seizures.features.schema import FeatureHeader, ViewFacts
from seizures.features.writer import FeatureFileWriter
from seizures.manifest.identity import SeizureId
from seizures.settings import digest

NUM_FOS_ONLY, NUM_TCS_ONLY, NUM_BOTH = 2, 32, 34
NUM_FOS, NUM_TCS, MAX_PER_PATIENT = 106, 77, 16
VIEWS = ("large", "small")
NETWORK = "simulated"
FRAMES_PER_SNIPPET = 8
FRAME_RATE_HZ = 15.0
SECONDS = {"FOS": (16.0, 53.0, 701.0), "TCS": (51.0, 93.0, 1098.0)}  # shortest, median, longest
SPREAD = {"FOS": 0.8, "TCS": 0.45}  # of the logarithm of the duration
PARTS = ("calm", "tonic", "clonic")  # in the order of a TCS


@dataclasses.dataclass(frozen=True)
class CohortSettings:
    """How hard the cohort is: standard deviations of what a patient, a view, and a snippet add to every feature.

    `stereotypy` is that of what is added to each of the three parts in the seizures of one kind of one patient.
    `hint` is what is added to the clonic direction of every snippet of a TCS, the little that a mean can learn.
    `parts_of_fos` is the order of the parts of a FOS; one that begins as a TCS does makes all beginnings alike.
    """

    feature_dim: int = 512
    stride_frames: int = 15
    patient: float = 0.5
    stereotypy: float = 0.8
    view: float = 0.2
    snippet: float = 1.0
    hint: float = 0.05
    seed: int = 0
    parts_of_fos: tuple[str, str, str] = ("clonic", "calm", "tonic")


@dataclasses.dataclass(frozen=True)
class CohortSeizure:
    """One simulated seizure."""

    patient_id: str
    seizure_id: str
    label: str
    duration_seconds: float
    borders: tuple[float, float]  # where its second and its third part begin, as shares of its duration

    @property
    def clonic_onset_seconds(self) -> float | None:
        """When the clonic phase of a TCS begins, after its onset; None for a FOS."""
        return round(self.borders[1] * self.duration_seconds, 2) if self.label == "TCS" else None


def simulate_seizures(seed: int = 0) -> tuple[CohortSeizure, ...]:
    """Draw who has which seizures, and how long each lasts; the counts are exactly the paper's."""
    rng = np.random.default_rng(seed)
    num_patients = NUM_FOS_ONLY + NUM_TCS_ONLY + NUM_BOTH
    fos = np.array([1] * NUM_FOS_ONLY + [0] * NUM_TCS_ONLY + [1] * NUM_BOTH)
    tcs = np.array([0] * NUM_FOS_ONLY + [1] * (NUM_TCS_ONLY + NUM_BOTH))
    # Every patient has a first seizure of each of their kinds; the others fall on those who have many anyway.
    appetite = rng.pareto(1.2, num_patients) + 0.05
    for counts, wanted in ((fos, NUM_FOS), (tcs, NUM_TCS)):
        has = counts > 0
        while counts.sum() < wanted:
            free = has & (fos + tcs < MAX_PER_PATIENT)
            chances = np.where(free, appetite, 0.0)
            counts[rng.choice(num_patients, p=chances / chances.sum())] += 1
    order = rng.permutation(num_patients)
    seizures = []
    for place, patient in enumerate(order, start=1):
        labels = ["FOS"] * int(fos[patient]) + ["TCS"] * int(tcs[patient])
        for number, label in enumerate(rng.permutation(labels), start=1):
            shortest, median, longest = SECONDS[str(label)]
            seconds = float(np.clip(median * np.exp(rng.normal(0, SPREAD[str(label)])), shortest, longest))
            first, second = np.array([1, 2]) / 3 + rng.uniform(-0.08, 0.08, 2)  # alike for both labels
            borders = (float(first), float(second))
            seizures.append(CohortSeizure(f"P{place:02d}", f"{number:02d}", str(label), round(seconds, 2), borders))
    return tuple(seizures)


def write_cohort(folder: Path, settings: CohortSettings) -> list[Path]:
    """Write a feature file for every seizure of the cohort into `folder`; return their paths, in order.

    The same settings give the same features.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(settings.seed)
    directions = np.linalg.qr(rng.normal(size=(settings.feature_dim, 3)))[0].T * 4.0  # (3, D): calm, tonic, clonic
    hint = settings.hint * directions[2]
    offsets: dict[str, npt.NDArray[np.float64]] = {}  # (D,) by patient
    parts: dict[tuple[str, str], npt.NDArray[np.float64]] = {}  # (3, D) by patient and kind
    paths = []
    for seizure in simulate_seizures(settings.seed):
        patient_id, kind = seizure.patient_id, (seizure.patient_id, seizure.label)
        if patient_id not in offsets:
            offsets[patient_id] = settings.patient * rng.normal(size=settings.feature_dim)
        if kind not in parts:
            own = settings.stereotypy * rng.normal(size=directions.shape)
            parts[kind] = directions + own + offsets[patient_id]
        paths.append(folder / f"{SeizureId(seizure.patient_id, seizure.seizure_id).name}.h5")
        with FeatureFileWriter(paths[-1], _header(seizure, settings)) as file:
            for view, rows in _views(seizure, settings, parts[kind], hint, rng):
                valid = np.ones(len(rows), dtype=np.bool_)
                facts = _facts(seizure, len(rows))
                file.create_view(view, len(rows), settings.feature_dim, facts, valid).write(0, rows)
    return paths


def _views(
    seizure: CohortSeizure,
    settings: CohortSettings,
    parts: npt.NDArray[np.float64],
    hint: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Yield the features (S, D) of each view: the parts in their order, and what patient, view and snippet add."""
    num_frames = int(seizure.duration_seconds * FRAME_RATE_HZ)
    num_snippets = (num_frames - FRAMES_PER_SNIPPET) // settings.stride_frames + 1
    order = PARTS if seizure.label == "TCS" else settings.parts_of_fos
    part = np.searchsorted(seizure.borders, (np.arange(num_snippets) + 0.5) / num_snippets)
    which = np.array([PARTS.index(name) for name in order])[part]  # (S,)
    for view in VIEWS:
        rows = parts[which] + settings.view * rng.normal(size=settings.feature_dim)
        rows += settings.snippet * rng.normal(size=rows.shape)
        if seizure.label == "TCS":
            rows += hint
        yield view, rows.astype(np.float32)


def _header(seizure: CohortSeizure, settings: CohortSettings) -> FeatureHeader:
    recipe = {"simulated": dataclasses.asdict(settings)}
    return FeatureHeader(
        patient_id=seizure.patient_id,
        seizure_id=seizure.seizure_id,
        label=seizure.label,
        recipe=recipe,
        recipe_key=digest(recipe),
        network=NETWORK,
        weights_sha256=f"random:{settings.seed}",
        frames_per_snippet=FRAMES_PER_SNIPPET,
        stride_frames=settings.stride_frames,
        frame_rate_hz=FRAME_RATE_HZ,
    )


def _facts(seizure: CohortSeizure, num_snippets: int) -> ViewFacts:
    return ViewFacts(
        video_name="",
        video_sha256="",
        onset_seconds=0.0,
        offset_seconds=seizure.duration_seconds,
        clonic_onset_seconds=seizure.clonic_onset_seconds,
        use="all",
        source_width=0,
        source_height=0,
        source_frame_rate_hz=FRAME_RATE_HZ,
        codec="",
        num_frames_decoded=num_snippets,
        preprocessing="simulated",
    )
