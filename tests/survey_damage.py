"""Damage every film of the zoo in every way at every place, and say what was seen: `python tests/survey_damage.py`.

Each decoding is one of: `refused` (the film is left out), `sound` (each frame that counts as valid is the one that
stands there in the undamaged film), `shifted` (some valid frame shows another moment) or `spoilt` (some valid picture
is not as it was); with `unnoticed` before it where no damage was reported at all.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import damage
import numpy as np
import zoo
from reading import decode, read_numbers

from seizures.errors import VideoError

_FAR_LEVELS, _FAR_SHARE = 24, 0.002


def main(names: list[str]) -> None:
    """Print a line for each film and kind of damage, and the sums; of all films, unless some are named."""
    sums: Counter[str] = Counter()
    for item in zoo.ALL:
        if zoo.is_available(item) and (not names or item.name in names):
            with tempfile.TemporaryDirectory() as folder:
                paths = item.make(Path(folder))
                for kind in damage.KINDS:
                    found = _survey(item, paths, kind)
                    sums += found
                    print(f"{item.name:24} {kind.__name__:5}", *(f"{n} {what};" for what, n in sorted(found.items())))
    print("in all:", *(f"{number} {what};" for what, number in sums.most_common()))


def _survey(item: zoo.Specimen, paths: list[Path], kind) -> Counter[str]:
    content = paths[0].read_bytes()
    clean = decode(paths)
    found: Counter[str] = Counter()
    for seed, share in enumerate(damage.SHARES):
        paths[0].write_bytes(kind(content, share, seed))
        try:
            found[_judge(item, clean, decode(paths, damaged="mask"))] += 1
        except VideoError:
            found["refused"] += 1
    paths[0].write_bytes(content)
    return found


def _judge(item: zoo.Specimen, clean, hurt) -> str:
    num_ticks = min(len(clean[0]), len(hurt[0]))
    counts = clean[1][:num_ticks] & hurt[1][:num_ticks]
    ticks = [tick / 15 for tick in range(num_ticks)]
    wanted = zip(read_numbers(clean[0]), item.expected(ticks), item.expected(ticks, 1.1e-3), strict=False)
    is_shifted = np.array(
        [number not in right for number, right in zip(read_numbers(hurt[0][:num_ticks]), wanted, strict=True)]
    )
    is_far = np.abs(hurt[0][:num_ticks].astype(int) - clean[0][:num_ticks]) > _FAR_LEVELS
    is_spoilt = is_far.mean(axis=(1, 2, 3)) > _FAR_SHARE
    facts = hurt[2]
    unnoticed = "" if facts.num_frames_damaged or facts.num_frames_lost or facts.num_gaps else "unnoticed "
    if (is_shifted & counts).any() or hurt[1][num_ticks:].any():
        return f"{unnoticed}shifted"
    return f"{unnoticed}spoilt" if (is_spoilt & counts).any() else "sound"


if __name__ == "__main__":
    main(sys.argv[1:])
