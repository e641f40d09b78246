"""Decode the films that bug reports told of, and print a table: `PYTHONPATH=. python tests/survey_field.py FOLDER`.

For each film: the ticks; those that show the number which belongs there; those that are valid and show another; those
that are invalid although there is a picture. Every picture shows its number as twelve blocks from 5 % to 95 % of the
width, which are what the letterbox keeps.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from reading import decode

from seizures.errors import VideoError

NUM_BITS = 12
LATE_SECONDS = 1.1e-3  # a container that counts milliseconds cannot tell which of two frames is meant within one


def even(num_frames: int, rate_hz: float, first: int = 0) -> dict[int, float]:
    """Return the time of each number."""
    return {first + index: index / rate_hz for index in range(num_frames)}


def stepped(steps: Sequence[float]) -> dict[int, float]:
    return dict(enumerate(accumulate(steps, initial=0.0)))


def mirrored(number: int) -> int:
    """Return the number that the blocks of another show in a mirror."""
    return int(f"{number:0{NUM_BITS}b}"[::-1], 2)


TRUTH: dict[str, dict[int, float]] = {
    "h264-b.avi": even(250, 25),
    "packed-b.avi": even(200, 25),
    "no-ctts.mp4": even(250, 25),
    "25-then-12.mkv": stepped([0.04] * 100 + [0.08] * 199),
    "one-in-40-skipped.mkv": stepped([0.08 if n % 39 == 38 else 0.04 for n in range(299)]),
    "three-frames-late.ts": {n: n / 25 + 0.035 * (n in (75, 150, 225)) for n in range(300)},
    "duplicate-stamps.mkv": {n: (n - (n > 0 and n % 50 == 0)) / 25 for n in range(300)},
    "null-frames.avi": {n: (n + (n > 60) + (n > 120) + (n > 180)) / 25 for n in range(250)},
    "raw-no-timing.h264": even(120, 30),
    "raw-15fps.mjpg": even(120, 15),
    "mirrored.mp4": {mirrored(number): number / 25 for number in range(50)},
    "vflip.mp4": even(50, 25),
    "two-streams-small-default.mkv": even(100, 25, first=1000),
    "sar1.ts;sar2.ts": even(100, 25),
    "size-change.ts": even(150, 25),
    "hlg.mp4": even(25, 25),
    "ts-segments-cat.ts": even(300, 25),
    "mkv-claims25-has30.mkv": even(300, 30),
    "ps-says25-has30.mpg": even(64, 30),
    "ps-says25-has20.mpg": even(64, 20),
    "two-mpg-cat.mpg": even(200, 25),
}


RAW_RATES_HZ = {"raw-no-timing.h264": 30.0, "raw-15fps.mjpg": 15.0}  # what a person states


def read_numbers(frames: np.ndarray) -> list[int]:
    """Read the number of each letterboxed frame (T, S, S, 3) back from its blocks."""
    size = frames.shape[1]
    values = frames[:, size // 2 - 3 : size // 2 + 3].mean(axis=(1, 3))
    centres = [int(size * (bit + 0.5) / NUM_BITS) for bit in range(NUM_BITS)]
    return [sum(int(row[centre] > 128) << bit for bit, centre in enumerate(centres)) for row in values]


def count(truth: dict[int, float], frames: np.ndarray, valid: np.ndarray, onset_seconds: float = 0.0) -> np.ndarray:
    """Return right, wrong but valid, sound but invalid, of the ticks at 15 Hz."""
    numbers, times = list(truth), list(truth.values())
    found = np.zeros(3, int)
    for tick, (number, is_valid) in enumerate(zip(read_numbers(frames), valid, strict=True)):
        seconds = onset_seconds + tick / 15
        wanted = {numbers[max(0, bisect_right(times, seconds + late) - 1)] for late in (2e-6, LATE_SECONDS)}
        found[2 if not is_valid else 0 if number in wanted else 1] += 1
    return found


def main(folder: Path) -> None:
    """Print the table."""
    print(f"{'film':32} {'ticks':>5} {'right':>5} {'wrong':>5} {'thrown':>6}")
    for name, truth in TRUTH.items():
        try:
            paths = [folder / part for part in name.split(";")]
            frames, valid, _ = decode(paths, damaged="mask", raw_rate_hz=RAW_RATES_HZ.get(name, 0.0))
        except VideoError as error:
            print(f"{name:32} refused: {str(error)[:100]}")
            continue
        print(f"{name:32} {len(frames):5} {' '.join(f'{number:5}' for number in count(truth, frames, valid))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
