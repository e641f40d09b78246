"""What the decoder's child does: everything that opens a film, one request after the other."""

from __future__ import annotations

from typing import Any

import av

from seizures.errors import VideoError
from seizures.inspection.contact_sheet import draw_sheet
from seizures.inspection.survey import survey
from seizures.processes.serving import Reporter
from seizures.video.clips import plan_clips, write_clip
from seizures.video.start_times import read_start
from seizures.video.window import open_window


def work(request: tuple[str, dict[str, Any]], reporter: Reporter) -> Any:
    """Do what is asked, as `_do` knows it; the frames of a window are parts of the answer."""
    what, arguments = request
    try:
        return _do(what, arguments, reporter)
    except MemoryError:  # libav has one, too
        raise
    except av.FFmpegError as error:
        raise VideoError(f"the video cannot be read: {error.strerror or type(error).__name__}") from error


def _do(what: str, arguments: dict[str, Any], reporter: Reporter) -> Any:
    if what == "start":
        return read_start(**arguments)
    if what == "survey":
        return survey(**arguments, progress=reporter.progress)
    if what == "sheet":
        return draw_sheet(**arguments, progress=reporter.progress)
    if what == "plan_clips":
        return plan_clips(**arguments, progress=reporter.progress)
    if what == "write_clip":
        return write_clip(**arguments, progress=reporter.progress)
    with open_window(**arguments, progress=reporter.progress) as window:
        for block in window:
            reporter.send(block)
        return window.facts
