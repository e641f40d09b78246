"""Films that only ffmpeg makes, against what it says of them: the last picture that is not after a tick."""

from __future__ import annotations

import shutil
import subprocess
from bisect import bisect_right
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import zoo
from reading import decode, read_numbers

from seizures.video.origin import PixelShapes

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
NUM_FRAMES = 150
WAYS = {  # how a film is made of another; the format is told by the name
    "h264.avi": "-c:v libx264 -bf 3 -g 50",
    "xvid.avi": "-c:v libxvid -bf 2 -g 50",
    "asp.avi": "-c:v mpeg4 -bf 2 -g 50",
    "wmv.wmv": "-c:v wmv2 -g 50",
    "slower.ts": "-vf select=lt(n\\,75)+not(mod(n\\,2)) -vsync vfr -c:v libx264 -bf 2 -g 250",
    "skipped.webm": "-vf select=mod(n\\,13) -vsync vfr -c:v libvpx -g 250 -deadline realtime",
    "skipped.avi": "-vf select=mod(n\\,13) -vsync vfr -c:v mpeg4 -g 250",
}


def run(*arguments: str | Path) -> str:
    found = subprocess.run([str(one) for one in arguments], check=False, capture_output=True, text=True)
    if "Unknown encoder" in found.stderr:
        pytest.skip("this ffmpeg lacks the encoder")
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    return zoo.Specimen("source.mkv", "ffv1", num_frames=NUM_FRAMES).make(folder)[0]


def best_effort_seconds(path: Path) -> list[float]:
    """Return when ffmpeg shows each frame, after the first; one without a time follows the one before it."""
    told = ["-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0"]
    text = run("ffprobe", "-v", "error", "-select_streams", "v:0", *told, path)
    times: list[float] = []
    for line in text.splitlines():
        if word := line.strip(","):
            times.append(times[-1] + 0.04 if word == "N/A" else float(word))
    return [one - times[0] for one in times]


