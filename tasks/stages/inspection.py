"""Videos to a page on which a person approves them: facts per file, a contact sheet per recording."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

import models
from seizures.classification.sampling import minimum_frames
from seizures.errors import VideoError
from seizures.manifest.film_names import folder_name
from seizures.manifest.recordings import Recording
from seizures.manifest.table import clock_text
from seizures.settings import canonical
from tasks.cohort import manifest as cohort
from tasks.machinery.fingerprint import fingerprint
from tasks.settings.sections import Dataset, Demo, Features, Frames, Training, results_root, section
from tasks.stage.mixins import RecordingMixin
from tasks.stage.stage import Stage
from tasks.stages.features import decoded as decoded_recording
from tasks.stages.videos import DecodeRecording, SimulateRecording, frame_settings, stream_numbers

if TYPE_CHECKING:
    from seizures.inspection.verdict import FileFacts, Outcome, Verdict


class SurveyFile(Stage):
    """Decode one file and keep what was found; a file that cannot be used says so in its result."""

    version = 6
    video: str = luigi.Parameter(description="the name of the film in the manifest")

    @property
    def label(self) -> str:
        """The film's name, with its folders, as every disk takes it."""
        return folder_name(self.video)

    def requires(self) -> list[SimulateRecording]:
        """Require the film of the demo."""
        return [SimulateRecording(video=self.video)] if section(Demo).enabled else []

    def film(self) -> Path:
        """Return the path of the film."""
        rendered = self.requires()
        return rendered[0].path if rendered else cohort.video(self.video)

    def reads(self) -> dict[str, Any]:
        """Return the content of the film, which stream of it is meant, and the rate of a raw one."""
        film, own = self.film(), ""
        if not section(Demo).enabled:
            own = fingerprint(film, results_root() / "fingerprints")
        rate = frame_settings([film]).raw_rate_hz
        return {"video_sha256": own, **stream_numbers([film]), **({"raw_rate_hz": rate} if rate else {})}

    def produce(self, path: Path) -> None:
        """Survey the file in the decoder's own process."""
        import dataclasses

        from seizures.processes.decoder import survey_isolated

        found = survey_isolated(self.film(), frame_settings([self.film()]).raw_rate_hz)
        facts = dataclasses.replace(found, video=self.video)
        path.write_text(json.dumps(canonical(facts), indent=1) + "\n", encoding="utf-8")

    def facts(self) -> FileFacts:
        """Return what was found."""
        from seizures.inspection.verdict import facts_from

        return facts_from(json.loads(self.result.read_text(encoding="utf-8")))


class DrawContactSheet(RecordingMixin, Stage):
    """Draw the contact sheet of one recording."""

    version = 4
    extension = "png"
    leaves_out = (VideoError,)

    @functools.cached_property
    def decoded(self) -> DecodeRecording:
        """The stage that decodes the same window; it says what is read."""
        return DecodeRecording(**self.id._asdict())

    def requires(self) -> list[Stage]:
        """Require the films of the demo, and the surveys, which say how long the films are."""
        return [*self.decoded.requires(), *self.surveys()]

    def surveys(self) -> list[SurveyFile]:
        """Return the surveys of the pieces."""
        return [surveyed(name) for name in self.recording.video]

    def reads(self) -> dict[str, Any]:
        """Return what decoding reads, and the time of day in the captions where it is known."""
        starts_at = self.recording.starts_at_seconds
        return self.decoded.reads() | ({} if starts_at is None else {"starts_at_seconds": starts_at})

    def produce(self, path: Path) -> None:
        """Draw it in the decoder's own process."""
        from seizures.processes.decoder import draw_sheet_isolated

        item = self.recording
        end_seconds = sum(stage.facts().duration_seconds for stage in self.surveys())
        draw_sheet_isolated(
            path,
            self.decoded.paths(),
            onset_seconds=item.onset_seconds or 0.0,
            offset_seconds=end_seconds if item.offset_seconds is None else item.offset_seconds,
            crop=item.crop,
            mask=item.mask,
            settings=section(Frames).settings(),
            starts_at_seconds=item.starts_at_seconds,
        )


@functools.cache
def surveyed(video: str) -> SurveyFile:
    """Return the survey of a film; Luigi's constructor is slow."""
    return SurveyFile(video=video)


@functools.cache
def _used() -> tuple[Recording, ...]:
    return tuple(item for seizure in cohort.seizures().values() for item in seizure.recordings if item.video)


def all_surveys() -> list[SurveyFile]:
    """Return the survey of every film that the manifest uses, each once."""
    return [surveyed(name) for name in dict.fromkeys(name for item in _used() for name in item.video)]


@functools.cache
def all_sheets() -> tuple[DrawContactSheet, ...]:
    """Return the contact sheet of every recording that the manifest uses."""
    return tuple(DrawContactSheet(**item.id._asdict()) for item in _used())


class TabulateVideos(Stage):
    """Write what was found in every file as one table."""

    version = 4
    extension = "csv"

    @property
    def label(self) -> str:
        """One table for all."""
        return "videos"

    def requires(self) -> list[SurveyFile]:
        """Require the survey of every file."""
        return all_surveys()

    def produce(self, path: Path) -> None:
        """Write the table."""
        from seizures.inspection.verdict import write_table

        write_table(path, [stage.facts() for stage in self.requires()])


