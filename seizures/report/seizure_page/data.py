"""What the page of a seizure is made of: plain numbers and texts, checked when they are put together.

Seconds are since the onset of the seizure, negative before it, for every view the same although each film has a clock
of its own. Probabilities are of the positive label. docs/seizure-page.md tells the contract.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from pathlib import PurePosixPath

from seizures.errors import SoftwareError
from seizures.prediction.calibrator import logit

LARGEST_GAP = 0.01  # of the sum of all evidence: of the change that it explains, and in log-odds where that is small
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Label:
    """A label as the manifest has it, and in full; `long` may be empty."""

    short: str
    long: str = ""


@dataclass(frozen=True)
class Labels:
    """The two labels, and what is labelled, in the singular."""

    negative: Label
    positive: Label
    noun: str = "seizure"


@dataclass(frozen=True)
class Verdict:
    """What the classifier says of the whole seizure.

    Attributes:
        probability: of the positive label; calibrated, if `is_calibrated`.
        low, high: lowest and highest of the trained copies (seeds).
        num_seeds: how many copies.
        call: the short label that is called; None where it abstains.
        no_call: between these two it abstains; None where no such zone was chosen, and it always calls.
        settled_seconds: from when on the answer holds; None where it does not.
        is_calibrated: whether 80 in 100 is right in about 80 of 100, on patients that it had not seen.

    """

    probability: float
    low: float
    high: float
    num_seeds: int
    call: str | None
    no_call: tuple[float, float] | None = None
    settled_seconds: float | None = None
    is_calibrated: bool = False


@dataclass(frozen=True)
class Segment:
    """A stretch of a view, of which the classifier saw one snippet, and what that moved.

    `value` is in log-odds, above 0 towards the positive label; `weight` is that of an attention, 0 to 1.
    """

    start_seconds: float
    end_seconds: float
    snippet_seconds: tuple[float, float]
    value: float
    weight: float | None = None


@dataclass(frozen=True)
class Picture:
    """A small picture, as a path relative to the page, and the moment that it shows."""

    seconds: float
    file: str


@dataclass(frozen=True)
class View:
    """One camera: what it says alone, what moved the answer in it, and, where pictures are allowed, its film.

    `clip` is relative to the page, and `aspect` its width over height. `black` are the stretches without a
    picture to believe, which is damaged or missing.
    """

    name: str
    title: str
    probability: float
    low: float
    high: float
    segments: tuple[Segment, ...] = ()
    clip: str = ""
    aspect: float = 16 / 9
    pictures: tuple[Picture, ...] = ()
    black: tuple[tuple[float, float], ...] = ()

    def black_seconds(self, duration_seconds: float) -> float:
        """Return how much of the seizure has no picture to believe."""
        return math.fsum(max(0.0, min(end, duration_seconds) - max(start, 0.0)) for start, end in self.black)


@dataclass(frozen=True)
class ClipTimes:
    """What all clips have in common: `start_seconds` is negative where they begin before the onset."""

    frames_per_second: float
    num_frames: int
    start_seconds: float


@dataclass(frozen=True)
class Curve:
    """What the classifier says of the beginning of the seizure, at rising moments, with the lowest and highest copy."""

    seconds: tuple[float, ...]
    probability: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Marker:
    """An event that somebody marked, such as the clonic onset."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Range:
    """A property of this seizure, and where 90 in 100 of the training seizures have it."""

    name: str
    unit: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Belief:
    """Whether the classifier knows films of this kind, and whether it knows this very film; None where nobody can say.

    `reasons` are sentences.
    """

    familiar: bool | None = None
    reasons: tuple[str, ...] = ()
    trained_on: bool | None = None
    ranges: tuple[Range, ...] = ()


@dataclass(frozen=True)
class SimilarCase:
    """A training seizure of this house that is like this one; `similarity` is at most 1."""

    name: str
    label: str
    similarity: float


