"""Which video stream of a file is the film, and at what rate one runs that does not say it.

A film is the largest video stream that is no cover picture, or the one that the manifest names (`film.mkv#2`). A still
picture and a sound file with a cover are no films. A raw stream (.h264, .mjpg, ...) without timing of its own runs at
the rate that a person states: libavformat would make up 25 Hz.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from fractions import Fraction

import av
from av.container import Container, InputContainer
from av.stream import Disposition

from seizures.errors import VideoError

_NO_TIMESTAMPS = 0x80  # of libavformat's AVFMT_ flags: a format without time
_SMALLEST_RATE_HZ, _LARGEST_RATE_HZ = 4, 240
_PICTURES = "_pipe"  # ends the names of libavformat's picture formats; several pictures in one file have no rate
_NO_FILM = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


def choose_stream(container: InputContainer, number: int | None) -> av.VideoStream:
    """Return the largest film of a file, the first of several as large; or film `number`, counted from 1.

    Raises:
        VideoError: the file holds no film, or not so many.

    """
    films = [stream for stream in container.streams.video if not stream.disposition & _NO_FILM]
    if not films:
        raise VideoError(f"holds {_contents(container)}, and no film")
    if number is not None:
        if number > len(films):
            raise VideoError(f"has no video stream #{number}; it has {_sizes(films)}")
        films = [films[number - 1]]
    readable = [stream for stream in films if stream.codec_context is not None]
    if not readable:
        raise VideoError("holds no video stream that this ffmpeg can decode")
    return max(readable, key=lambda stream: stream.codec_context.width * stream.codec_context.height)


def describe_choice(container: InputContainer, chosen: av.VideoStream) -> str:
    """Return which of several films of a file is used, in words; empty where there is only one."""
    films = [stream for stream in container.streams.video if not stream.disposition & _NO_FILM]
    if len(films) < 2:
        return ""
    return f"{len(films)} video streams, {_sizes(films)}: stream #{films.index(chosen) + 1} is used"


def is_raw(container: Container) -> bool:
    """Tell whether a file is a bare stream or a sequence of pictures, whose container knows no time."""
    return bool(container.format.flags & _NO_TIMESTAMPS) or container.format.name.endswith(_PICTURES)


def frame_rate(stream: av.VideoStream) -> Fraction | None:
    """Return the rate that a file states; of a raw stream that of the stream itself, or the one it was opened with."""
    return stated_rate(stream) or stream.average_rate or stream.guessed_rate or None


def stated_rate(stream: av.VideoStream) -> Fraction | None:
    """Return the rate that a raw stream states; of a variable rate it states the ticks of a clock, and no rate.

    What no camera has is not believed: one damaged bit would give the whole film another time.
    """
    rate = stream.codec_context.framerate if is_raw(stream.container) else None
    return rate if rate and _SMALLEST_RATE_HZ <= rate <= _LARGEST_RATE_HZ else None


def raw_period_seconds(stream: av.VideoStream, raw_rate_hz: float, num_packets: int) -> float | None:
    """Return the time between two frames of a raw stream; None where the film is in a container that knows the time.

    Args:
        stream: of a file that was opened with `raw_options`.
        raw_rate_hz: what a person states for streams that do not; 0: nothing.
        num_packets: how many were read, where two or more were asked for.

    Raises:
        VideoError: it is a still picture, or neither the stream nor a person states the rate.

    """
    if num_packets == 1:
        raise VideoError(f"is a still picture ({stream.codec_context.name}), and no film")
    if not is_raw(stream.container):
        return None
    if own := stated_rate(stream):
        return 1 / float(own)
    if raw_rate_hz:
        return 1 / raw_rate_hz
    raise VideoError(
        f"is a raw stream ({stream.container.format.name.removesuffix(_PICTURES)}) that states no usable frame rate: "
        "set [Frames] raw_rate_hz to the rate of the camera, or put the stream into a container with "
        "ffmpeg -framerate RATE -i FILE -c copy FILE.mkv"
    )


def describe_raw_rate(stream: av.VideoStream) -> str:
    """Return where the rate of a raw stream comes from, in words; empty for a film in a container."""
    if not is_raw(stream.container):
        return ""
    if own := stated_rate(stream):
        return f"raw stream without time stamps: frames are counted at {float(own):g} Hz, which the stream states"
    rate = float(frame_rate(stream) or 0.0)
    return f"raw stream without time stamps: frames are counted at {rate:g} Hz ([Frames] raw_rate_hz)"


def raw_options(raw_rate_hz: float) -> dict[str, str]:
    """Return the options with which a file is opened, so that a raw stream without timing runs at a stated rate."""
    if not raw_rate_hz:
        return {}
    rate = Fraction(raw_rate_hz).limit_denominator(100_000)
    return {"framerate": f"{rate.numerator}/{rate.denominator}"}


@contextlib.contextmanager
def refusal(name: str, close: Callable[[], None]) -> Iterator[None]:
    """Put the name of the file before what is wrong with it, and close it, whatever goes wrong."""
    try:
        yield
    except BaseException as error:
        close()
        if isinstance(error, VideoError):
            raise VideoError(f"{name}: {error}") from error
        raise


def _contents(container: InputContainer) -> str:
    has_cover = bool(container.streams.video)
    if container.streams.audio:
        return "sound with a cover picture" if has_cover else "sound only"
    return "a cover picture only" if has_cover else "no video stream"


def _sizes(films: list[av.VideoStream]) -> str:
    known = [stream.codec_context for stream in films]
    sizes = ["unknown codec" if one is None else f"{one.width}x{one.height}" for one in known]
    return ", ".join(f"#{number} {size}" for number, size in enumerate(sizes, start=1))
