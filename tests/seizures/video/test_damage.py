"""Films damaged in three ways at twenty places: no crash, and every frame that is kept stands at the right time."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from fractions import Fraction

import av
import damage
import numpy as np
import pytest
import zoo
from reading import decode, read_numbers

from seizures.errors import DamagedVideoError, VideoError
from seizures.video.damage import DamageMap, Lineage, Packet
from seizures.video.decoding import UnreadBytes
from seizures.video.frame_numbers import reader_of

SHORT = {"num_frames": 36}
FILMS = (
    zoo.Specimen("film.ts", "mpeg2video", grain=40, **SHORT),
    zoo.Specimen("film.mpg", "mpeg2video", grain=40, **SHORT),
    zoo.Specimen("film-h264.ts", grain=20, **SHORT),
    zoo.Specimen("film.mp4", grain=20, num_b_frames=2, **SHORT),
    zoo.Specimen("film.mkv", grain=20, time_base=Fraction(1, 1000), **SHORT),
    zoo.Specimen("film.avi", "mpeg4", grain=40, **SHORT),
)


def times_wrong(item: zoo.Specimen, frames: np.ndarray, valid: np.ndarray) -> list[tuple[int, int, int | None]]:
    """Return tick, number and expected number of the frames that are whole and stand at a wrong time."""
    ticks = [k / 15 for k in range(len(frames))]
    wanted = list(zip(item.expected(ticks), item.expected(ticks, 1.1e-3), strict=True))
    return [
        (tick, number, wanted[tick][0])
        for tick, number in enumerate(read_numbers(frames))
        if valid[tick] and number not in wanted[tick] and zoo.is_whole(frames[tick], number)
    ]


@pytest.mark.parametrize("item", FILMS, ids=lambda item: item.name)
@pytest.mark.parametrize("kind", damage.KINDS, ids=lambda kind: kind.__name__)
def test_what_is_kept_stands_at_the_right_time(tmp_path, item, kind):
    path = item.make(tmp_path)[0]
    content = path.read_bytes()
    num_decoded = 0
    for seed, share in enumerate(damage.SHARES):
        path.write_bytes(kind(content, share, seed))
        try:
            frames, valid, facts = decode([path], damaged="mask")
        except VideoError:
            continue
        num_decoded += 1
        assert times_wrong(item, frames, valid) == [], share
        assert len(frames) <= 22 + 3
        assert facts.num_frames_invalid == (~valid).sum()
    # An mp4 keeps its index at the end, and so does an avi: cut, they hold nothing that can be read.
    assert num_decoded >= (0 if kind is damage.cut else 10)


@pytest.mark.parametrize("share", [0.175, 0.325, 0.675])
def test_the_number_of_threads_decides_nothing(tmp_path, monkeypatch, share):
    path = FILMS[3].make(tmp_path)[0]
    path.write_bytes(damage.flip(path.read_bytes(), share, 7))
    found = []
    for num_threads in (1, 2, 8):
        monkeypatch.setattr(os, "cpu_count", lambda num_threads=num_threads: num_threads)
        found.append(decode([path], damaged="mask"))
    assert 0 < found[0][1].sum() < len(found[0][1])
    for frames, valid, facts in found[1:]:
        np.testing.assert_array_equal(frames, found[0][0])
        np.testing.assert_array_equal(valid, found[0][1])
        assert facts == found[0][2]


def packets_of(stamps, keys=(), refreshes=()):
    """Return packets with these pts, in the order of decoding."""
    lineage = Lineage()
    found = []
    for number, stamp in enumerate(stamps):
        is_key = stamp in keys or stamp in refreshes
        clean_from, leads_to = lineage.enter(number, stamp, is_key=is_key, is_refresh=stamp in refreshes)
        found.append(Packet(number, stamp, number, clean_from, 1000, is_stamped=True, leads_to=leads_to))
    return found


def struck(packets, *stamps):
    damage_map = DamageMap()
    for packet in packets:
        if packet.pts in stamps:
            damage_map.strike(packet)
    return {packet.pts for packet in packets if damage_map.has_struck(packet)}


def test_frames_seen_before_the_damage_but_drawn_from_it_are_not_sound():
    packets = packets_of([0, 3, 1, 2, 6, 4, 5, 9, 10, 11], keys=(0, 9))
    for hit, unsound in ((3, {1, 2, 3, 4, 5, 6}), (4, {4, 5}), (6, {4, 5, 6}), (9, {9, 10, 11})):
        assert struck(packets, hit) == unsound


def test_what_is_seen_before_a_key_frame_may_be_drawn_from_what_precedes_it():
    packets = packets_of([0, 3, 1, 2, 6, 4, 5, 9, 7, 8], keys=(0, 6))
    assert struck(packets, 3) == {1, 2, 3, 4, 5}
    assert struck(packets, 6) == {6, 4, 5, 9, 7, 8}


def test_from_leading_pictures_only_others_of_their_key_frame_are_drawn():
    packets = packets_of([0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11], keys=(0, 8))
    assert struck(packets, 6) == {6, 5, 7}
    assert struck(packets, 4) == {4, 2, 1, 3, 6, 5, 7}
    assert struck(packets, 10) == {10, 9, 11}
    # What is seen before the key frame, but decoded behind others, is none: its stamp cannot be believed.
    packets = packets_of([0, 4, 8, 6, 12, 7, 16], keys=(0, 8))
    assert struck(packets, 7) == {7, 16}


def test_a_refresh_is_complete_where_the_next_begins():
    packets = packets_of(range(12), keys=(0,), refreshes=(4, 8))
    assert struck(packets, 2) == {2, 3, 4, 5, 6, 7}
    assert struck(packets, 5) == set(range(5, 12))


def test_a_damaged_packet_without_a_frame_is_lost_once():
    packets = packets_of([0, 1, 2, 3], keys=(0,))
    damage_map = DamageMap()
    damage_map.strike(packets[1])
    damage_map.strike(packets[1])
    assert damage_map.num_lost(packets[1]) == 0
    assert damage_map.num_lost(packets[2]) == 1
    assert damage_map.num_lost(packets[3]) == 0
    damage_map.strike(packets[3])
    assert damage_map.lost_at_the_end() == [3]
    packets[3].came_out = True
    assert damage_map.lost_at_the_end() == []


@pytest.mark.parametrize(
    ("codec", "name", "kind"), [("mpeg2video", "mpeg2video", damage.drop), ("libx264", "h264", damage.flip)]
)
def test_a_clock_that_is_counted_is_not_believed_behind_damage(tmp_path, codec, name, kind):
    path = zoo.Specimen(f"film.{name}", codec, grain=20, num_frames=60, format=name).make(tmp_path)[0]
    path.write_bytes(kind(path.read_bytes(), 0.5, 1))
    _, valid, _ = decode([path], damaged="mask")
    first = int(np.flatnonzero(~valid)[0])
    assert first > 5
    assert not valid[first:].any()


def test_a_film_that_begins_between_two_key_frames_is_sound_from_the_second_on(tmp_path):
    item = zoo.Specimen("film.mp4", "mpeg4", num_frames=36)
    copy = tmp_path / "cut.mkv"
    with av.open(str(item.make(tmp_path)[0])) as source, av.open(str(copy), "w") as target:
        stream = source.streams.video[0]
        written = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size and packet.pts * packet.time_base >= Fraction(5, 25):
                packet.stream = written
                target.mux(packet)
    frames, valid, _ = decode([copy], damaged="mask")
    ticks = [k / 15 + 5 / 25 for k in range(len(frames))]
    assert valid.tolist() == [tick >= 12 / 25 - 1e-3 for tick in ticks]
    assert [read_numbers(frames)[k] for k in np.flatnonzero(valid)] == [
        n for n, tick in zip(item.expected(ticks, 1.1e-3), ticks, strict=True) if tick >= 12 / 25 - 1e-3
    ]


def test_lost_frames_are_counted(tmp_path):
    item = zoo.Specimen("dropped.ts", "mpeg2video", gop=10, num_frames=60, finish=zoo.drop_frames(23, 26))
    path = item.make(tmp_path)[0]
    frames, valid, facts = decode([path], damaged="mask")
    missing = [k for k in range(len(frames)) if 23 / 25 <= k / 15 < 30 / 25]  # to the next key frame
    assert np.flatnonzero(~valid).tolist() == missing
    assert facts.num_gaps == 0
    assert facts.num_frames_lost == 3  # the numbers in the stream say so
    assert facts.num_frames_damaged == 4
    assert facts.num_frames_invalid == len(missing)


def test_a_lost_frame_of_a_file_with_an_index_is_counted(tmp_path):
    item = zoo.Specimen("lost.mp4", gop=10, grain=20)
    path = item.make(tmp_path)[0]
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    position, size = packets[23]
    content[position : position + size] = b"\xff" * size
    path.write_bytes(content)
    frames, valid, facts = decode([path], damaged="mask")
    assert np.flatnonzero(~valid).tolist() == [k for k in range(len(frames)) if 23 / 25 <= k / 15 < 30 / 25]
    with pytest.raises(DamagedVideoError, match=r"frames are missing at 0\.933 s"):
        decode([path])
    assert facts.num_frames_lost == 1
    assert facts.num_frames_damaged == 6


DROPPED = (
    "h264-b.avi",
    "from-avi.mkv",
    "h264-b.asf",
    "skipped.mkv",
    "skipped.ts",
    "slower.flv",
    "slower.ts",
    "late.ts",
)


@pytest.mark.parametrize("name", DROPPED)
def test_a_reference_picture_that_is_really_missing_is_still_found(tmp_path, name):
    item = next(one for one in zoo.FIELD if one.name == name)
    path = item.make(tmp_path)[0]
    sound, _, _ = decode([path])
    with av.open(str(path)) as container:
        sizes = [packet.size for packet in container.demux(video=0) if packet.size]
    zoo.drop_packet(max(range(20, 27), key=lambda number: sizes[number]), path)  # the largest is no B picture
    frames, valid, facts = decode([path], damaged="mask")
    assert facts.num_frames_lost > 0
    first = int(np.flatnonzero(~valid)[0])
    assert 8 <= first <= 17
    key_tick = min(item.gop * 15 // 25 + 1, len(frames))
    assert not valid[first + 2 : min(key_tick, len(frames)) - 3].any()
    kept = np.flatnonzero(valid)
    # Where stamps are those of decoding, a packet that is missing delays the few pictures that wait to be seen.
    sure = kept[kept < first - 6]
    assert read_numbers(frames[sure]) == read_numbers(sound[sure])


def test_a_seam_is_no_damage_and_a_lost_packet_is(tmp_path):
    part = zoo.Specimen("part.ts", num_frames=50, gop=25, num_b_frames=2).make(tmp_path)[0]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 3)
    frames, valid, _ = decode([joined])
    assert valid.all()
    assert read_numbers(frames) == [math.floor(k / 15 * 25 + 1e-6) % 50 for k in range(len(frames))]
    assert len(frames) == 90
    content = joined.read_bytes()
    for share in (0.17, 0.44, 0.8):
        joined.write_bytes(damage.drop(content, share, 0))
        _, valid, _ = decode([joined], damaged="mask")
        assert not valid.all()


def mpeg_picture(number, kind, *, starts_group=False):
    """Return the head of an MPEG-2 picture: `kind` 1 is I, 2 P, 3 B."""
    group = b"\x00\x00\x01\xb8\x00\x08\x00\x00" if starts_group else b""
    return memoryview(group + b"\x00\x00\x01\x00" + bytes([number >> 2, (number & 3) << 6 | kind << 3, 255, 248]))


def test_a_group_whose_head_is_lost_is_damage():
    reader = reader_of("mpeg2video", b"")
    group = [(number, 1 if number == 0 else 2, number == 0) for number in range(12)]
    whole = [reader.num_missing(mpeg_picture(n, kind, starts_group=start))[0] for n, kind, start in group * 3]
    assert not any(whole)
    torn = [*group[:8], *group[3:]]  # the end of a group, and the beginning of the next
    found = [reader.num_missing(mpeg_picture(n, kind, starts_group=start)) for n, kind, start in torn]
    assert [place for place, (number, _) in enumerate(found) if number] == [9]  # said one picture later
    assert found[9] == (1, 1)
    leading = reader_of("mpeg2video", b"")  # numbers that start again with a key picture, without a head
    pictures = [*((n, 2, False) for n in range(1, 9)), (0, 1, False), (1, 2, False), (2, 2, False)]
    assert not any(leading.num_missing(mpeg_picture(n, kind))[0] for n, kind, _ in pictures)


def test_a_lost_group_masks_what_is_drawn_from_it(tmp_path):
    item = next(item for item in zoo.ALL if item.name == "mpeg2.mpg")
    path = item.make(tmp_path)[0]
    path.write_bytes(damage.drop(path.read_bytes(), damage.SHARES[5], 5))
    frames, valid, facts = decode([path], damaged="mask")
    wanted = item.expected([tick / 15 for tick in range(len(frames))])
    assert facts.num_frames_damaged > 0
    assert all(number == right for number, right, good in zip(read_numbers(frames), wanted, valid, strict=True) if good)
    assert valid.sum() > 20


@dataclass
class Placed:
    """What is looked at of a packet: its dts, its place in the file, and its size in bytes."""

    dts: int | None
    pos: int | None
    size: int = 100


def unread(packets: list[Placed]) -> list[tuple[int, int]]:
    unread_bytes = UnreadBytes()
    return [unread_bytes.num_missing(packet) for packet in packets]


@pytest.mark.parametrize("placed_every", [1, 2, 3, 7])
def test_bytes_of_packets_without_a_place_are_not_lost(placed_every):
    sound = [Placed(n, 100 * n if n % placed_every == 0 else None) for n in range(60)]
    assert set(unread(sound)) == {(0, 0)}
    assert set(unread([Placed(one.dts if one.pos is not None else None, one.pos) for one in sound])) == {(0, 0)}
    lost = [one for one in sound if not 45 <= one.dts <= 47]
    found = [(one.dts, missing) for one, missing in zip(lost, unread(lost), strict=True) if missing != (0, 0)]
    seen_at = next(one.dts for one in lost if one.dts > 47 and one.pos is not None)
    since = [one.dts for one in lost if one.dts <= seen_at]
    first = max(index for index, dts in enumerate(since) if lost[index].pos is not None and dts < 45) + 1
    assert found == [(seen_at, (3, len(since) - 1 - first))]
