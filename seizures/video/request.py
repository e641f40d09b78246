"""What to decode: one window of a recording, as one value from the task to the decoder."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from seizures.errors import SettingsError
from seizures.manifest.recordings import Box
from seizures.settings import FrameSettings
from seizures.video.clock import Clock


@dataclass(frozen=True)
class WindowRequest:
    """The part of a recording between its onset and its offset, and how to turn it into frames.

    Attributes:
        paths: the pieces of one continuous recording in order; each begins where the one before it ended.
        onset_seconds: on the clock whose 0 is the first frame of the first piece; None is that frame.
        offset_seconds: on the same clock; None is the end of the last piece.
        crop: the region that is this view, in pixels of the picture as shown; None is the whole picture.
        mask: a region to paint black, in the same pixels.
        settings: frame rate, preprocessing, deinterlacing, and what happens where the film is damaged.
        frame_size: height and width of the frames to make, in pixels.

    """

    paths: tuple[Path, ...]
    onset_seconds: float | None = None
    offset_seconds: float | None = None
    _: KW_ONLY
    crop: Box | None = None
    mask: Box | None = None
    settings: FrameSettings = field(default_factory=FrameSettings)
    frame_size: int = 112

    def __post_init__(self) -> None:
        """Refuse times that bound no window.

        Raises:
            SettingsError: a time is no number, or the offset is not after the onset.

        """
        onset_seconds = self.onset_seconds or 0.0
        faults = []
        if not math.isfinite(onset_seconds):
            faults.append(f"onset_seconds = {self.onset_seconds}: expected seconds after the first frame")
        if self.offset_seconds is not None and math.isnan(self.offset_seconds):
            faults.append(
                "offset_seconds = nan: expected seconds after the first frame, or none for the end of the film"
            )
        if self.offset_seconds is not None and self.offset_seconds <= onset_seconds:
            faults.append(f"offset_seconds = {self.offset_seconds:g}: expected after the onset, {onset_seconds:g} s")
        if faults:
            raise SettingsError(f"{self.name}: {'; '.join(faults)}")

    @property
    def name(self) -> str:
        """The names of the pieces, for messages."""
        return ";".join(path.name for path in self.paths)

    @property
    def clock(self) -> Clock:
        """The times of the frames."""
        return Clock(self.onset_seconds or 0.0, self.offset_seconds, self.settings.frame_rate_hz)
