"""Damage every film of the zoo in every way at every place, and count: `PYTHONPATH=. python tests/survey_damage.py`.

Each decoding is one of: `refused` (the film is left out), `sound` (each frame that counts as valid is the one that
stands there in the undamaged film), `shifted` (some valid frame shows another moment) or `spoilt` (some valid picture
is not as it was); with `unnoticed` before it where no damage was reported at all. Of the ticks, it counts how many that
are valid show what the undamaged film shows there (precision), and how many of the undamaged film's are valid and do
(recall).
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import damage
import numpy as np
import zoo
from numpy.typing import NDArray
from reading import decode, read_numbers

from seizures.errors import VideoError

_FAR_LEVELS, _FAR_SHARE = 24, 0.002


def main(names: list[str]) -> None:
    """Print a line for each film and kind of damage, and the sums; of all films, unless some are named."""
    sums: Counter[str] = Counter()
    all_ticks = {kind.__name__: np.zeros(3, np.int64) for kind in damage.KINDS}
    for item in zoo.ALL:
        if zoo.is_available(item) and (not names or item.name in names):
            with tempfile.TemporaryDirectory() as folder:
                paths = item.make(Path(folder))
                for kind in damage.KINDS:
                    found, ticks = _survey(item, paths, kind)
                    sums += found
                    all_ticks[kind.__name__] += ticks
                    outcomes = "".join(f" {n} {what};" for what, n in sorted(found.items()))
                    print(f"{item.name:24} {kind.__name__:5}{outcomes} {_shares(ticks)}", flush=True)
    for kind_name, ticks in all_ticks.items():
        print(f"{kind_name}: {_shares(ticks)}")
    print("in all:", *(f"{number} {what};" for what, number in sums.most_common()))


def _shares(ticks: NDArray[np.int64]) -> str:
    right, valid, whole = ticks.tolist()
    return (
        f"precision {right}/{valid} = {right / max(valid, 1):.4f}, recall {right}/{whole} = {right / max(whole, 1):.4f}"
    )


def _survey(item: zoo.Specimen, paths: list[Path], kind) -> tuple[Counter[str], NDArray[np.int64]]:
    content = paths[0].read_bytes()
    clean = decode(paths)
    found: Counter[str] = Counter()
    ticks = np.zeros(3, np.int64)  # right and valid, valid, of the undamaged film
    for seed, share in enumerate(damage.SHARES):
        paths[0].write_bytes(kind(content, share, seed))
        try:
            outcome, num_right, num_valid = _judge(item, clean, decode(paths, damaged="mask"))
        except VideoError:
            found["refused"] += 1
            continue
        found[outcome] += 1
        ticks += (num_right, num_valid, clean[1].sum())
    paths[0].write_bytes(content)
    return found, ticks


def _judge(item: zoo.Specimen, clean, hurt) -> tuple[str, int, int]:
    num_ticks = min(len(clean[0]), len(hurt[0]))
    counts = clean[1][:num_ticks] & hurt[1][:num_ticks]
    ticks = [tick / 15 for tick in range(num_ticks)]
    wanted = zip(read_numbers(clean[0]), item.expected(ticks), item.expected(ticks, 1.1e-3), strict=False)
    is_shifted = np.array(
        [number not in right for number, right in zip(read_numbers(hurt[0][:num_ticks]), wanted, strict=True)]
    )
    is_far = np.abs(hurt[0][:num_ticks].astype(int) - clean[0][:num_ticks]) > _FAR_LEVELS
    is_spoilt = is_far.mean(axis=(1, 2, 3)) > _FAR_SHARE
    num_right, num_valid = int((counts & ~is_shifted & ~is_spoilt).sum()), int(hurt[1].sum())
    facts = hurt[2]
    unnoticed = "" if facts.num_frames_damaged or facts.num_frames_lost or facts.num_gaps else "unnoticed "
    if (is_shifted & counts).any() or hurt[1][num_ticks:].any():
        return f"{unnoticed}shifted", num_right, num_valid
    return f"{unnoticed}spoilt" if (is_spoilt & counts).any() else "sound", num_right, num_valid


if __name__ == "__main__":
    main(sys.argv[1:])