def shown_by_ffmpeg(path: Path, num_ticks: int, late_seconds: float) -> list[int]:
    times = best_effort_seconds(path)
    return [bisect_right(times, tick / 15 + late_seconds) - 1 for tick in range(num_ticks)]


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("copied", ["", ".mkv"])
def test_a_tick_shows_what_ffmpeg_shows(tmp_path, source, name, copied):
    path = tmp_path / name
    run("ffmpeg", "-v", "error", "-i", source, *WAYS[name].split(), path)
    if copied:
        if not name.endswith(".avi"):
            pytest.skip("only what was an AVI has its stamps")
        run("ffmpeg", "-v", "error", "-fflags", "+genpts", "-i", path, "-c", "copy", path.with_suffix(copied))
        path = path.with_suffix(copied)
    frames, valid, facts = decode([path])
    assert valid.all()
    assert facts.num_gaps == facts.num_frames_lost == facts.num_reversals == 0
    numbers = read_numbers(frames)
    if "select" in WAYS[name]:
        kept = [n for n in range(NUM_FRAMES) if (n < 75 or n % 2 == 0 if "slower" in name else n % 13)]
    else:
        kept = list(range(NUM_FRAMES))
    if (
        copied
    ):  # ffmpeg itself shows such a film out of order; the copy moves a picture by one step where it leaves one out
        wanted = [kept[min(k * 25 // 15, len(kept) - 1)] for k in range(len(frames) - 2)]
        if "select" not in WAYS[name]:
            assert max(abs(one - other) for one, other in zip(numbers, wanted, strict=False)) <= 1
        return
    either = [
        {kept[min(index, len(kept) - 1)] for index in pair}
        for pair in zip(*(shown_by_ffmpeg(path, len(frames), late) for late in (1e-6, 1.1e-3)), strict=True)
    ]
    assert all(number in pair for number, pair in zip(numbers, either, strict=True)), (numbers, either)
    for onset in (1.3, 3.1):
        window, sound, _ = decode([path], onset, onset + 1)
        assert sound.all()
        whole, _, _ = decode([path], 0.0, None)
        ticks = [round((onset + k / 15) * 15 * 1000) for k in range(len(window))]
        if all(tick % 1000 == 0 for tick in ticks):
            np.testing.assert_array_equal(window, whole[[tick // 1000 for tick in ticks]])


def test_segments_of_hls_joined_by_hand(tmp_path, source):
    way = "-c:v libx264 -bf 2 -g 25 -keyint_min 25 -sc_threshold 0 -f hls -hls_time 2 -hls_list_size 0"
    run("ffmpeg", "-v", "error", "-i", source, *way.split(), tmp_path / "list.m3u8")
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in sorted(tmp_path.glob("list*.ts"))))
    frames, valid, facts = decode([joined])
    assert valid.all()
    assert read_numbers(frames) == [tick * 25 // 15 for tick in range(90)]
    assert facts.num_frames_damaged == 0


def test_the_shape_of_the_pixels_holds_to_the_last_picture(tmp_path, source):
    run("ffmpeg", "-v", "error", "-i", source, "-vf", "setsar=2", "-c:v", "libx264", tmp_path / "coded.mp4")
    path = tmp_path / "container.mkv"
    run("ffmpeg", "-v", "error", "-i", tmp_path / "coded.mp4", "-c", "copy", "-aspect", "160:96", path)
    frames, valid, _ = decode([path])
    assert valid.all()
    num_rows = (frames.max(axis=(2, 3)) > 20).sum(axis=1)
    assert set(num_rows.tolist()) == {num_rows[0]}


def test_a_film_whose_planes_of_colour_are_coarse(tmp_path, source):
    path = tmp_path / "coarse.mov"
    run("ffmpeg", "-v", "error", "-i", source, "-c:v", "svq1", "-q:v", "3", path)
    frames, valid, _ = decode([path])
    assert valid.all()
    assert read_numbers(frames) == [tick * 25 // 15 for tick in range(len(frames))]


def test_the_shape_of_pixels_is_read_off_coarse_planes_of_colour():
    frame = av.VideoFrame(160, 96, "yuv410p")
    frame.time_base = Fraction(1, 25)
    assert PixelShapes().of(frame) == 1


def test_small_pictures_of_a_program_stream_begin_in_the_packs_of_others(tmp_path, source):
    path = tmp_path / "small.vob"
    picture = "scale=320:180,noise=alls=3:allf=t:all_seed=1"
    way = f"-vf {picture} -c:v mpeg2video -b:v 600k -bf 2 -g 25"
    run("ffmpeg", "-v", "error", "-i", source, *way.split(), path)
    with av.open(str(path)) as container:
        assert any(packet.pos is None for packet in container.demux(video=0) if packet.size)
    frames, valid, _ = decode([path], damaged="mask")
    assert valid.all()
    assert read_numbers(frames) == [tick * 25 // 15 for tick in range(len(frames))]


def test_behind_damage_a_group_is_sound_from_its_key_frame_on(tmp_path, source):
    path = tmp_path / "open.mkv"
    options = "-preset ultrafast -x265-params log-level=none:bframes=4:open-gop=1:keyint=50:min-keyint=50:scenecut=0"
    run("ffmpeg", "-v", "error", "-i", source, "-c:v", "libx265", *options.split(), path)
    with av.open(str(path)) as container:
        packets = [(one.pts or 0, one.size, one.is_keyframe) for one in container.demux(video=0) if one.size]
    key = next(number for number in range(1, len(packets)) if packets[number][2])
    assert packets[key + 1][0] < packets[key][0]  # a leading picture
    zoo.drop_packet(max(range(key - 5, key), key=lambda number: packets[number][1]), path)  # from which it is drawn
    frames, valid, _ = decode([path], damaged="mask")
    first = int(np.ceil(packets[key][0] * 15 / 1000 - 0.01))
    assert not valid[first - 1]
    assert valid[first:].all()
    assert read_numbers(frames[valid]) == [tick * 25 // 15 for tick in np.flatnonzero(valid)]


OPEN_GROUPS = {
    "open": "open-gop=1:keyint=40:min-keyint=40:scenecut=0:bframes=5:b-adapt=0:b-pyramid=normal:ref=4",
    "refresh": "intra-refresh=1:keyint=50:bframes=3:b-adapt=0:b-pyramid=strict",
}


@pytest.mark.parametrize("kind", OPEN_GROUPS)
def test_a_window_behind_a_seek_needs_the_numbers_of_leading_pictures(tmp_path, source, kind):
    path = tmp_path / "open.mkv"
    run("ffmpeg", "-v", "error", "-i", source, "-c:v", "libx264", "-x264-params", OPEN_GROUPS[kind], path)
    for first_tick in range(24, 75, 3):
        frames, valid, facts = decode([path], first_tick / 15, first_tick / 15 + 1)
        assert valid.all()
        assert read_numbers(frames) == [(first_tick + tick) * 25 // 15 for tick in range(len(frames))]
        assert facts.num_frames_lost == facts.num_frames_damaged == 0


def test_a_film_cut_before_leading_pictures_loses_only_those(tmp_path, source):
    run(*f"ffmpeg -v error -i {source} -c:v libx264 -x264-params {OPEN_GROUPS['open']}".split(), tmp_path / "open.mkv")
    path = tmp_path / "cut.mkv"
    with av.open(str(tmp_path / "open.mkv")) as film, av.open(str(path), "w") as cut:
        stream = cut.add_stream_from_template(film.streams.video[0])
        packets = [packet for packet in film.demux(video=0) if packet.size]
        key = next(number for number in range(1, len(packets)) if packets[number].is_keyframe)
        first_pts = packets[key].pts or 0
        assert (packets[key + 1].pts or 0) < first_pts  # a leading picture
        for packet in packets[key:]:
            packet.stream = stream
            cut.mux(packet)
    frames, valid, facts = decode([path])
    assert valid.all()
    assert facts.num_frames_lost == facts.num_frames_damaged == 0
    first = round(first_pts / 40)
    assert read_numbers(frames) == [first + tick * 25 // 15 for tick in range(len(frames))]


def test_a_reference_that_is_lost_right_before_a_key_frame_is_missed_behind_it(tmp_path, source):
    path = tmp_path / "open.mkv"
    run(*f"ffmpeg -v error -i {source} -c:v libx264 -x264-params {OPEN_GROUPS['open']}".split(), path)
    with av.open(str(path)) as container:
        packets = [(one.pts or 0, one.is_keyframe) for one in container.demux(video=0) if one.size]
    key = next(number for number in range(1, len(packets)) if packets[number][1])
    lost = max(range(1, key), key=lambda number: packets[number])
    zoo.drop_packet(lost, path)
    frames, valid, _ = decode([path], damaged="mask")
    assert not valid.all()
    assert read_numbers(frames[valid]) == [tick * 25 // 15 for tick in np.flatnonzero(valid)]
    assert valid[int(np.ceil(packets[key][0] * 15 / 1000 - 0.01)) :].all()


B_PICTURES = "-c:v libx264 -bf 2 -g 60 -sc_threshold 0"
MPEG = "-c:v mpeg2video -q:v 3 -bf 2 -g 25"
ZEROS = {  # of films whose first packet is not that of the first picture that is seen, or has no time of its own
    "after-the-sound.avi": ["-itsoffset 1 -i {source} -f lavfi -i sine=d=7 -c:a mp3 -c:v libx264 -bf 2"],
    "decoding-times.mpg": [f"-i {{source}} {MPEG} {{x}}.m2v", "-i {x}.m2v -c copy"],
    "open-group.mpg": [f"-i {{source}} {MPEG} {{x}}.mpg", "-ss 1.74 -i {x}.mpg -c copy"],
    "open-group.vob": [f"-i {{source}} {MPEG} {{x}}.mpg", "-ss 1.74 -i {x}.mpg -c copy"],
    "cut.avi": ["-i {source} -c:v mpeg4 -q:v 3 -bf 2 -g 50 {x}.mkv", "-ss 2.1 -i {x}.mkv -c copy"],
    "within.mp4": [f"-i {{source}} {B_PICTURES} {{x}}.mp4"],
}


def begin_within_a_group(path: Path, start: Path) -> None:
    """Copy a film without its first picture, from which others are drawn."""
    with av.open(str(start)) as original, av.open(str(path), "w") as copied:
        stream = copied.add_stream_from_template(original.streams.video[0])
        for packet in [one for one in original.demux(video=0) if one.size][10:]:
            packet.stream = stream
            copied.mux(packet)


@pytest.mark.parametrize("name", ZEROS)
def test_zero_is_the_first_picture(tmp_path, source, name):
    path = tmp_path / name
    for way in ZEROS[name]:
        words = way.format(source=source, x=tmp_path / "x").split()
        into = [] if words[-1].startswith(str(tmp_path)) else [path]
        run("ffmpeg", "-v", "error", *words, *into)
    if name == "within.mp4":
        begin_within_a_group(path, tmp_path / "x.mp4")
    frames, valid, facts = decode([path])
    assert valid.all()
    assert facts.num_gaps == facts.num_reversals == 0
    numbers = read_numbers(frames)
    shown = zip(*(shown_by_ffmpeg(path, len(frames), late) for late in (-1e-4, 1e-4)), strict=True)
    agrees = [number - numbers[0] in pair for number, pair in zip(numbers, shown, strict=True)]
    assert all(agrees[:-1])  # the time of the last picture of an .avi is only counted
    assert len(numbers) > 40
    for tick in (1, 20, 37, len(numbers) - 5):
        window, sound, _ = decode([path], tick / 15, (tick + 5) / 15)
        assert sound.all()
        np.testing.assert_array_equal(window, frames[tick : tick + 5])


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("b.mpg", "-c:v libx264 -bf 3 -g 50"),
        ("pyramid.vob", "-c:v libx264 -bf 8 -refs 8 -g 250"),
        ("plain.mpg", "-c:v libx264 -tune zerolatency -g 250"),
        ("h265.mpg", "-c:v libx265 -x265-params log-level=none"),
    ],
)
def test_many_small_pictures_in_one_pes(tmp_path, source, name, way):
    """Of the pictures that begin in a PES only the first has stamps, and a demuxer may give them to another."""
    path = tmp_path / name
    run("ffmpeg", "-v", "error", "-i", source, *way.split(), path)
    frames, valid, facts = decode([path])
    assert valid.all()
    assert read_numbers(frames) == [tick * 25 // 15 for tick in range(90)]
    assert facts.num_gaps == facts.num_frames_lost == facts.num_reversals == 0


@pytest.mark.parametrize("encoder", ["libx264", "wmv2"])
def test_the_blocks_of_an_asf_are_filled_up_with_nothing(tmp_path, source, encoder):
    path = tmp_path / "slower.wmv"
    slower = "-vf select=lt(n\\,75)+not(mod(n\\,2)) -fps_mode vfr -c:v"
    run("ffmpeg", "-v", "error", "-i", source, *slower.split(), encoder, path)
    _, valid, facts = decode([path])
    assert valid.all()
    assert facts.num_frames_lost == 0


def test_an_empty_picture_at_the_end_of_mpeg4_is_no_loss(tmp_path, source):
    path = tmp_path / "xvid.ts"
    slower = "-vf select=lt(n\\,75)+not(mod(n\\,2)) -fps_mode vfr -c:v libxvid -bf 1 -q:v 4"
    run("ffmpeg", "-v", "error", "-i", source, *slower.split(), path)
    assert decode([path])[2].num_frames_lost == 0
