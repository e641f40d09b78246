"""Decoding, on films made here whose every frame carries its number in black and white blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.errors import VideoError
from seizures.manifest.recordings import Box
from seizures.settings import FrameSettings
from seizures.video.clock import Clock, Stamped, choose
from seizures.video.filters import Picture, filter_chain
from seizures.video.orientation import Orientation
from seizures.video.window import Window, WindowFacts, WindowRequest, open_window

NUM_BITS = 8
WIDTH, HEIGHT = 320, 180


def numbered_picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Draw `number` as eight blocks in a row at half height, white for 1, black for 0, on grey."""
    picture = np.full((height, width, 3), 128, np.uint8)
    block = width // 10
    for bit in range(NUM_BITS):
        left = (bit + 1) * block
        picture[height // 3 : 2 * height // 3, left : left + block] = 255 * (number >> bit & 1)
    return picture


def read_numbers(frames: np.ndarray) -> list[int]:
    """Read the numbers back from letterboxed frames (T, S, S, 3), where a tenth of the width is a ninth of S."""
    size = frames.shape[1]
    centres = [round((bit + 1) * size / 9) for bit in range(NUM_BITS)]
    values = frames[:, size // 2 - 2 : size // 2 + 2].mean(axis=(1, 3))
    return [sum(int(row[centre] > 128) << bit for bit, centre in enumerate(centres)) for row in values]


def make_film(
    path: Path,
    seconds: Sequence[float],
    *,
    codec: str = "libx264",
    rate: Fraction = Fraction(25),
    time_base: Fraction = Fraction(1, 90_000),
    first_number: int = 0,
    gop: int = 12,
    pictures: Sequence[np.ndarray] | None = None,
) -> Path:
    """Write a film whose frame i is shown at seconds[i] and is numbered from `first_number`."""
    if pictures is None:
        pictures = [numbered_picture(first_number + index) for index in range(len(seconds))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.gop_size = gop
        stream.codec_context.time_base = time_base
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "crf": "18", "bf": "2", "sc_threshold": "0"}
        else:
            stream.bit_rate = 4_000_000
        for picture, second in zip(pictures, seconds, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(second / time_base), time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def steady(num_frames: int, rate: Fraction) -> list[float]:
    return [float(index / rate) for index in range(num_frames)]


def open_simply(
    paths: Path | Sequence[Path], onset: float | None = None, offset: float | None = None, **more
) -> Window:
    names = ("frame_rate_hz", "preprocessing", "raw_rate_hz")
    settings = FrameSettings(**{name: more.pop(name) for name in names if name in more})
    boxes = {"crop": more.pop("crop", None), "mask": more.pop("mask", None)}
    paths = [paths] if isinstance(paths, Path) else paths
    size = more.pop("frame_size", 112)
    return open_window(WindowRequest(tuple(paths), onset, offset, settings=settings, frame_size=size, **boxes))


def decode(*args, **more) -> tuple[np.ndarray, np.ndarray, WindowFacts]:
    with open_simply(*args, **more) as window:
        blocks = list(window)
        assert all(len(block.frames) <= 64 for block in blocks)
        frames = np.concatenate([block.frames for block in blocks])
        return frames, np.concatenate([block.valid for block in blocks]), window.facts


def brute_force(seconds: Sequence[float], ticks: Sequence[float], tolerance: float) -> list[int]:
    """The definition: the last frame whose timestamp is not after the tick."""
    return [max(i for i, second in enumerate(seconds) if second <= tick + tolerance) for tick in ticks]


times = st.lists(st.floats(0.002, 0.3), min_size=1, max_size=60)


@given(times, st.floats(0, 1), st.floats(0.01, 5), st.sampled_from([1.0, 12.5, 15.0, 29.97, 60.0]))
def test_choose_is_the_definition(gaps, start, length, rate):
    seconds = np.cumsum([0.0, *gaps]).tolist()
    ends = [*seconds[1:], seconds[-1] + 0.04]
    onset = start * seconds[-1]
    clock = Clock(onset, onset + length, rate)
    frames = [Stamped(a, b, i) for i, (a, b) in enumerate(zip(seconds, ends, strict=True))]
    chosen = list(choose(frames, clock, 1e-6))
    ticks = [t for k in range(1000) if (t := onset + k / rate) < min(onset + length, ends[-1]) - 1e-6]
    assert [tick for tick, _ in chosen] == list(range(len(ticks)))
    assert [stamped.frame for _, stamped in chosen] == brute_force(seconds, ticks, 1e-6)


@given(st.integers(0, 40_000), st.integers(1, 20_000), st.sampled_from([15, 25, 30]))
def test_whole_numbers_of_ticks_are_counted_exactly(first, num_ticks, rate):
    onset, offset = first / 7, first / 7 + num_ticks / rate
    assert Clock(onset, offset, rate).num_ticks() == num_ticks
    assert Clock(onset, None, rate).num_ticks(offset) == num_ticks
    assert Clock(onset, None, rate).num_ticks() is None
    assert Clock(offset, onset, rate).num_ticks() == 0


def test_choose_stops_reading_at_the_offset():
    frames = iter([Stamped(i / 25, (i + 1) / 25, i) for i in range(100)])
    assert len(list(choose(frames, Clock(0, 1, 15), 1e-6))) == 15
    assert next(frames).frame < 30


FILMS = {
    "25hz.mp4": ("libx264", Fraction(25), Fraction(1, 12_800)),
    "30hz.mkv": ("libx264", Fraction(30), Fraction(1, 30)),
    "19hz.mp4": ("libx264", Fraction(981, 50), Fraction(1, 981)),
    "25hz.avi": ("mpeg4", Fraction(25), Fraction(1, 25)),
    "30hz.ts": ("libx264", Fraction(30), Fraction(1, 90_000)),
    "25hz.ts": ("mpeg2video", Fraction(25), Fraction(1, 25)),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> dict[str, tuple[Path, list[float]]]:
    folder = tmp_path_factory.mktemp("films")
    made = {}
    for name, (codec, rate, time_base) in FILMS.items():
        seconds = steady(180, rate)
        made[name] = (make_film(folder / name, seconds, codec=codec, rate=rate, time_base=time_base), seconds)
    gaps = np.random.default_rng(0).choice([0.01, 0.02, 0.033, 0.05, 0.2], 179)
    seconds = np.cumsum([0.0, *gaps]).round(3).tolist()
    made["variable.mp4"] = (make_film(folder / "variable.mp4", seconds, time_base=Fraction(1, 1000)), seconds)
    made["variable.mkv"] = (make_film(folder / "variable.mkv", seconds, time_base=Fraction(1, 1000)), seconds)
    return made


@pytest.mark.parametrize("name", [*FILMS, "variable.mp4", "variable.mkv"])
@pytest.mark.parametrize(("onset", "offset"), [(None, None), (0.35, 2.01), (3.3, 5.9), (5.0, None)])
def test_each_tick_has_the_frame_that_a_person_sees(films, name, onset, offset):
    path, seconds = films[name]
    frames, valid, facts = decode(path, onset, offset)
    numbers = read_numbers(frames)
    ticks = [(onset or 0) + k / 15 for k in range(len(frames))]
    assert numbers == brute_force(seconds, ticks, 1e-6)
    assert valid.all()
    assert facts.num_frames_decoded == len(frames)
    if offset is not None:
        assert len(frames) == math.ceil((offset - onset) * 15 - 1e-9)
    else:
        assert (onset or 0) + len(frames) / 15 >= seconds[-1] - 1e-6


@pytest.mark.parametrize("name", sorted(FILMS))
def test_a_window_is_a_slice_of_the_whole(films, name):
    path, _ = films[name]
    whole, _, _ = decode(path)
    window, _, _ = decode(path, 45 / 15, 75 / 15)
    np.testing.assert_array_equal(window, whole[45:75])


def test_frame_rates_above_the_film_repeat_frames(films):
    path, seconds = films["25hz.mp4"]
    frames, _, _ = decode(path, None, 2.0, frame_rate_hz=60.0)
    assert read_numbers(frames) == brute_force(seconds, [k / 60 for k in range(120)], 1e-6)


def test_pieces_are_one_clock(tmp_path):
    rate = Fraction(25)
    paths = [
        make_film(tmp_path / f"{i}.mp4", steady(50, rate), rate=rate, first_number=50 * i, gop=10) for i in range(3)
    ]
    seconds = steady(150, rate)
    for onset, offset in ((None, None), (1.5, 2.5), (2.0, 4.0), (3.9, 5.5), (4.2, None)):
        frames, _, facts = decode(paths, onset, offset)
        ticks = [(onset or 0) + k / 15 for k in range(len(frames))]
        assert len(frames) == math.ceil(((offset or 6.0) - (onset or 0)) * 15 - 1e-6)
        assert read_numbers(frames) == brute_force(seconds, ticks, 1e-6)
        assert facts.video_name == "0.mp4;1.mp4;2.mp4"


def test_facts_say_what_the_file_is(films):
    _, _, facts = decode(films["30hz.mkv"][0], 1.0, 2.0)
    rgb = "format=gbrp,format=rgb24"
    chain = f"crop=288:180:16:0:exact=1,scale=112:70:flags=bilinear+accurate_rnd+full_chroma_int,{rgb},"
    assert facts == WindowFacts(
        "30hz.mkv",
        "h264",
        320,
        180,
        30.0,
        15,
        f"setparams=colorspace=smpte170m,{chain}pad=112:112:0:21:black",
        deinterlacing="no: combing in 0 of 15 moving frames, sampled over the whole film",
    )
    with open_simply(films["30hz.mkv"][0]) as window, pytest.raises(RuntimeError, match="last block"):
        _ = window.facts


def solid(tmp_path: Path, picture: np.ndarray) -> Path:
    return make_film(tmp_path / "solid.mp4", steady(3, Fraction(25)), pictures=[picture] * 3)


@pytest.mark.parametrize("size", [112, 224])
def test_letterbox_is_the_papers(tmp_path, size):
    picture = np.full((360, 640, 3), 255, np.uint8)
    picture[:, :28], picture[:, -28:] = 0, 0  # nearly the 5 % (32 columns) that are dropped
    frame = decode(solid(tmp_path, picture), frame_size=size)[0][0]
    bar = 21 * size // 112
    assert (frame[:bar] == 0).all()
    assert (frame[-bar:] == 0).all()
    assert (frame[bar + 1 : -bar - 1] > 245).all()
    assert frame.shape == (size, size, 3)


def test_center_crop_is_the_square_in_the_middle(tmp_path):
    picture = np.zeros((256, 342, 3), np.uint8)
    picture[16:240, 60:284] = 255
    frame = decode(solid(tmp_path, picture), preprocessing="center_crop")[0][0]
    assert frame.shape == (112, 112, 3)
    assert (frame[1:-1, 1:-1] > 245).all()
    assert decode(solid(tmp_path, picture), preprocessing="center_crop", frame_size=224)[0].shape[1:] == (224, 224, 3)


def test_crop_and_mask_are_where_they_say(tmp_path):
    picture = np.full((360, 640, 3), 200, np.uint8)
    picture[:, :320] = (250, 0, 0)
    path = solid(tmp_path, picture)
    left = decode(path, crop=Box(0, 0, 320, 180))[0][0]
    np.testing.assert_allclose(left[30:80].mean(axis=(0, 1)), (250, 0, 0), atol=4)
    both = decode(path, crop=Box(320, 0, 320, 180), mask=Box(320, 0, 160, 180))[0][0]
    assert (both[22:90, :54] <= 2).all()
    np.testing.assert_allclose(both[30:80, 60:], 200, atol=3)


CLOCKWISE = Orientation("rotated 90 degrees clockwise", ("transpose=clock",), swaps_axes=True)


def chain(picture: Picture, **more) -> str:
    arguments = {"crop": None, "mask": None, "preprocessing": "letterbox", "frame_size": 112, **more}
    return ",".join(filter_chain(picture, **arguments))


def test_other_shapes_keep_their_proportions():
    assert "scale=112:93:" in chain(Picture(320, 240))
    assert "crop=1728:1080:96:0:exact=1,scale=112:70:" in chain(Picture(1920, 1080))
    assert "scale=112:70:" in chain(Picture(1440, 1080, pixel_aspect=Fraction(4, 3)))
    assert chain(Picture(568, 320, orientation=CLOCKWISE)).startswith("transpose=clock,crop=288:568:16:0")
    assert "scale=57:112:" in chain(Picture(568, 320, orientation=CLOCKWISE))
    assert "crop=720:450:140:20:exact=1,scale=112:70:" in chain(Picture(1920, 1080), crop=Box(100, 20, 800, 450))
    assert chain(Picture(9, 9), crop=Box(0, 0, 1, 1))  # no column to drop


@pytest.mark.parametrize("box", [Box(0, 0, 321, 10), Box(-1, 0, 5, 5), Box(0, 170, 10, 11), Box(5, 5, 0, 5)])
def test_a_box_outside_the_picture_is_an_error(films, box):
    with pytest.raises(VideoError, match=r"25hz.mp4: crop = .* does not fit in the picture of 320x180"):
        decode(films["25hz.mp4"][0], crop=box)
    with pytest.raises(VideoError, match="mask = "):
        decode(films["25hz.mp4"][0], mask=box)


def test_times_outside_the_film_are_errors(films):
    path, _ = films["25hz.mp4"]  # 7.2 s
    with pytest.raises(VideoError, match=r"25hz.mp4: no frames from 7\.5 s on; the film ends at 7\.200 s"):
        decode(path, 7.5, None)
    with pytest.raises(VideoError, match=r"offset_seconds = 9 is 1\.8 s after the end"):
        decode(path, 6.0, 9.0)
    with pytest.raises(VideoError, match="before the first frame"):
        decode(path, -1.0, None)
    assert len(decode(path, 6.2, 8.0)[0]) == 15


def test_what_is_no_video_is_an_error(tmp_path):
    (tmp_path / "text.mp4").write_text("not a film")
    with pytest.raises(VideoError, match=r"text\.mp4: cannot be opened as a video"):
        decode(tmp_path / "text.mp4")
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(VideoError, match="holds sound only, and no film"):
        decode(tmp_path / "sound.wav")


def test_a_film_that_breaks_says_how_far_it_got(tmp_path):
    rate = Fraction(25)
    path = make_film(tmp_path / "broken.mp4", steady(100, rate), rate=rate, gop=25)
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    position, size = packets[60]
    content[position : position + size] = b"\xff" * size
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r"broken.mp4: .* at 2\.\d+ s \(decoding: Invalid data"):
        decode(path)
    assert len(decode(path, None, 1.5)[0]) == 23  # the window ends before the damage


def test_a_film_without_an_index_is_decoded_from_its_start(tmp_path):
    path = make_film(tmp_path / "raw.h264", steady(100, Fraction(25)))
    frames, _, _ = decode(path, 2.0, 3.0, raw_rate_hz=25)
    assert read_numbers(frames) == brute_force(steady(100, Fraction(25)), [2 + k / 15 for k in range(15)], 1e-6)


def test_a_mask_is_black_in_full_range_too(tmp_path):
    path = tmp_path / "full.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), 200, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frame = decode(path, mask=Box(0, 0, 160, 180))[0][0]
    assert (frame[22:90, :54] <= 2).all()
    np.testing.assert_allclose(frame[30:80, 60:], 200, atol=3)