class WriteInspection(Stage):
    """Write the page with verdicts and contact sheets."""

    version = 5
    extension = "html"

    @property
    def label(self) -> str:
        """One page for all."""
        return "videos"

    def requires(self) -> list[Stage]:
        """Require all surveys and sheets, and the frames of every recording: RunAll's rules are applied to them."""
        return [*all_surveys(), *all_sheets(), *(stage.decoded for stage in all_sheets())]

    def reads(self) -> dict[str, Any]:
        """Return what the page says of each recording, and the rules that decide whether RunAll uses it."""
        excluded = [[item.name, item.reason] for item in cohort.left_out_by_manifest()]
        recordings = [_words(stage.recording) for stage in all_sheets()]
        return {"recordings": recordings, "excluded": excluded, "rules": _rules(), "minimum": _minimum_seconds()}

    def produce(self, path: Path) -> None:
        """Gather facts and sheets, and write the page."""
        from seizures.inspection.page import RecordingLook, write_page

        looks = []
        for stage in all_sheets():
            sheet = None if stage.bad_reason() else stage.result
            looks.append(RecordingLook(stage.label, _words(stage.recording), sheet, recording_verdict(stage)))
        excluded = [(item.name, item.reason) for item in cohort.left_out_by_manifest()]
        write_page(path, [stage.facts() for stage in all_surveys()], looks, excluded)


def recording_verdict(stage: DrawContactSheet) -> Verdict:
    """Return whether RunAll uses a recording: what became of its frames, by the rules of the run."""
    from seizures.inspection.verdict import judge_recording

    item = stage.recording
    views = cohort.seizure(item.id.seizure).recordings
    return judge_recording(item, views, [survey.facts() for survey in stage.surveys()], _outcome(stage.decoded))


def _outcome(decoded: DecodeRecording) -> Outcome:
    """Apply the rules of RunAll to the frames of a recording, in the order and the words in which the run does."""
    from seizures.inspection.verdict import Outcome

    own = _outcome_of_frames(decoded)
    if own.problem:
        return own
    views = [item for item in _used() if (item.patient_id, item.seizure_id) == (decoded.patient_id, decoded.seizure_id)]
    stages = {item.view: decoded_recording(item.id) for item in views}
    outcomes = {view: _outcome_of_frames(stage) for view, stage in stages.items()}
    for view, outcome in outcomes.items():
        if outcome.problem and stages[view].bad_reason() is None:  # features are made of all decoded views, or of none
            return Outcome(f"its view {view} excludes the seizure: {outcome.problem}")
    longest_seconds = max(outcome.duration_seconds for outcome in outcomes.values())
    if decoded.recording.offset_seconds is None and longest_seconds and cohort.is_short(longest_seconds):
        return Outcome(cohort.short_reason(longest_seconds))
    return own


def _outcome_of_frames(decoded: DecodeRecording) -> Outcome:
    from seizures.features.snippets import usable_snippets
    from seizures.inspection.verdict import Outcome
    from seizures.video.frame_cache import open_frames

    reason, name = decoded.bad_reason(), decoded.label
    if reason is not None:
        return Outcome(reason)
    if not decoded.is_made():  # pruned, which happens only where features were made of them
        return Outcome()
    with open_frames(decoded.result) as frames:
        valid, frame_rate_hz = frames.valid, frames.frame_rate_hz
    length, stride, num_segments = _rules()
    try:
        good = usable_snippets(name, valid, length, stride)
    except VideoError as error:
        return Outcome(str(error).removeprefix(f"{name}: "))
    if len(valid) < (wanted := minimum_frames(length, num_segments)):
        found = f"too short: it has {len(valid)} frames, and num_segments = {num_segments} takes {wanted}"
        return Outcome(f"{found}; correct its times or set use = skip, or RunAll stops at it")
    duration_seconds = ((len(good) - 1) * stride + length) / frame_rate_hz
    return Outcome("", len(good), int((~good).sum()), duration_seconds)


@functools.cache
def _rules() -> tuple[int, int, int]:
    """Return frames per snippet, frames from one snippet to the next, and segments of a seizure."""
    length = models.network_spec(section(Features).network).span_frames
    return length, section(Features).stride_frames, section(Training).num_segments


def _minimum_seconds() -> float:
    return float(section(Dataset).minimum_duration_seconds)


def _words(item: Recording) -> str:
    times = f"{_moment(item, item.onset_seconds or 0.0)} to "
    times += "the end" if item.offset_seconds is None else _moment(item, item.offset_seconds)
    boxes = [
        f"{name} {box.left},{box.top},{box.width},{box.height}"
        for name, box in (("crop", item.crop), ("mask", item.mask))
        if box is not None
    ]
    return ", ".join([";".join(item.video), times, *boxes])


def _moment(item: Recording, seconds: float) -> str:
    said = f"{seconds:.6f}".rstrip("0").rstrip(".") + " s"
    return said if item.starts_at_seconds is None else f"{clock_text(item.starts_at_seconds + seconds)} ({said})"
