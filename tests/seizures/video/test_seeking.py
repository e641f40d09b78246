"""Films without an index: what is reached by leaving out their middle is what is reached by reading them through."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import damage
import numpy as np
import pytest
from reading import decode

from seizures.errors import VideoError
from seizures.video.film import Pieces
from seizures.video.open_file import OpenFile

RATE, NUM_FRAMES, WIDTH, HEIGHT = 25, 700, 64, 48
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


def clusters_of_unknown_size(path: Path) -> None:
    """Let the clusters end where the next one begins, as of a stream."""
    content = path.read_bytes()
    sized = rb"(\x1f\x43\xb6\x75)[\x20-\x3f]..(?=\xbf|\xe7)"
    changed, number = re.subn(sized, b"\\1\x3f\xff\xff", content, flags=re.DOTALL)
    assert number > 3
    path.write_bytes(changed)


def drop_index(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"idx1")])


def second_riff(path: Path) -> None:
    """Begin a second part in the middle, as behind the first gigabyte, and cut off the index."""
    drop_index(path)
    content = path.read_bytes()
    middle = content.index(b"00dc", len(content) // 2)
    rest = content[middle:]
    header = struct.pack("<4sI4s4sI4s", b"RIFF", len(rest) + 16, b"AVIX", b"LIST", len(rest) + 4, b"movi")
    path.write_bytes(content[:middle] + header + rest)


@dataclass(frozen=True)
class Film:
    name: str
    codec: str = "libx264"
    mux: dict[str, str] = field(default_factory=dict)
    num_b_frames: int = 0
    gop: int = 12
    audio: str = ""
    finish: Callable[[Path], None] | None = None
    is_smooth: bool = False


FILMS = [
    Film("live.mkv", mux={"live": "1"}, num_b_frames=2, audio="pcm_s16le"),
    Film("long-gop.mkv", mux={"live": "1", "cluster_time_limit": "500"}, num_b_frames=2, gop=200),
    Film("stream.mkv", mux={"live": "1"}, finish=clusters_of_unknown_size),
    Film("fragments.mp4", mux=FRAGMENTED, num_b_frames=3, audio="aac"),
    Film("negative.mp4", mux={"movflags": "frag_keyframe+empty_moov+negative_cts_offsets"}, num_b_frames=2),
    Film("moof.mp4", mux={"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "300000"}, gop=40),
    Film("asp.avi", "mpeg4", num_b_frames=2, gop=100, audio="pcm_s16le", finish=drop_index),
    Film("two-riffs.avi", "mpeg4", finish=second_riff),
    Film("mjpeg.avi", "mjpeg", finish=drop_index),
]


def make(film: Film, folder: Path) -> Path:
    path, rng = folder / film.name, np.random.default_rng(0)
    with av.open(str(path), "w", options=film.mux, format="matroska" if path.suffix == ".mkv" else None) as container:
        stream = container.add_stream(film.codec, rate=RATE)
        stream.width, stream.height, stream.gop_size = WIDTH, HEIGHT, film.gop
        stream.pix_fmt = "yuvj420p" if film.codec == "mjpeg" else "yuv420p"
        stream.codec_context.max_b_frames, stream.codec_context.bit_rate = film.num_b_frames, 1_000_000
        if film.codec == "libx264":
            stream.options = {"preset": "ultrafast", "bf": str(film.num_b_frames), "sc_threshold": "0"}
        sound = container.add_stream(film.audio, rate=8000, layout="mono") if film.audio else None
        for number in range(NUM_FRAMES):
            image = rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
            if film.is_smooth:  # so that the encoder makes no key frames of its own
                image = np.roll(
                    np.linspace(20, 230, WIDTH * 3, dtype=np.uint8).reshape(1, WIDTH, 3), number // 4, axis=1
                )
                image = np.ascontiguousarray(np.broadcast_to(image, (HEIGHT, WIDTH, 3)))
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
            if sound is not None:
                samples = av.AudioFrame.from_ndarray(np.zeros((1, 320), np.int16), format="s16", layout="mono")
                samples.sample_rate, samples.pts = 8000, number * 320
                container.mux(sound.encode(samples))
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))
    if film.finish:
        film.finish(path)
    return path


def shown(path: Path, onset_seconds: float, offset_seconds: float) -> list[tuple[float, float, bytes]]:
    pieces = Pieces([path], onset_seconds)
    found = []
    for one in pieces.frames():
        if one.start_seconds >= offset_seconds:
            break
        if one.start_seconds >= onset_seconds:
            pixels = one.frame.to_ndarray(format="gray").tobytes()
            found.append((round(one.start_seconds, 6), round(one.end_seconds, 6), pixels))
    pieces.close()
    assert not pieces.damage
    return found


@pytest.mark.parametrize("film", FILMS, ids=lambda film: film.name)
def test_a_window_is_what_reading_through_shows(tmp_path, film):
    path = make(film, tmp_path)
    everything = shown(path, 0.0, 1000.0)
    assert len({pixels for *_, pixels in everything}) == len(everything) >= NUM_FRAMES - 1
    for onset in (12.0, 19.53, 26.0):
        assert shown(path, onset, onset + 1) == [one for one in everything if onset <= one[0] < onset + 1]
    file = OpenFile(path, has_extent=False)
    assert file.search(26.0)
    file.close()


def late_list(path: Path) -> None:
    """Let the frames begin behind a long padding, and cut off the index."""
    drop_index(path)
    content = path.read_bytes()
    frames = content.rindex(b"LIST", 0, content.index(b"movi"))
    path.write_bytes(content[:frames] + struct.pack("<4sI", b"JUNK", 70_000) + bytes(70_000) + content[frames:])


@pytest.mark.parametrize(
    "film",
    [
        Film(
            "parserless.avi", "msmpeg4", gop=100, finish=drop_index, is_smooth=True
        ),  # where each packet says key frame
        Film("late.avi", "mpeg4", finish=late_list),
    ],
    ids=lambda film: film.name,
)
def test_a_window_is_right_where_the_fast_way_fails(tmp_path, film):
    path = make(film, tmp_path)
    everything = shown(path, 0.0, 1000.0)
    for onset in (12.0, 26.5):
        assert shown(path, onset, onset + 1) == [one for one in everything if onset <= one[0] < onset + 1]


def test_a_film_with_an_index_is_left_to_the_demuxer(tmp_path):
    for film in (Film("cues.mkv"), Film("whole.mp4"), Film("index.avi", "mpeg4"), Film("broadcast.ts", "mpeg2video")):
        path = make(film, tmp_path)
        file = OpenFile(path, has_extent=False)
        assert not file.search(26.0)
        assert shown(path, 26.0, 27.0) == [one for one in shown(path, 0.0, 27.0) if one[0] >= 26]
        file.close()


def test_more_padding_than_one_chunk_of_an_avi_can_be(tmp_path, monkeypatch):
    path = make(FILMS[7], tmp_path)
    whole = shown(path, 0.0, 27.0)
    monkeypatch.setattr("seizures.video.seeking._LONGEST_JUNK_BYTES", 100_000)
    assert shown(path, 26.0, 27.0) == [one for one in whole if one[0] >= 26]
    file = OpenFile(path, has_extent=False)
    assert file.search(26.0)
    file.close()


@pytest.mark.parametrize("film", [FILMS[0], FILMS[3], FILMS[6]], ids=lambda film: film.name)
def test_damage_before_and_in_the_window_ends_nothing(tmp_path, film):
    path = make(film, tmp_path)
    content = path.read_bytes()
    for kind in damage.KINDS:
        for seed, share in enumerate((0.1, 0.5, 0.93)):
            path.write_bytes(kind(content, share, seed))
            try:
                frames, valid, _ = decode([path], 25.0, 27.0, damaged="mask")
            except VideoError:
                continue
            assert len(frames) == len(valid) <= 30
