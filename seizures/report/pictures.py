"""Every picture of the report with the numbers behind it: SVG for the page, PNG and CSV for a person, in one zip."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from seizures.evaluation.calibration import pooled_reliability
from seizures.evaluation.decision_curve import decision_curve
from seizures.evaluation.predictions import prediction_matrix_without_ids
from seizures.evaluation.subgroups import scores_by_subgroup
from seizures.manifest.identity import SeizureId
from seizures.report import belief, figures, style, trust
from seizures.report.flow import FlowRow, draw_flow, flow_table
from seizures.report.numbers import confusion_numbers, mean_over_seeds, roc_numbers, score_numbers
from seizures.report.over_time import draw_over_time
from seizures.report.probability_strip import probability_strip
from seizures.settings import EvaluationSettings

_NO_DATE = (1980, 1, 1, 0, 0, 0)  # so that the same pictures give the same bytes


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure as SVG text, and the numbers that it draws."""

    svg: str
    numbers: pd.DataFrame


def draw_pictures(
    predictions: pd.DataFrame,
    summary: Mapping[str, Any],
    histories: pd.DataFrame,
    durations_seconds: Mapping[SeizureId, float],
    settings: EvaluationSettings,
    columns: Mapping[str, Mapping[SeizureId, str]] | None = None,
    flow: Sequence[FlowRow] = (),
    calibration: Mapping[str, Any] | None = None,
    over_time: Mapping[str, Any] | None = None,
) -> dict[str, tuple[Figure, pd.DataFrame]]:
    """Draw every picture, by name in the order of the page; one that is undefined for these data is left out.

    Args:
        predictions: predictions.csv.
        summary: metrics.json.
        histories: columns fold, seed, epoch, loss and, where there are, accuracy and inner_loss; may be empty.
        durations_seconds: seconds of each seizure by (patient, seizure).
        settings: how to resample the patients.
        columns: columns of the manifest whose texts are subgroups, by name: the text of each seizure.
        flow: the steps from the manifest to the scores; without any, they are not drawn.
        calibration: calibration.json; without it, its pictures are not drawn.
        over_time: over_time.json; without it, how early the classifier is right is not drawn.
    """
    positive, negative = summary["positive_label"], summary["negative_label"]
    curve = pooled_reliability(predictions, positive_label=positive)
    curves = roc_numbers(predictions, summary)
    by_part = scores_by_subgroup(
        predictions, durations_seconds, settings, positive_label=positive, negative_label=negative, columns=columns
    )
    strip = probability_strip(predictions, positive_label=positive, negative_label=negative)
    learning = figures.learning_curves(histories)
    drawn = {
        "seizures": (strip, mean_over_seeds(predictions)),
        "confusion": (figures.confusion_matrix(summary), confusion_numbers(summary)),
        "scores": (figures.score_intervals(summary), score_numbers(summary)),
        "parts": (trust.parts(by_part, summary), by_part),
        "calibration": (
            trust.reliability(curve, positive_label=positive),
            curve.rename(columns={"num_seizures": "num_predictions"}),  # those of all seeds
        ),
    }
    found = prediction_matrix_without_ids(predictions, positive)
    benefit = decision_curve(found.patients, found.labels, found.probabilities.mean(axis=0), settings)
    drawn["decision"] = (trust.net_benefit(benefit, positive_label=positive), benefit)
    if curves is not None:
        drawn["roc"] = (figures.roc(curves, summary), curves)
    if over_time is not None:
        drawn |= draw_over_time(over_time)
    if learning is not None:
        drawn["training"] = (learning, histories)
    if flow:
        drawn["flow"] = (draw_flow(flow), flow_table(flow))
    if calibration is not None:
        drawn |= belief.draw_belief(calibration)
    if summary.get("is_simulated"):
        for figure, _ in drawn.values():
            style.mark_simulated(figure)
    return drawn


def write_pictures(path: Path, drawn: Mapping[str, tuple[Figure, pd.DataFrame]]) -> None:
    """Write each picture as `<name>.svg`, `<name>.png` and `<name>.csv` into a zip; the same give the same bytes."""
    writers: dict[str, Callable[[Figure, pd.DataFrame], bytes]] = {
        "svg": lambda figure, _: style.to_svg(figure).encode(),
        "png": lambda figure, _: style.to_png(figure),
        "csv": lambda _, numbers: numbers.to_csv(index=False, lineterminator="\n").encode(),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, (figure, numbers) in drawn.items():
            for extension, content in writers.items():
                info = zipfile.ZipInfo(f"{name}.{extension}", _NO_DATE)
                info.external_attr = 0o644 << 16
                archive.writestr(info, content(figure, numbers), zipfile.ZIP_DEFLATED)


def read_pictures(path: Path) -> dict[str, Picture]:
    """Read what `write_pictures` wrote, by name and in its order; every cell of the numbers is text."""
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".svg") for name in archive.namelist() if name.endswith(".svg")]
        return {
            name: Picture(
                archive.read(f"{name}.svg").decode(),
                pd.read_csv(io.BytesIO(archive.read(f"{name}.csv")), dtype=str, keep_default_na=False),
            )
            for name in names
        }


def unpack_pictures(path: Path, folder: Path) -> None:
    """Put the PNG and CSV files of the zip at `path` into `folder`, for a person to use."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith((".png", ".csv")):
                (folder / name).write_bytes(archive.read(name))
