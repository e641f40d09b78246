"""Which kinds of files are opened as films: containers of films and raw streams, each a single local file.

libavformat also opens playlists, scripts, descriptions of network streams, sequences of pictures and devices, by what
is in a file, whatever its name. Those read other files, or reach into the network. They are refused by name.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import av
from av.container import InputContainer

from seizures.errors import VideoError

# By libavformat's names.
_FILMS = (
    "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "asf", "asf_o", "flv", "live_flv", "kux", "ogg", "rm", "nut",
    "mpeg", "mpegts", "mxf", "gxf", "dv", "wtv", "ty", "pva", "lxf", "ivf", "ivr", "nuv", "nsv", "amv", "cine", "mlv",
    "dhav", "ifv", "hxvs", "lmlm4", "moflex", "smjpeg", "mpjpeg", "yuv4mpegpipe", "ser",
)  # fmt: skip
_RAW_STREAMS = (
    "h264", "hevc", "vvc", "evc", "h261", "h263", "m4v", "mpegvideo", "mjpeg", "mjpeg_2000", "ingenient", "vc1",
    "vc1test", "dirac", "dnxhd", "cavsvideo", "avs2", "avs3", "obu", "av1",
)  # fmt: skip
# No films, and harmless: what they are is told when their streams are looked at.
_SOUND_AND_PICTURES = (
    "mp3", "wav", "w64", "flac", "aac", "ac3", "aiff", "amr", "caf", "gif", "apng", "jpeg_pipe", "png_pipe",
    "bmp_pipe", "tiff_pipe", "webp_pipe", "jpegls_pipe", "j2k_pipe", "jpegxl_pipe", "ppm_pipe", "pgm_pipe",
)  # fmt: skip
_ALLOWED = ",".join((*_FILMS, *_RAW_STREAMS, *_SOUND_AND_PICTURES))
_NO_PROTOCOL = "none"  # what a file names is not opened: there is no protocol of this name
_HEAD_BYTES = 4096
_REFUSED = "give the films themselves"
_SIGNS = (
    (b"#EXTM3U", f"a playlist (HLS), which names other files: {_REFUSED}"),
    (b"ffconcat version", f"a script for ffmpeg (ffconcat), which names other files: {_REFUSED}"),
    (b"<MPD", f"a playlist (DASH), which names other files: {_REFUSED}"),
    (b"<SmoothStreamingMedia", f"a playlist (Smooth Streaming), which names other files: {_REFUSED}"),
    (b"[playlist]", f"a playlist, which names other files: {_REFUSED}"),
    (b"v=0", "a description of a network stream (SDP): record the stream, and give the recording"),
    (b"RTSPtext", "a link to a network stream: record the stream, and give the recording"),
)


class Readable(Protocol):
    """What libav may read in the place of a file."""

    def read(self, num_bytes: int, /) -> bytes:
        """Return the next bytes, at most so many."""

    @property
    def seek(self) -> Callable[..., int]:
        """Go to a place."""


def open_film(film: Readable, *, options: dict[str, str] | None = None) -> InputContainer:
    """Open a film for reading as `av.open` does; texts in its header may be in any encoding.

    Nothing but these bytes is read, whatever they say.

    Args:
        film: a file that is open.
        options: of libavformat, besides.

    Raises:
        VideoError: it is something else than a film, and what, where that can be seen.
        av.FFmpegError: it cannot be opened.

    """
    more: dict[str, Any] = {}
    if int(av.__version__.partition(".")[0]) < 19:
        # Up to version 18, PyAV refuses such texts unless it is told otherwise; from 19 on, it is not to be told.
        more["metadata_errors"] = "replace"
    locks = {"format_whitelist": _ALLOWED, "protocol_whitelist": _NO_PROTOCOL}
    try:
        container = av.open(film, "r", options={**(options or {}), **locks}, **more)
    except av.FFmpegError:
        film.seek(0)
        if what := what_it_is(film.read(_HEAD_BYTES)):
            raise VideoError(f"is {what}") from None
        raise
    assert isinstance(container, InputContainer)
    return container


def what_it_is(head: bytes) -> str:
    """Return what a file is that names others, from its first bytes; empty where they do not tell."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    is_markup = text.startswith(b"<")
    for sign, what in _SIGNS:
        if text.startswith(sign) or (is_markup and sign.startswith(b"<") and sign in text):
            return what
    return ""


def require_regular(path: Path) -> None:
    """Refuse what is no file on a disk, before it is opened: a pipe would wait for somebody, for ever.

    Raises:
        VideoError: it is a folder, a pipe, a socket or a device.
        OSError: it is not there.

    """
    mode = path.stat().st_mode
    if stat.S_ISREG(mode):
        return
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    raise VideoError(f"{path.name}: is {kinds.get(stat.S_IFMT(mode), 'a device')}, and no file with a film")
