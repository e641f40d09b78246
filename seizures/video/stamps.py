"""What the time stamps of a file mean: found once, when it is opened, from the first packets and frames."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
from av.video.frame import PictureType

from seizures.video.timestamps import are_of_decoding, rises

if TYPE_CHECKING:
    from seizures.video.decoding import VideoPacket

STAMPED_BY_ORDER_OF_DECODING = ("avi", "asf")
_FEWEST_JUDGED, _MOST_JUDGED = 8, 24  # frames
_FEWEST_B_PICTURES = 2


@dataclass(frozen=True)
class StampMeaning:
    """What the stamps of a file mean.

    `trusts_pts`: the pts are the times of seeing. `takes_pts_for_dts`: they are those of decoding, and libav has put
    its own dts in another order because of them. A frame comes out `reorder_depth` packets after its own at the latest.
    """

    trusts_pts: bool = True
    takes_pts_for_dts: bool = False
    reorder_depth: int = 0


def find_meaning(container_name: str, stream: av.VideoStream, packets: Sequence[VideoPacket]) -> StampMeaning:
    """Decode the first packets where frames may be seen in another order, and see what their stamps mean."""
    context = stream.codec_context
    has_own_order = container_name in STAMPED_BY_ORDER_OF_DECODING
    may_be_reordered = context.reorder_depth > 0 if context.name == "h264" else context.codec.delay
    if not may_be_reordered:
        return StampMeaning(trusts_pts=not has_own_order)
    trial = av.CodecContext.create(context.name, "r")
    assert isinstance(trial, av.VideoCodecContext)
    trial.extradata, trial.reorder_depth = context.extradata, context.reorder_depth
    trial.width, trial.height = context.width, context.height
    # Only the order and the types of the pictures count, not what they show.
    trial.options = {"err_detect": "explode", "skip_loop_filter": "all", "skip_idct": "all"}
    stamps: list[int | None] = []
    num_b_pictures = 0
    with suppress(av.FFmpegError):  # behind damage, frames come out in any order
        for packet in packets:
            for frame in trial.decode(packet):
                stamps.append(frame.pts)
                num_b_pictures += frame.pict_type == PictureType.B
            if len(stamps) >= (_FEWEST_JUDGED if num_b_pictures >= _FEWEST_B_PICTURES else _MOST_JUDGED):
                break
    depth = max(context.reorder_depth, trial.reorder_depth)
    if has_own_order or not are_of_decoding(stamps):
        return StampMeaning(trusts_pts=not has_own_order, reorder_depth=depth)
    takes_pts = not rises([packet.dts for packet in packets]) and rises([packet.pts for packet in packets])
    return StampMeaning(trusts_pts=False, takes_pts_for_dts=takes_pts, reorder_depth=depth)
