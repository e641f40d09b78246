"""Each frame is the picture that a person sees in a player, whatever was coded: read back from films made here."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import zoo
import zoo_pictures as films
from reading import decode, read_colours, read_numbers

from seizures.errors import VideoError
from seizures.inspection.survey import survey
from seizures.inspection.verdict import UNUSABLE, WARNINGS, judge
from seizures.manifest.recordings import Box
from seizures.video.filters import FrameGraph
from seizures.video.interlacing import scan_film
from seizures.video.streams import stated_rate

SEEN = [int(k * 25 / 15 + 1e-6) for k in range(24)]  # numbers at the ticks of 40 frames at 25 Hz
BIT_CENTRES = [round((bit + 1) * 112 / 9) for bit in range(zoo.NUM_BITS)]


@pytest.mark.parametrize("matrix", films.CODED_FOR, ids=str)
def test_every_turn_and_reflection_is_undone(tmp_path, matrix):
    coded = [np.ascontiguousarray(films.CODED_FOR[matrix](image)) for image in films.images()]
    path = films.write(tmp_path / "turned.mp4", coded, matrix=matrix)
    frames, valid, _ = decode([path])
    assert valid.all()
    assert read_numbers(frames) == SEEN
    np.testing.assert_allclose(read_colours(frames), zoo.COLOURS, atol=3)
    facts = survey(path)
    assert bool(facts.orientation) == (matrix != (1, 0, 0, 1))
    assert not facts.orientation or any(facts.orientation in note for note in judge(facts).notes)


def test_a_frame_is_let_go_of_when_it_was_drawn_without_waiting_for_the_collector(tmp_path):
    path = films.write(tmp_path / "film.mp4", films.images())
    graph = FrameGraph(None, None, "letterbox", 112)
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            before = sys.getrefcount(frame)
            graph.apply(frame)
            assert sys.getrefcount(frame) == before


def test_a_crop_of_a_mirrored_film_is_of_the_picture_as_shown(tmp_path):
    coded = [np.ascontiguousarray(np.fliplr(image)) for image in films.images()]
    path = films.write(tmp_path / "mirrored.mp4", coded, matrix=(-1, 0, 0, 1))
    red = decode([path], crop=Box(20, 66, 24, 28))[0]
    np.testing.assert_allclose(red[:, 40:70, 40:70].mean(axis=(0, 1, 2)), zoo.COLOURS[0], atol=4)


def test_an_angle_that_is_no_quarter_turn_is_shown_upright_and_named(tmp_path):
    cosine, sine = np.cos(np.radians(10)), np.sin(np.radians(10))
    path = films.write(tmp_path / "tilted.mp4", films.images(), matrix=(cosine, sine, -sine, cosine))
    assert read_numbers(decode([path])[0]) == SEEN
    verdict = judge(survey(path))
    assert verdict.word == WARNINGS
    assert any("no quarter turn" in reason for reason in verdict.reasons)


@pytest.mark.parametrize("transfer", ["HLG", "PQ"])
def test_high_dynamic_range_looks_as_the_same_scene_on_an_ordinary_screen(tmp_path, transfer):
    path = films.write_high_dynamic_range(tmp_path / "phone.mp4", transfer)
    frames, valid, facts = decode([path])
    assert valid.all()
    assert read_numbers(frames) == SEEN
    np.testing.assert_allclose(read_colours(frames), zoo.COLOURS, atol=6)
    assert f"{transfer} to BT.709" in facts.preprocessing
    found = survey(path)
    assert found.transfer == transfer
    assert any("tone-mapped" in note for note in judge(found).notes)


def test_light_brighter_than_white_stays_in_order_and_below_it():
    from seizures.video.tone import tone_mapped

    grey = np.repeat(np.linspace(0, 65535, 400).astype(np.uint16)[None, :, None], 3, axis=2)
    for transfer in ("HLG", "PQ"):
        levels = tone_mapped(grey, transfer, 9)[0, :, 0].astype(int)
        assert (np.diff(levels) >= 0).all()
        assert levels[0] == 0
        assert levels[-1] == 255


def picture_box(frame: np.ndarray) -> tuple[int, int]:
    """Return the rows and columns of a letterboxed frame that are not black bars."""
    lit = frame.max(axis=2) > 20
    return int(lit.any(axis=1).sum()), int(lit.any(axis=0).sum())


def shapes(paths: list[Path], **more) -> list[tuple[int, int]]:
    frames, valid, _ = decode(paths, **more)
    assert valid.all()
    return [picture_box(frame) for frame in frames]


def test_the_shape_of_the_pixels_counts_frame_by_frame(tmp_path):
    first, then = list(films.images(25)), list(films.images(25, start=25))
    path = films.write_changing(tmp_path / "sar.ts", (first, Fraction(1)), (then, Fraction(2)))
    found = shapes([path])
    assert {found[2], found[13]} == {picture_box(decode([path])[0][0])}
    assert found[0][0] == pytest.approx(2 * found[-1][0], abs=2)  # twice as wide, and so half as high
    assert found[16] == found[-1]
    facts = survey(path)
    assert facts.picture_changes == "from 1.00 s on 160x96, pixels of 2:1"
    assert any("the picture changes: from 1.00 s" in reason for reason in judge(facts).reasons)


@pytest.mark.parametrize("ending", ["ts", "mp4"])
def test_the_shape_of_the_pixels_counts_piece_by_piece(tmp_path, ending):
    pieces = [
        films.write(tmp_path / f"{number}.{ending}", films.images(25), aspect=Fraction(number)) for number in (1, 2)
    ]
    found = shapes(pieces)
    assert found[0][0] == pytest.approx(2 * found[-1][0], abs=2)
    assert shapes([pieces[1]], onset=0.4)[0] == found[-1] == shapes(pieces, onset=1.2)[0]


def test_a_film_that_grows_keeps_its_geometry_and_its_crop(tmp_path):
    first, then = list(films.images(25)), list(films.images(25, start=25, width=320, height=192))
    path = films.write_changing(tmp_path / "size.ts", (first, Fraction(1)), (then, Fraction(1)))
    frames, _, facts = decode([path])
    assert read_numbers(frames) == [int(k * 25 / 15 + 1e-6) for k in range(30)]
    assert facts.preprocessing.count(" | ") == 1
    crop = Box(16, 32, 128, 32)  # the blocks, in pixels of the first picture
    blocks, later = decode([path], crop=crop)[0], decode([path], 1.2, crop=crop)[0]
    np.testing.assert_allclose(blocks[18:].astype(int), later.astype(int), atol=1)
    centres = [round(112 * (16 * bit + 2) / 116) for bit in range(1, 7)]  # 116 columns are left, from column 22 on
    lit = [frame[56, centres].mean(axis=1) > 128 for frame in blocks]
    numbers = [sum(int(on) << bit for bit, on in enumerate(row, start=1)) for row in lit]
    assert numbers == [number & 0b1111110 for number in read_numbers(frames)]
    assert survey(path).picture_changes == "from 1.00 s on 320x192"


def test_a_crop_that_a_new_shape_makes_meaningless_is_an_error(tmp_path):
    first, then = list(films.images(25)), list(films.images(25, start=25, width=320, height=240))
    path = films.write_changing(tmp_path / "shape.ts", (first, Fraction(1)), (then, Fraction(1)))
    assert decode([path])[1].all()
    with pytest.raises(VideoError, match="changes from 160x96 to 320x240, of another shape: crop and mask cannot"):
        decode([path], crop=Box(0, 0, 80, 96))


def test_the_largest_film_is_used_and_another_can_be_named(tmp_path):
    path = films.write_streams(tmp_path / "two.mkv", [(160, 96), (320, 192)])
    assert read_numbers(decode([path])[0])[:3] == [50, 51, 53]
    assert read_numbers(decode([tmp_path / "two.mkv#1"])[0])[:3] == [0, 1, 3]
    assert read_numbers(decode([tmp_path / "two.mkv#2"])[0])[:3] == [50, 51, 53]
    with pytest.raises(VideoError, match=r"two.mkv: has no video stream #3; it has #1 160x96, #2 320x192"):
        decode([tmp_path / "two.mkv#3"])
    (reason,) = judge(survey(path)).reasons
    assert reason.startswith("2 video streams, #1 160x96, #2 320x192: stream #2 is used; ")
    assert judge(survey(tmp_path / "two.mkv#1")).notes[-1].endswith("stream #1 is used")
    named = tmp_path / "film#1.mkv"
    path.rename(named)
    assert read_numbers(decode([named])[0])[:3] == [50, 51, 53]
    hash_in_name = tmp_path / "film#1"
    named.rename(hash_in_name)
    assert read_numbers(decode([hash_in_name])[0])[:3] == [50, 51, 53]  # a file of that name is that file


def test_a_cover_is_no_film(tmp_path):
    path = films.write_streams(tmp_path / "cover.mp4", [(160, 96)], with_cover=True)
    frames, _, facts = decode([path])
    assert facts.source_width == 160
    assert read_numbers(frames) == SEEN
    assert not survey(path).streams


@pytest.mark.parametrize("ending", ["jpg", "png", "gif", "bmp"])
def test_a_still_picture_is_no_film(tmp_path, ending):
    from PIL import Image

    path = tmp_path / f"still.{ending}"
    Image.fromarray(zoo.picture(3)).save(path)
    with pytest.raises(VideoError, match=rf"still.{ending}: is a still picture \(\w+\), and no film"):
        decode([path])
    assert judge(survey(path)).word == UNUSABLE


def test_a_raw_stream_runs_at_the_rate_that_a_person_states(tmp_path):
    path = films.write(tmp_path / "raw.mjpg", films.images(), codec="mjpeg", format="mjpeg")
    with pytest.raises(VideoError, match=r"raw.mjpg: is a raw stream \(mjpeg\) .* set \[Frames\] raw_rate_hz"):
        decode([path])
    assert judge(survey(path)).word == UNUSABLE
    frames, valid, _ = decode([path], raw_rate_hz=7.5)
    assert valid.all()
    assert read_numbers(frames) == [k // 2 for k in range(80)]
    assert any("counted at 7.5 Hz ([Frames] raw_rate_hz)" in note for note in judge(survey(path, 7.5)).notes)


def test_a_raw_stream_that_states_its_rate_runs_at_that(tmp_path):
    path = films.write(tmp_path / "raw.h264", films.images(), format="h264")
    assert read_numbers(decode([path])[0]) == SEEN
    assert read_numbers(decode([path], raw_rate_hz=5)[0]) == SEEN
    assert any("25 Hz, which the stream states" in note for note in judge(survey(path)).notes)


@pytest.mark.parametrize(("said", "believed"), [(Fraction(15), 15), (Fraction(1048576, 1048579), None), (1200, None)])
def test_a_rate_that_no_camera_has_is_not_believed(said, believed):
    container = SimpleNamespace(format=SimpleNamespace(flags=0x80, name="h264"))
    stream = SimpleNamespace(container=container, codec_context=SimpleNamespace(framerate=said))
    assert stated_rate(stream) == believed


def test_interlacing_is_decided_once_for_a_film_that_starts_still(tmp_path):
    still = [zoo.picture(0)] * 60
    moving = [zoo.weave(number) for number in range(60)]
    path = films.write(tmp_path / "still-start.mkv", [*still, *moving])
    scan = scan_film(path)
    assert scan.is_interlaced
    assert scan.field_order == "tff"
    windows = [decode([path], onset, onset + 1.0)[2] for onset in (0.0, 1.0, 3.0)]
    assert len({facts.deinterlacing for facts in windows}) == 1
    assert all(facts.preprocessing.startswith("bwdif=mode=send_frame:parity=tff") for facts in windows)
    facts = survey(path)
    assert facts.is_interlaced
    assert facts.num_combed > 5


def test_pieces_are_judged_each_by_itself(tmp_path):
    combed = films.write(tmp_path / "combed.mkv", [zoo.weave(number) for number in range(50)])
    plain = films.write(tmp_path / "plain.mkv", films.images(50))
    alone = decode([plain])[0]
    together, _, facts = decode([combed, plain])
    assert facts.deinterlacing.startswith("yes: combing in ")
    assert "; no: combing in 0 of " in facts.deinterlacing
    np.testing.assert_array_equal(together[-len(alone) :], alone)
