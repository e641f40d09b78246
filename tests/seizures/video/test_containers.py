"""Only films are opened as films: what names other files or the network is refused, and asks nobody for anything."""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
import zoo
from reading import decode

from seizures.errors import VideoError
from seizures.inspection.survey import survey
from seizures.manifest.recordings import check_videos, read_manifest
from seizures.video.containers import _ALLOWED, open_film
from seizures.video.start_times import read_start

SCRIPTS = {  # by what is in them; {port} is of a listener, and {film} a film that is there
    "hls": ("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n", "HLS"),
    "hls with a key": (
        '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1:{port}/key"\n#EXTINF:2,\n{film}\n#EXT-X-ENDLIST\n',
        "HLS",
    ),
    "ffconcat": ("ffconcat version 1.0\nfile 'http://127.0.0.1:{port}/a.mp4'\nfile '{film}'\n", "ffconcat"),
    "ffconcat of a film": ("ffconcat version 1.0\nfile '{film}'\n", "ffconcat"),
    "dash": (
        '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT2S"><Period><AdaptationSet contentType="video"><Representation id="1" '
        'bandwidth="1"><BaseURL>http://127.0.0.1:{port}/a.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>',
        "DASH",
    ),
    "sdp": (
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
        "SDP",
    ),
    "sdp by tcp": ("v=0\ns=x\nc=IN IP4 127.0.0.1\nm=video {port} TCP/RTP/AVP 33\n", "SDP"),
    "pls": ("[playlist]\nFile1=http://127.0.0.1:{port}/a.mp4\nNumberOfEntries=1\n", "playlist"),
}


class Listener:
    """Listens for TCP and UDP on one port of the loopback address."""

    def __init__(self) -> None:
        self.stream = socket.create_server(("127.0.0.1", 0))
        self.port = self.stream.getsockname()[1]
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(("127.0.0.1", self.port))

    def has_heard(self) -> bool:
        return bool(select.select([self.stream, self.datagrams], [], [], 0.05)[0])


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.stream.close()
    found.datagrams.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return next(item for item in zoo.ALL if item.name == "h264.mp4").make(tmp_path_factory.mktemp("film"))[0]


@pytest.mark.parametrize("ending", [".mp4", ".avi", ".txt", ""])
@pytest.mark.parametrize("name", SCRIPTS)
def test_what_names_other_files_or_the_network_is_refused_unheard(
    tmp_path: Path, film: Path, listener: Listener, name: str, ending: str
) -> None:
    text, what = SCRIPTS[name]
    path = tmp_path / f"script{ending}"
    path.write_text(text.format(port=listener.port, film=film))
    with pytest.raises(VideoError, match=rf"^script{ending}: is a .*{what}"):
        decode([path])
    assert what in survey(path).error
    assert what in read_start(path).problem
    assert not listener.has_heard()


def test_a_movie_that_refers_to_another_file_reads_its_own_bytes_only(
    tmp_path: Path, film: Path, listener: Listener
) -> None:
    """In its data reference an alias to a file, or an address, instead of `in this file`."""
    content = film.read_bytes()
    own = struct.pack(">I4sI", 12, b"url ", 1)
    assert own in content
    path = tmp_path / "refers.mp4"
    for flags in (0, 1):
        path.write_bytes(content.replace(own, struct.pack(">I4sI", 12, b"url ", flags)))
        decode([path], damaged="mask")
    assert not listener.has_heard()


def test_pipes_devices_sockets_and_folders_are_refused_before_they_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.mp4"))
        for path, what in (
            (tmp_path / "pipe.mp4", "a pipe"),
            (tmp_path / "folder.mp4", "a folder"),
            (tmp_path / "socket.mp4", "a socket"),
            (Path("/dev/zero"), "a device"),
        ):
            with pytest.raises(VideoError, match=rf"^{path.name}: is {what}, and no file with a film$"):
                decode([path])
            assert what in read_start(path).problem


def test_a_link_out_of_video_root_is_refused_unless_the_settings_allow_it(tmp_path: Path, film: Path) -> None:
    root = tmp_path / "videos"
    root.mkdir()
    (root / "out.mp4").symlink_to(film)
    (root / "real.mp4").write_bytes(film.read_bytes())
    (root / "in.mp4").symlink_to("real.mp4")
    (tmp_path / "link").symlink_to(root)
    manifest = tmp_path / "data_manifest.csv"
    names = (("out.mp4", "FOS"), ("in.mp4", "TCS"), ("real.mp4", "FOS"))
    rows = [f"P{number},1,large,{name},{label}" for number, (name, label) in enumerate(names)]
    manifest.write_text("\n".join(["patient_id,seizure_id,view,video,label", *rows, ""]))
    recordings = read_manifest(manifest)
    (fault,) = check_videos(recordings, root)
    assert "'out.mp4' is a link out of video_root" in fault
    assert check_videos(recordings, root, allow_outside=True) == []
    assert len(check_videos(recordings, tmp_path / "link")) == 1  # a root that is a link itself is no matter


def test_what_is_allowed_is_known_to_libav_and_opens_nothing_else() -> None:
    allowed = set(_ALLOWED.split(","))
    assert {"mov", "matroska", "avi", "asf", "mpeg", "mpegts", "flv", "mxf", "h264", "hevc", "mjpeg"} <= allowed
    forbidden = {"hls", "concat", "dash", "sdp", "rtsp", "rtp", "imf", "image2", "lavfi", "tty", "vobsub", "fbdev"}
    assert not forbidden & allowed


def test_every_film_of_the_zoo_is_still_opened(tmp_path: Path) -> None:
    for item in zoo.ALL:
        if zoo.is_available(item):
            for path in item.make(tmp_path):
                with path.open("rb") as file, open_film(file) as container:
                    assert isinstance(container, av.container.InputContainer)
                path.unlink()
