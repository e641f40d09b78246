"""Videos to frames: rendering the demo's films, and decoding one view of one seizure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from seizures.errors import VideoError
from seizures.manifest.film_names import may_be_raw, split_stream
from seizures.settings import FrameSettings
from tasks.cohort import manifest as cohort
from tasks.cohort.networks import frame_size_of
from tasks.machinery.fingerprint import fingerprint
from tasks.machinery.progress import progress
from tasks.settings.sections import Demo, Frames, results_root, section
from tasks.stage.mixins import NetworkMixin, RecordingMixin
from tasks.stage.stage import Amount, Stage

if TYPE_CHECKING:
    from seizures.video.request import WindowRequest


def decoded_key_parts(paths: Sequence[Path]) -> dict[str, Any]:
    """Return what of the settings, and of the names of the films, decides the frames that are decoded."""
    return {"frames": frame_settings(paths), **stream_numbers(paths)}


def frame_settings(paths: Sequence[Path]) -> FrameSettings:
    """Return the settings that decoding these films reads: the rate of raw streams only where one may be raw."""
    settings: FrameSettings = section(Frames).settings()
    if not settings.raw_rate_hz or (not section(Demo).enabled and any(may_be_raw(path) for path in paths)):
        return settings
    return dataclasses.replace(settings, raw_rate_hz=0.0)


def stream_numbers(paths: Sequence[Path]) -> dict[str, Any]:
    """Return which video streams the names of films ask for (`film.mkv#2`); nothing where none does."""
    numbers = [split_stream(path)[1] for path in paths] if any("#" in path.name for path in paths) else []
    return {"video_streams": numbers} if any(numbers) else {}


class SimulateRecording(Stage):
    """Render one film of the demo."""

    extension = "mp4"
    video: str = luigi.Parameter(description="the name of the film in the manifest")

    @property
    def label(self) -> str:
        """The film's name without its ending."""
        return Path(self.video).stem

    def reads(self) -> dict[str, Any]:
        """Return everything that is drawn."""
        return {"recording": cohort.demo()[self.video]}

    def produce(self, path: Path) -> None:
        """Render the film."""
        from seizures.simulation.rendering import render

        render(cohort.demo()[self.video], path)


class DecodeRecording(RecordingMixin, NetworkMixin, Stage):
    """Decode the seizure's window of one view into frames on a uniform clock."""

    version = 9
    extension = "h5"
    leaves_out = (VideoError,)

    def requires(self) -> list[SimulateRecording]:
        """Require the films of the demo; a lab's own already exist."""
        return [SimulateRecording(video=name) for name in self.recording.video] if section(Demo).enabled else []

    def films(self) -> list[str]:
        """Return what tells these films from others: the hashes of their content; of the demo's, how they are drawn."""
        return [stage.key for stage in self.requires()] or list(self.recipe["reads"]["video_sha256"])

    def paths(self) -> tuple[Path, ...]:
        """Return the films of this recording, in order."""
        rendered = tuple(stage.path for stage in self.requires())
        return rendered or cohort.videos(self.recording)

    def reads(self) -> dict[str, Any]:
        """Return the window, the geometry, the clock, and the content of the videos."""
        item, remembered = self.recording, results_root() / "fingerprints"
        own = [] if section(Demo).enabled else [fingerprint(path, remembered) for path in self.paths()]
        return {
            "video_sha256": own,
            "onset_seconds": item.onset_seconds,
            "offset_seconds": item.offset_seconds,
            "crop": item.crop,
            "mask": item.mask,
            "frame_size": frame_size_of(self.network),
            **decoded_key_parts(self.paths()),
        }

    def produce(self, path: Path) -> Amount:
        """Decode, and write the frames as they come."""
        from seizures.processes.decoder import IsolatedWindow, tried_twice
        from seizures.video.frame_cache import write_frames

        read, request = self.reads(), window_of(self)
        hashes = read["video_sha256"] or [fingerprint(film, results_root() / "fingerprints") for film in self.paths()]

        def decode() -> Amount:
            with (
                IsolatedWindow(request) as window,
                progress(self, self.with_network(self.label), "frames") as report_progress,
            ):
                write_frames(path, window, attributes={"video_sha256": ";".join(hashes)}, progress=report_progress)
                return Amount(window.facts.num_frames_decoded, "frames")

        return tried_twice(decode)


def window_of(stage: DecodeRecording) -> WindowRequest:
    """Return what is to be decoded of a recording."""
    from seizures.video.request import WindowRequest

    item, read = stage.recording, stage.reads()
    return WindowRequest(
        tuple(film.result for film in stage.requires()) or stage.paths(),
        item.onset_seconds,
        item.offset_seconds,
        crop=item.crop,
        mask=item.mask,
        settings=read["frames"],
        frame_size=read["frame_size"],
    )
