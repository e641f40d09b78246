"""Every picture of the report with the numbers behind it: SVG for the page, PNG and CSV for a person, in one zip."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from seizures.evaluation.calibration import pooled_reliability
from seizures.evaluation.decision_curve import decision_curve
from seizures.evaluation.predictions import prediction_matrix_without_ids
from seizures.evaluation.subgroups import scores_by_subgroup
from seizures.manifest.identity import SeizureId
from seizures.report import belief, figures, style, trust
from seizures.report.flow import FlowRow, draw_flow, flow_table
from seizures.report.numbers import confusion_numbers, mean_over_seeds, roc_numbers, score_numbers
from seizures.report.over_time import sketch_over_time
from seizures.report.probability_strip import probability_strip
from seizures.report.sketch import Sketch
from seizures.settings import EvaluationSettings

_KEYS = "keys.json"  # in the zip: what decided each picture
_NO_DATE = (1980, 1, 1, 0, 0, 0)  # so that the same pictures give the same bytes


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure as SVG text, and the numbers that it draws."""

    svg: str
    numbers: pd.DataFrame


def sketch_pictures(
    predictions: pd.DataFrame,
    summary: Mapping[str, Any],
    histories: pd.DataFrame,
    durations_seconds: Mapping[SeizureId, float],
    settings: EvaluationSettings,
    columns: Mapping[str, Mapping[SeizureId, str]] | None = None,
    flow: Sequence[FlowRow] = (),
    calibration: Mapping[str, Any] | None = None,
    over_time: Mapping[str, Any] | None = None,
) -> dict[str, Sketch]:
    """Return every picture, to be drawn, by name in the order of the page; one undefined for these data is left out.

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
    labels = {"positive_label": positive, "negative_label": negative}
    at_curve = {name: summary["metrics"][name] for name in ("recall", "specificity", "roc_auc")}
    curve = pooled_reliability(predictions, positive_label=positive)
    curves = roc_numbers(predictions, summary)
    by_part = scores_by_subgroup(predictions, durations_seconds, settings, columns=columns, **labels)
    seizures = mean_over_seeds(predictions)
    # Each is given no more of the summary than it shows: anything else would have it drawn again for nothing.
    sketches = {
        "seizures": Sketch(partial(probability_strip, predictions, **labels), seizures),
        "confusion": Sketch(
            partial(figures.confusion_matrix, {**labels, "counts": {"mean": summary["counts"]["mean"]}}),
            confusion_numbers(summary),
        ),
        "scores": Sketch(
            partial(figures.score_intervals, {name: summary[name] for name in ("metrics", "chance")}),
            score_numbers(summary),
        ),
        "parts": Sketch(
            partial(trust.parts, by_part, {"metrics": {"accuracy": summary["metrics"]["accuracy"]}}), by_part
        ),
        "calibration": Sketch(
            partial(trust.reliability, curve, positive_label=positive),
            curve.rename(columns={"num_seizures": "num_predictions"}),  # those of all seeds
        ),
    }
    found = prediction_matrix_without_ids(predictions, positive)
    benefit = decision_curve(found.patients, found.labels, found.probabilities.mean(axis=0), settings)
    sketches["decision"] = Sketch(partial(trust.net_benefit, benefit, positive_label=positive), benefit)
    if curves is not None:
        sketches["roc"] = Sketch(
            partial(figures.roc, curves, {**labels, "metrics": at_curve, "interval": summary["interval"]}), curves
        )
    if over_time is not None:
        sketches |= sketch_over_time(over_time)
    if figures.has_learning_curves(histories):
        sketches["training"] = Sketch(partial(figures.learning_curves, histories), histories)
    if flow:
        sketches["flow"] = Sketch(partial(draw_flow, flow), flow_table(flow))
    if calibration is not None:
        sketches |= belief.sketch_belief(calibration)
    is_simulated = bool(summary.get("is_simulated"))
    return {name: sketch._replace(is_simulated=is_simulated) for name, sketch in sketches.items()}


def write_pictures(path: Path, sketches: Mapping[str, Sketch], earlier: Path | None = None) -> list[str]:
    """Write each picture as `<name>.svg`, `<name>.png` and `<name>.csv` into a zip; the same give the same bytes.

    Args:
        path: of the zip.
        sketches: the pictures, by name.
        earlier: a zip that this function wrote with the same code, if there is one: what is the same is copied.

    Returns:
        The names of those that were drawn, and not copied.
    """
    drawn, keys = [], {name: sketch.key for name, sketch in sketches.items()}
    with zipfile.ZipFile(path, "w") as archive, contextlib.ExitStack() as stack:
        before = None if earlier is None else stack.enter_context(zipfile.ZipFile(earlier))
        known = {} if before is None else json.loads(before.read(_KEYS))
        for name, sketch in sketches.items():
            if before is not None and known.get(name) == keys[name]:
                svg, png = before.read(f"{name}.svg"), before.read(f"{name}.png")
            else:
                figure = sketch.draw()
                style.lay_out(figure)
                svg, png = style.to_svg(figure).encode(), style.to_png(figure)
                drawn.append(name)
            _add(archive, f"{name}.svg", svg)
            _add(archive, f"{name}.png", png, zipfile.ZIP_STORED)  # which is compressed
            _add(archive, f"{name}.csv", sketch.numbers.to_csv(index=False, lineterminator="\n").encode())
        _add(archive, _KEYS, json.dumps(keys).encode())
    return drawn


def _add(archive: zipfile.ZipFile, name: str, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> None:
    info = zipfile.ZipInfo(name, _NO_DATE)
    info.external_attr = 0o644 << 16
    archive.writestr(info, content, compression)


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
