"""Every film of the zoo, read back: the frame of each tick is the one that a person would see at that moment."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import zoo
from reading import decode, read_colours, read_numbers, specimens

from seizures.errors import VideoError

WINDOWS = ((None, None), (0.35, 1.31), (1.1, 2.0))


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> dict[str, list[Path]]:
    folder = tmp_path_factory.mktemp("zoo")
    return {item.name: item.make(folder) for item in zoo.ALL if zoo.is_available(item)}


def test_the_zoo_is_large_enough():
    assert len({item.name for item in zoo.ALL}) >= 40


@pytest.mark.parametrize("item", list(specimens(zoo.ALL)))
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_each_tick_has_the_frame_that_a_person_sees(films, item, window):
    onset, offset = window
    if offset is not None and offset > item.end_seconds() + 1:
        pytest.skip("the film is shorter")
    if all(number is None for number in item.expected([onset or 0.0, (offset or item.end_seconds()) - 0.1])):
        with pytest.raises(VideoError, match="not one sound frame in the window; time is missing"):
            decode(films[item.name], onset, offset)
        return
    frames, valid, facts = decode(films[item.name], onset, offset)
    ticks = [(onset or 0.0) + k / 15 for k in range(len(frames))]
    expected = item.expected(ticks)
    # A container that counts milliseconds cannot tell which of two frames is meant within one of them.
    either = item.expected(ticks, 1.1e-3) if item.name.endswith((".mkv", ".webm", ".flv")) else expected
    seen = [number if good else None for number, good in zip(read_numbers(frames), valid, strict=True)]
    agreed = [one if number == one else other for number, one, other in zip(seen, expected, either, strict=True)]
    assert seen == agreed, facts
    wanted = math.ceil((min(item.end_seconds(), offset or math.inf) - (onset or 0.0)) * 15 - 0.02)
    # How long the last frame is seen is the container's to say, or nobody's.
    assert wanted - (not offset) <= len(frames) <= wanted + 3 * (not offset)
    assert facts.num_frames_lost == facts.num_frames_damaged == facts.num_reversals == 0
    assert any(number is None for number in expected) <= facts.num_gaps <= bool(item.gaps)


@pytest.mark.parametrize("item", list(specimens([*zoo.PLAIN, *zoo.PICTURES])))
def test_colours_are_right_within_three_levels(films, item):
    frames, _, _ = decode(films[item.name], 0.2, 0.6)
    wanted = np.array(zoo.COLOURS, float)
    if item.grey:
        red, blue = zoo.MATRICES[item.matrix]
        wanted = np.repeat((wanted @ [red, 1 - red - blue, blue])[:, None], 3, axis=1)
    np.testing.assert_allclose(read_colours(frames), wanted, atol=item.colour_atol)


LONG_RATE, LONG_BURST_SECONDS, LONG_NUM_PACKETS = 25, 500, 200


def _make_long_broadcast(path: Path, hours: float) -> None:
    """Write a transport stream as long as a day and more: a second of film every 500 s, and the clock runs on.

    Second number b of it shows, at 25 Hz, the numbers from (25 b mod 200) on.
    """
    with av.open(str(path), "w", options={"mpegts_copyts": "1"}) as container:
        stream = container.add_stream("mpeg2video", rate=LONG_RATE)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = zoo.WIDTH, zoo.HEIGHT, "yuv420p", 1
        stream.codec_context.max_b_frames = 0
        stream.codec_context.bit_rate = 4_000_000
        packets = []
        for number in range(LONG_NUM_PACKETS):
            frame = zoo.to_frame(zoo.picture(number), "yuv420p", matrix="601", full_range=False)
            frame.pts, frame.time_base = number, Fraction(1, LONG_RATE)
            packets += stream.encode(frame)
        contents = [bytes(packet) for packet in packets + stream.encode(None)]
        for index in range(round(hours * 3600 / LONG_BURST_SECONDS) * LONG_RATE):
            burst, place = divmod(index, LONG_RATE)
            packet = av.Packet(contents[index % LONG_NUM_PACKETS])
            packet.pts = packet.dts = burst * LONG_BURST_SECONDS * 90_000 + place * 90_000 // LONG_RATE
            packet.time_base, packet.duration, packet.is_keyframe = Fraction(1, 90_000), 90_000 // LONG_RATE, True
            packet.stream = stream
            container.mux(packet)


def test_a_broadcast_whose_clock_goes_round_twice_goes_on(tmp_path):
    film = tmp_path / "28-h.ts"
    _make_long_broadcast(film, 28)
    for burst in (0, 1, 100, 180):
        frames, valid, _ = decode([film], 500.0 * burst, 500.0 * burst + 0.95)
        assert valid.all()
        wanted = [(25 * burst + math.floor(25 * tick / 15 + 1e-6)) % 200 for tick in range(len(frames))]
        assert read_numbers(frames) == wanted
    with pytest.raises(VideoError, match="no frames from 101000 s on"):
        decode([film], 101_000.0, 101_000.95)
