"""Films, decoded in a child process, so that a film that crashes or hangs the decoder takes nothing else with it.

A decoder is a large C library that is fed what a damaged disk holds. One child serves a process for all its films, so
that importing the decoder is paid for once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from seizures.errors import VideoError
from seizures.inspection.verdict import FileFacts
from seizures.processes.child import SILENCE_SECONDS, Child, ChildError
from seizures.processes.serving import Work
from seizures.video.blocks import FrameBlock, WindowFacts
from seizures.video.clip_plan import Clip, ClipPlan
from seizures.video.request import WindowRequest
from seizures.video.start_times import FilmStart

START_SILENCE_SECONDS = 60.0  # of a film that is asked when it starts
MEMORY_BYTES = 8 * 2**30  # a 4K film in HEVC of 10 bits takes 3 GiB of address space on eight threads
Found = TypeVar("Found")
_logger = logging.getLogger(__name__)


class DecoderEndedError(VideoError):
    """A film has ended the decoder: it crashed, stalled, or needed more memory than it is allowed."""


def load() -> Work:
    """Import the decoder, in the child: the parent needs none."""
    from seizures.processes.decoding import work

    return work


_decoder = Child(
    load,
    name="decoder",
    input_kind="video",
    advice="set use = skip",
    memory_bytes=MEMORY_BYTES,
)


class IsolatedWindow:
    """The frames of one window, decoded in the child: as `seizures.video.window.Window`, and as much a context manager.

    Iteration raises DecoderEndedError where the child crashes, or is silent for `silence_seconds`, or runs out of the
    memory it is allowed; TransientError where it is killed, or where disk, network or memory fail; and SoftwareError
    where any other exception ends it.
    """

    def __init__(self, request: WindowRequest, silence_seconds: float = SILENCE_SECONDS) -> None:
        self.clock = request.clock
        self.frame_size = request.frame_size
        self.name = request.name
        self._request = _absolute(request)
        self._silence_seconds = silence_seconds
        self._facts: WindowFacts | None = None
        self._blocks: Generator[FrameBlock, None, None] | None = None

    def __enter__(self) -> IsolatedWindow:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the child if it still decodes this window."""
        if self._blocks is not None:
            self._blocks.close()

    @property
    def facts(self) -> WindowFacts:
        """What decoding found; known once every block was read."""
        if self._facts is None:
            raise RuntimeError("the facts of a window are known after its last block")
        return self._facts

    def __iter__(self) -> Iterator[FrameBlock]:
        """Yield the blocks as the child sends them."""
        self._blocks = self._decode()
        return self._blocks

    def _decode(self) -> Generator[FrameBlock, None, None]:
        request = "decode", {"request": self._request}
        with _blaming_the_film(self.name):
            self._facts = yield from _decoder.ask(request, self.name, silence_seconds=self._silence_seconds)


def survey_isolated(path: Path, raw_rate_hz: float = 0.0, silence_seconds: float = SILENCE_SECONDS) -> FileFacts:
    """Return what `seizures.inspection.survey.survey` finds in a file, or how the file ends the decoder."""
    try:
        facts: FileFacts = _answer(path.name, "survey", silence_seconds, path=path.absolute(), raw_rate_hz=raw_rate_hz)
    except VideoError as error:
        return FileFacts(video=path.name, error=str(error).removeprefix(f"{path.name}: "))
    return facts


def draw_sheet_isolated(path: Path, paths: Sequence[Path], **more: Any) -> None:
    """Do as `seizures.inspection.contact_sheet.draw_sheet`; VideoError where a film ends the decoder."""
    films = [film.absolute() for film in paths]
    name = ";".join(film.name for film in paths)
    _answer(name, "sheet", SILENCE_SECONDS, path=path.absolute(), paths=films, **more)


def plan_clips_isolated(requests: Sequence[WindowRequest]) -> ClipPlan:
    """Do as `seizures.video.clips.plan_clips`; VideoError where a film ends the decoder."""
    name = ";".join(request.name for request in requests)
    plan: ClipPlan = _answer(name, "plan_clips", SILENCE_SECONDS, requests=[_absolute(one) for one in requests])
    return plan


def write_clip_isolated(request: WindowRequest, plan: ClipPlan, clip: Path, pictures: Sequence[Path] = ()) -> Clip:
    """Do as `seizures.video.clips.write_clip`; VideoError where a film ends the decoder."""
    files = {"clip": clip.absolute(), "pictures": [path.absolute() for path in pictures]}
    made: Clip = _answer(request.name, "write_clip", SILENCE_SECONDS, request=_absolute(request), plan=plan, **files)
    return made


def read_starts(paths: Sequence[Path], silence_seconds: float = START_SILENCE_SECONDS) -> list[FilmStart]:
    """Ask each file when it starts; where it crashes or hangs the decoder, that is its problem.

    Raises:
        TransientError: the decoder was killed, or did not start.
        SoftwareError: this software or its installation is at fault.

    """
    return [_start_of(path, silence_seconds) for path in paths]


def _absolute(request: WindowRequest) -> WindowRequest:
    """Name the films by their whole paths: the child may live in another folder."""
    return dataclasses.replace(request, paths=tuple(Path(path).absolute() for path in request.paths))


def _start_of(path: Path, silence_seconds: float) -> FilmStart:
    try:
        start: FilmStart = _answer(path.name, "start", silence_seconds, path=path.absolute())
    except VideoError as error:
        return FilmStart(problem=f"cannot say when it starts: {str(error).removeprefix(f'{path.name}: ')}")
    return start


def tried_twice(work: Callable[[], Found]) -> Found:
    """Return what `work` returns; where a film ends the decoder, it is tried once more, in a decoder that starts anew.

    Raises:
        DecoderEndedError: it ended the second decoder, too, so that the film is to blame.

    """
    try:
        return work()
    except DecoderEndedError as error:
        _logger.warning("%s. It is tried once more, in a new decoder", str(error).partition("; repair")[0])
        stop()
        return work()


def stop() -> None:
    """Stop this process's decoder, if it has one; the next request starts another."""
    _decoder.stop()


def _answer(name: str, what: str, silence_seconds: float, **arguments: Any) -> Any:
    def ask() -> Any:
        with _blaming_the_film(name):
            return _decoder.call((what, arguments), name, silence_seconds=silence_seconds)

    return tried_twice(ask)


@contextlib.contextmanager
def _blaming_the_film(name: str) -> Iterator[None]:
    try:
        yield
    except ChildError as error:
        raise DecoderEndedError(f"{name}: decoder {error}; repair the video or set use = skip") from error
