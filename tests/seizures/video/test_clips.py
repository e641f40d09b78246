"""Clips for a page: frame k shows what the film shows then, whatever the film is; nobody reads what is masked."""

from __future__ import annotations

import dataclasses
import math
import stat
import weakref
from fractions import Fraction
from pathlib import Path

import av
import damage
import numpy as np
import pytest
import zoo
from PIL import Image

from seizures.errors import SettingsError, VideoError
from seizures.manifest.recordings import Box
from seizures.processes.decoder import plan_clips_isolated, write_clip_isolated
from seizures.settings import FrameSettings
from seizures.video import clips
from seizures.video.clip_plan import SIZES, ClipPlan
from seizures.video.clips import plan_clips, write_clip
from seizures.video.request import WindowRequest
from seizures.video.window import open_window

UNEVEN = tuple(np.cumsum([0.0, *((0.04, 0.03, 0.1, 0.05, 0.2, 0.033, 0.067) * 8)]).round(3).tolist())
MIDDLES = [(bit + 1.5) / 10 for bit in range(zoo.NUM_BITS)]


def read_clip(path: Path) -> list[np.ndarray]:
    """Return the frames of a clip as RGB; frame k stands at exactly k / rate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert [frame.time for frame in frames] == pytest.approx([k / stream.average_rate for k in range(len(frames))])
        return [frame.to_ndarray(format="rgb24") for frame in frames]


def number_of(image: np.ndarray) -> int:
    """Read the number that the zoo has drawn in a picture."""
    height, width, _ = image.shape
    return sum((image[height // 2, round(x * width), 1] > 128) << bit for bit, x in enumerate(MIDDLES))


def request(paths: list[Path], onset: float, offset: float | None, **more) -> WindowRequest:
    return WindowRequest(tuple(paths), onset, offset, **more)


def write_one(one: WindowRequest, folder: Path, **more) -> tuple[ClipPlan, list[np.ndarray]]:
    plan = plan_clips([one])
    write_clip(one, plan, folder / "clip.mp4", **more)
    frames = read_clip(folder / "clip.mp4")
    assert len(frames) == plan.num_frames
    return plan, frames


@pytest.mark.parametrize(
    "specimen",
    [
        zoo.Specimen("plain.mp4"),
        zoo.Specimen("fast.mp4", rate=Fraction(50), num_frames=120, num_b_frames=2),
        zoo.Specimen("slow.mp4", rate=Fraction(12)),
        zoo.Specimen("variable.mkv", seconds=UNEVEN, time_base=Fraction(1, 1000)),
        zoo.Specimen("turned.mp4", rotation=90),
        zoo.Specimen("late.ts", "mpeg2video", offset_seconds=10.0, gop=5),
        zoo.Specimen("cut.mp4", num_frames=60, gop=10, pieces=((0, 25, 0.0), (25, 60, 0.0))),
    ],
    ids=lambda specimen: specimen.name,
)
def test_frame_k_is_what_the_film_shows_at_the_middle_of_its_time(tmp_path, specimen):
    films = specimen.make(tmp_path)
    plan, frames = write_one(request(films, 0.5, specimen.end_seconds() - 0.4), tmp_path)
    assert plan.start_seconds == -0.5
    assert plan.end_seconds == pytest.approx(specimen.end_seconds() - 0.5, abs=0.15)
    moments = [0.5 + plan.seconds(k) for k in range(len(frames))]
    assert [number_of(frame) for frame in frames] == specimen.expected(moments, 2e-3)
    assert 5 <= plan.rate <= 25


def test_views_on_clocks_of_their_own_are_in_step(tmp_path):
    (tmp_path / "b").mkdir()
    near = zoo.Specimen("near.mp4", num_frames=100).make(tmp_path)
    far = zoo.Specimen("far.mp4", rate=Fraction(10), num_frames=60).make(tmp_path / "b")
    views = [request(near, 1.0, 2.0), request(far, 3.0, 4.0)]
    plan = plan_clips(views)
    assert (plan.start_seconds, plan.rate, plan.num_frames) == (-1.0, 25, 100)  # what both have before, and 3 s behind
    shown = []
    for index, view in enumerate(views):
        write_clip(view, plan, tmp_path / f"{index}.mp4")
        shown.append([number_of(frame) for frame in read_clip(tmp_path / f"{index}.mp4")])
    moments = [plan.seconds(k) for k in range(plan.num_frames)]
    assert shown[0] == [math.floor((1.0 + t) * 25) for t in moments]
    seen = [math.floor((3.0 + t) * 10) for t in moments]
    assert shown[1][:99] == [number if number < 60 else 0 for number in seen][:99]


def test_a_film_that_ends_first_is_black_until_the_others_end(tmp_path):
    (tmp_path / "b").mkdir()
    long = zoo.Specimen("long.mp4", num_frames=100).make(tmp_path)
    short = zoo.Specimen("short.mp4", num_frames=50).make(tmp_path / "b")
    views = [request(long, 0.0, 2.0), request(short, 0.0, 2.0)]
    plan = plan_clips(views)
    made = write_clip(views[1], plan, tmp_path / "short.mp4", [tmp_path / "0.jpg", tmp_path / "1.jpg"])
    frames = read_clip(tmp_path / "short.mp4")
    assert (plan.num_frames, len(frames), made.black) == (100, 100, ((2.0, 4.0),))
    assert number_of(frames[49]) == 49
    assert max(frame.max() for frame in frames[51:]) < 12
    assert np.asarray(Image.open(tmp_path / "1.jpg")).max() < 12 < np.asarray(Image.open(tmp_path / "0.jpg")).max()


def test_masked_pixels_are_black_in_clip_and_pictures(tmp_path):
    film = zoo.Specimen("film.mp4", num_frames=30).make(tmp_path)
    mask = Box(16, 30, 64, 34)
    one = request(film, 0.2, 0.9, mask=mask)
    _, frames = write_one(one, tmp_path, pictures=[tmp_path / "0.jpg"])
    for image in (*frames, np.asarray(Image.open(tmp_path / "0.jpg"))):
        inside = image[mask.top + 2 : mask.top + mask.height - 2, mask.left + 2 : mask.left + mask.width - 2]
        assert inside.max() < 24
        assert image[: mask.top - 4].max() > 100


def test_the_clip_of_a_view_is_its_crop(tmp_path):
    film = zoo.Specimen("film.mp4", num_frames=30).make(tmp_path)
    _, frames = write_one(request(film, 0.0, 0.9, crop=Box(0, 64, 160, 32)), tmp_path)
    assert frames[0].shape == (32, 160, 3)
    colours = [frames[5][16, round((2 * index + 2) * 16)] for index in range(4)]
    np.testing.assert_allclose(np.array(colours, int), zoo.COLOURS, atol=10)


def test_pixels_become_square_and_nothing_is_enlarged(tmp_path):
    wide = zoo.Specimen("wide.mkv", aspect=Fraction(16, 11), num_frames=20).make(tmp_path)
    assert write_one(request(wide, 0.0, 0.7), tmp_path)[1][0].shape == (96, 232, 3)
    large = zoo.Specimen("large.mp4", size=(1280, 720), num_frames=20).make(tmp_path)
    assert write_one(request(large, 0.0, 0.7), tmp_path)[1][0].shape == (360, 640, 3)


def test_time_that_is_missing_is_black(tmp_path):
    paused = (*(i / 25 for i in range(25)), *(2 + i / 25 for i in range(25)))
    film = zoo.Specimen("paused.mkv", seconds=paused, gop=5).make(tmp_path)
    one = request(film, 0.0, 2.9)
    plan, frames = write_one(one, tmp_path)
    assert plan.num_frames == 75
    ((start, end),) = write_clip(one, plan, tmp_path / "again.mp4").black
    assert (start, end) == (pytest.approx(1.48, abs=0.05), pytest.approx(2.0))
    assert max(frame.max() for frame in frames[40:50]) < 12
    assert number_of(frames[20]) == 20
    assert number_of(frames[52]) == 27


def test_a_clip_is_made_for_browsers_and_jumps(tmp_path):
    film = zoo.Specimen("film.mp4", num_frames=100).make(tmp_path)
    plan, _ = write_one(request(film, 1.0, 3.5), tmp_path)
    path = tmp_path / "clip.mp4"
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert b"elst" not in content or b"ctts" not in content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with av.open(str(path)) as container:
        (stream,) = container.streams
        context = stream.codec_context
        assert (context.name, context.profile, context.pix_fmt) == ("h264", "Main", "yuv420p")
        assert (context.color_range, context.colorspace) == (1, 1)
        packets = [packet for packet in container.demux(stream) if packet.size]
    assert [packet.pts for packet in packets] == [packet.dts for packet in packets]
    keys = [index for index, packet in enumerate(packets) if packet.is_keyframe]
    assert keys == list(range(0, plan.num_frames, 12))


def test_pictures_are_evenly_spaced_and_say_when(tmp_path):
    film = zoo.Specimen("film.mp4", num_frames=100).make(tmp_path)
    one = request(film, 1.0, 4.0)
    plan = plan_clips([one])
    files = [tmp_path / f"{index}.jpg" for index in range(4)]
    made = write_clip(one, plan, tmp_path / "clip.mp4", files)
    assert [number_of(np.asarray(Image.open(file))) for file in files] == [12, 37, 62, 87]
    assert made.picture_seconds == pytest.approx([-0.5, 0.5, 1.5, 2.5])
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(("seconds", "size"), [(170.0, (360, 25)), (400.0, (288, 15)), (2000.0, (240, 10))])
def test_a_long_clip_is_smaller_and_slower(monkeypatch, seconds, size):
    monkeypatch.setattr(clips, "_probe", lambda request, progress: (seconds, 50.0))
    plan = plan_clips([request([Path("x.mp4")], 60.0, 60.0 + seconds)])
    assert (plan.start_seconds, plan.max_height, plan.rate) == (-3.0, *size)
    assert plan.num_frames == (seconds + 3) * size[1]
    assert [row[0] for row in SIZES] == sorted(row[0] for row in SIZES)


def test_no_clip_is_larger_than_it_may_be(tmp_path):
    film = zoo.Specimen("noise.mp4", size=(320, 192), num_frames=200, grain=90).make(tmp_path)
    one = request(film, 0.0, 7.9)
    write_one(one, tmp_path)
    assert (tmp_path / "clip.mp4").stat().st_size > 300_000
    write_one(one, tmp_path, largest_bytes=300_000)
    assert 150_000 < (tmp_path / "clip.mp4").stat().st_size <= 300_000


def test_without_an_offset_the_clip_ends_with_the_film(tmp_path):
    films = zoo.Specimen("cut.mp4", num_frames=60, gop=10, pieces=((0, 25, 0.0), (25, 60, 0.0))).make(tmp_path)
    plan, frames = write_one(request(films, 0.4, None), tmp_path)
    assert (plan.start_seconds, plan.num_frames) == (-0.4, 60)
    assert number_of(frames[-1]) == 59


def test_an_interlaced_film_is_taken_apart(tmp_path):
    woven = zoo.Specimen("woven.mpg", "mpeg2video", interlaced="tff", num_frames=50, size=(160, 96)).make(tmp_path)
    one = request(woven, 0.5, 1.5, settings=FrameSettings(deinterlace="always"))
    _, frames = write_one(one, tmp_path)
    one = dataclasses.replace(one, settings=FrameSettings(deinterlace="never"))
    _, combed = write_one(one, tmp_path)
    bar = slice(4, 28)  # rows in which it moves
    comb = [np.abs(np.diff(frame[bar, :, 1].astype(int), axis=0)).mean() for frame in (frames[20], combed[20])]
    assert comb[0] < comb[1] / 2


@pytest.mark.parametrize("seed", [3, 9])
def test_the_clip_is_black_where_the_pipeline_believes_no_picture(tmp_path, seed):
    (film,) = zoo.Specimen("film.ts", "mpeg2video", num_frames=100, size=(320, 192), grain=20).make(tmp_path)
    film.write_bytes(damage.drop(film.read_bytes(), 0.5, seed))
    one = request([film], 0.4, 3.4)
    plan, frames = write_one(one, tmp_path)
    seen = dataclasses.replace(
        one,
        onset_seconds=0.5 / plan.rate,
        offset_seconds=(plan.num_frames + 0.5) / plan.rate,
        settings=FrameSettings(frame_rate_hz=plan.rate, damaged="mask"),
    )
    with open_window(seen) as window:
        valid = np.concatenate([block.valid for block in window])[: plan.num_frames]
    assert 0 < (~valid).sum() < 50
    is_black = np.array([frame.max() < 40 for frame in frames])
    assert is_black[: len(valid)].tolist() == (~valid).tolist()
    made = write_clip(one, plan, tmp_path / "again.mp4")
    black = [any(start < plan.seconds(k) < end for start, end in made.black) for k in range(plan.num_frames)]
    assert black == is_black.tolist()


def test_the_decoders_child_does_the_same(tmp_path):
    film = zoo.Specimen("film.mp4", num_frames=50).make(tmp_path)
    one = request(film, 0.5, 1.5)
    plan = plan_clips([one])
    assert plan_clips_isolated([one]) == plan
    here = write_clip(one, plan, tmp_path / "here.mp4", [tmp_path / "here.jpg"])
    there = write_clip_isolated(one, plan, tmp_path / "there.mp4", [tmp_path / "there.jpg"])
    assert here == there
    # The encoder's bytes may differ by a few (seizures/video/clips.py); what they show may not.
    pairs = zip(read_clip(tmp_path / "here.mp4"), read_clip(tmp_path / "there.mp4"), strict=True)
    assert max(np.abs(one.astype(int) - other).mean() for one, other in pairs) < 0.5


def test_what_cannot_be_done_is_told(tmp_path, monkeypatch):
    film = zoo.Specimen("film.mp4", num_frames=30).make(tmp_path)
    with pytest.raises(VideoError, match="mask"):
        write_one(request(film, 0.1, 0.9, mask=Box(0, 0, 900, 9)), tmp_path)
    with pytest.raises(SettingsError, match="at least one"):
        plan_clips([])
    monkeypatch.setattr(clips, "ENCODER", "no_such_encoder")
    with pytest.raises(SettingsError, match="no_such_encoder"):
        plan_clips([request(film, 0.1, 0.9)])


def test_pictures_are_let_go_of_as_soon_as_they_are_encoded(tmp_path, monkeypatch):
    film = zoo.Specimen("film.mp4", num_frames=100).make(tmp_path)
    seen: list[weakref.ref] = []
    alive = []
    write = clips._Writer.write

    def watched(writer, picture):
        seen.append(weakref.ref(picture))
        alive.append(sum(one() is not None for one in seen))
        write(writer, picture)

    monkeypatch.setattr(clips._Writer, "write", watched)
    write_one(request(film, 0.5, 3.5), tmp_path)
    assert len(alive) == 100
    assert max(alive) <= 4