@dataclass(frozen=True)
class Score:
    """A share with the ends of its interval, where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Classifier:
    """What is known of the classifier; None and empty where it is not.

    `protocol` says how `accuracy` was measured ("cross-validated by patient"), `calibration` how the probability was
    calibrated, as a sentence.
    """

    id: str
    _: KW_ONLY
    num_patients: int | None = None
    num_seizures: int | None = None
    is_simulated: bool = False
    accuracy: Score | None = None
    confidence_level: float = 0.95
    protocol: str = ""
    share_not_called: float | None = None
    accuracy_called: Score | None = None
    calibration: str = ""


@dataclass(frozen=True)
class Deletion:
    """How far the probability moves when segments are replaced by the average of the training seizures.

    `top` is for the quarter of the segments with the most evidence, `random` for quarters drawn at random, each as a
    distance from 0 to 1.
    """

    top: float
    random: tuple[float, ...]


@dataclass(frozen=True)
class SeizurePage:
    """All that the page of one seizure shows.

    Attributes:
        name: of the seizure; the page names nothing else of the patient.
        labels: what it may be called.
        duration_seconds: from onset to offset.
        verdict: of the whole seizure.
        views: at least one.
        curve: what was said of its beginning.
        classifier: what is known of the classifier.
        made_on: the day, as text.
        belief: whether it may be believed.
        baseline_probability: of the average training seizure, from which the evidence starts; None where nothing is
            explained, and no view has segments.
        marker: what somebody marked.
        known_label: its short label by the record, not shown to the classifier.
        is_simulated: nobody is on the film.
        clip: None for a page without pictures.
        similar: the training seizures most like it.
        deletion: None where it was not computed.
        index: the page of all seizures, relative to this one; empty for none.

    Raises:
        SoftwareError: the numbers contradict each other; the message lists how.

    """

    name: str
    labels: Labels
    duration_seconds: float
    verdict: Verdict
    views: tuple[View, ...]
    curve: Curve
    classifier: Classifier
    made_on: str
    _: KW_ONLY
    belief: Belief = field(default_factory=Belief)
    baseline_probability: float | None = None
    marker: Marker | None = None
    known_label: str | None = None
    is_simulated: bool = False
    clip: ClipTimes | None = None
    similar: tuple[SimilarCase, ...] = ()
    deletion: Deletion | None = None
    index: str = ""

    def __post_init__(self) -> None:
        faults = [*_faults_of_numbers(self), *_faults_of_evidence(self), *_faults_of_films(self)]
        if faults:
            raise SoftwareError(f"the page of {self.name}: {'; '.join(faults)}")

    @property
    def leaning(self) -> Label:
        """Return the label that is more probable, called or not."""
        return self.labels.positive if self.verdict.probability >= 0.5 else self.labels.negative

    @property
    def is_doubtful(self) -> bool:
        """Tell whether nobody knows how often the classifier is right on such a film."""
        return self.belief.trained_on is True or self.belief.familiar is False

    @property
    def has_pictures(self) -> bool:
        """Tell whether the page shows films."""
        return self.clip is not None


def _faults_of_numbers(page: SeizurePage) -> Iterator[str]:
    """Yield what is wrong with probabilities, calls and the curve."""
    verdict, curve = page.verdict, page.curve
    shares: dict[str, Verdict | View] = {"the verdict": verdict, **{f"view {one.name}": one for one in page.views}}
    for name, one in shares.items():
        if not _is_ordered(one.low, one.probability, one.high):
            yield f"{name} has the probability {one.probability:g} in {one.low:g} to {one.high:g}"
    labels = (page.labels.negative.short, page.labels.positive.short)
    for name, label in (("call", verdict.call), ("known label", page.known_label)):
        if label is not None and label not in labels:
            yield f"{name} = {label}: expected one of {', '.join(labels)}"
    if verdict.no_call is not None and not 0 < verdict.no_call[0] <= verdict.no_call[1] < 1:
        yield f"the no-call zone is {verdict.no_call[0]:g} to {verdict.no_call[1]:g}"
    if not (math.isfinite(page.duration_seconds) and page.duration_seconds > 0):
        yield f"a duration of {page.duration_seconds:g} s"
    if not page.views or len({view.name for view in page.views}) < len(page.views):
        yield f"{len(page.views)} views: expected at least one, each with a name of its own"
    columns = (curve.seconds, curve.probability, curve.low, curve.high)
    if len({len(column) for column in columns}) != 1:
        yield f"the columns of the curve have {', '.join(str(len(column)) for column in columns)} values"
        return
    if any(not later > earlier for earlier, later in zip(curve.seconds, curve.seconds[1:], strict=False)):
        yield "the moments of the curve do not rise"
    for seconds, probability, low, high in zip(*columns, strict=True):
        if not (_is_ordered(low, probability, high) and math.isfinite(seconds)):
            yield f"at {seconds:g} s the curve is at {probability:g} in {low:g} to {high:g}"
            return


def _is_ordered(low: float, middle: float, high: float) -> bool:
    """Tell whether these are probabilities in rising order; False also for NaN."""
    return -_ROUNDING <= low <= middle + _ROUNDING and middle <= high + _ROUNDING <= 1 + 2 * _ROUNDING


def _faults_of_evidence(page: SeizurePage) -> Iterator[str]:
    """Yield what is wrong with the segments: above all, whether they sum to the change that they explain."""
    segments = [(view, one) for view in page.views for one in view.segments]
    if page.baseline_probability is None:
        if segments:
            yield "there is evidence without a baseline from which it starts"
        return
    if not 0 < page.baseline_probability < 1:
        yield f"the baseline has the probability {page.baseline_probability:g}"
        return
    wanted = float(logit(page.verdict.probability) - logit(page.baseline_probability))
    found = math.fsum(one.value for _, one in segments)
    if not abs(found - wanted) <= LARGEST_GAP * max(1.0, abs(wanted)):
        yield (
            f"the evidence sums to {found:+.4f} in log-odds: expected {wanted:+.4f}, from the baseline "
            f"{page.baseline_probability:.4f} to {page.verdict.probability:.4f}"
        )
    for view, one in segments:
        first, last = one.snippet_seconds  # longer than its segment in a short seizure
        fits = first < last and max(first, one.start_seconds) < min(last, one.end_seconds)
        if not fits or (one.weight is not None and not 0 <= one.weight <= 1):
            yield f"view {view.name}: {one} is no segment with a snippet in it"
            return


def _faults_of_films(page: SeizurePage) -> Iterator[str]:
    """Yield which files are not beside the page, and whether pictures are where there should be none."""
    files = [file for view in page.views for file in (view.clip, *(one.file for one in view.pictures)) if file]
    if page.clip is None:
        if files:
            yield "a page without pictures names files of pictures"
        return
    if not (page.clip.frames_per_second > 0 and page.clip.num_frames > 0 and math.isfinite(page.clip.start_seconds)):
        yield f"{page.clip} are no times of a clip"
    for view in page.views:
        if not view.clip or not view.pictures or not view.aspect > 0:
            yield f"view {view.name} has no clip, no pictures, or no shape"
    for file in files:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts or ":" in file or "\\" in file:
            yield f"{file} is not a file beside the page"
