"""When does P rise? The answer over time of every seizure with a marked event, on one picture.

    python -m benchmarks.bench_events results/current/over_time.csv picture.png [--positive FALL]

One panel for each seizure of the positive label: P by the out-of-fold classifiers, a line a seed, the mean in black,
and the marked event (the clonic onset, or what stands in that column) as a vertical line.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")

from matplotlib import pyplot as plt

NUM_COLUMNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--positive", default="TCS")
    options = parser.parse_args()
    text = {"patient_id": str, "seizure_id": str}
    table = pd.read_csv(options.table, dtype=text)
    seizures = list(table[table["label"] == options.positive].groupby(["patient_id", "seizure_id"], sort=True))
    num_rows = -(-len(seizures) // NUM_COLUMNS)
    figure, axes = plt.subplots(num_rows, NUM_COLUMNS, figsize=(15, 2.6 * num_rows), sharey=True, squeeze=False)
    num_right = 0
    for place, ((patient, seizure), rows) in zip(axes.ravel(), seizures, strict=False):
        for _, of_seed in rows.groupby("seed"):
            place.plot(of_seed["seconds"], of_seed["probability"], color="0.7", linewidth=1)
        mean = rows.groupby("seconds")["probability"].mean()
        num_right += mean.iloc[-1] >= 0.5
        place.plot(mean.index, mean, color="black", marker="o", markersize=3)
        place.axvline(rows["clonic_onset_seconds"].iloc[0], color="#d55e00")
        place.axhline(0.5, color="0.8", linewidth=0.8, zorder=0)
        place.set(title=f"{patient} {seizure}", ylim=(-0.03, 1.03), xlim=(0, None), xlabel="seconds since the onset")
    for place in axes.ravel()[len(seizures) :]:
        place.axis("off")
    axes[0, 0].set_ylabel(f"P({options.positive})")
    said = f"{num_right} of {len(seizures)} called at the end"
    figure.suptitle(f"P({options.positive}) as the film goes on; orange: the marked event. {said}")
    figure.tight_layout()
    figure.savefig(options.picture, dpi=70)


if __name__ == "__main__":
    sys.exit(main())
