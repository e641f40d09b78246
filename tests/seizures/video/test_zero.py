"""The zero of a film's clock where damage has taken its first picture: that picture's time, and not the next one's."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
import zoo
from reading import decode, read_numbers


def blank_first_packet(path: Path) -> None:
    """Overwrite the first picture of a film with zeros."""
    with av.open(str(path)) as container:
        first = next(container.demux(video=0))
        place, size = first.pos or 0, first.size
    content = bytearray(path.read_bytes())
    content[place : place + size] = bytes(size)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "item",
    [zoo.Specimen("first.mp4", num_b_frames=2), zoo.Specimen("first.avi", "mpeg4")],
    ids=lambda item: item.name,
)
def test_a_first_picture_that_damage_has_taken_still_counts(tmp_path, item):
    (path,) = item.make(tmp_path)
    blank_first_packet(path)
    frames, valid, _ = decode([path], damaged="mask")
    numbers = read_numbers(frames)
    assert not valid[0]
    assert valid.sum() > 20
    assert [n for n, is_valid in zip(numbers, valid, strict=True) if is_valid] == [
        tick * 25 // 15 for tick in range(len(frames)) if valid[tick]
    ]
