"""Videos to frames: rendering the demo's films, and decoding one view of one seizure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import luigi

import models
from seizures.errors import VideoError
from tasks.cohort import manifest as cohort
from tasks.cohort.networks import network_of
from tasks.machinery.fingerprint import fingerprint
from tasks.machinery.progress import progress
from tasks.settings.sections import Demo, Frames, results_root, section
from tasks.stage.mixins import NetworkMixin, RecordingMixin
from tasks.stage.stage import Amount, Stage


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

    version = 5
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
            "frames": section(Frames).settings(),
            "frame_size": models.network_spec(network_of(self.network)).frame_size,
        }

    def produce(self, path: Path) -> Amount:
        """Decode, and write the frames as they come."""
        from seizures.processes.decoder import IsolatedWindow
        from seizures.video.frame_cache import write_frames
        from seizures.video.request import WindowRequest

        item, read = self.recording, self.reads()
        hashes = read["video_sha256"] or [fingerprint(film, results_root() / "fingerprints") for film in self.paths()]
        request = WindowRequest(
            self.paths(),
            item.onset_seconds,
            item.offset_seconds,
            crop=item.crop,
            mask=item.mask,
            settings=read["frames"],
            frame_size=read["frame_size"],
        )
        with (
            IsolatedWindow(request) as window,
            progress(self, self.with_network(self.label), "frames") as report_progress,
        ):
            write_frames(path, window, attributes={"video_sha256": ";".join(hashes)}, progress=report_progress)
            return Amount(window.facts.num_frames_decoded, "frames")
