"""predictions.csv of new seizures: what a classifier said of each, a line each, for a spreadsheet or a program."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from seizures.evaluation.predictions import probability_column

LEADING = ("patient_id", "seizure_id", "label")


def write_answers(path: Path, rows: Iterable[tuple[str, str, str, Mapping[str, Any]]]) -> None:
    """Write the table: UTF-8, probabilities to the last bit.

    Columns: the ids; the label, where it is known; `call`, empty where the classifier abstains; the calibrated
    probability of the positive label with the lowest and highest of the single seeds, that before calibration, and that
    of each view; `is_familiar` and `distance` (1 is the limit), empty where nobody can say; `is_trained_on`.

    Args:
        path: where to write.
        rows: patient, seizure, label and what `AnswerSeizure` keeps.
    """
    found = list(rows)
    views = sorted({view["view"] for _, _, _, said in found for view in said["answer"]["views"]})
    positive = found[0][3]["answer"]["labels"][1] if found else "positive"
    column = probability_column(positive)
    header = [*LEADING, "call", column, f"{column}_low", f"{column}_high", f"{column}_uncalibrated"]
    header += ["is_familiar", "distance", "is_trained_on", "duration_seconds", *(f"{column}_{view}" for view in views)]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        for patient, seizure, label, said in found:
            answer = said["answer"]
            by_view = {view["view"]: view["probability"] for view in answer["views"]}
            table.writerow(
                [
                    *(patient, seizure, label, answer["call"] or ""),
                    *(answer[name] for name in ("probability", "low", "high", "raw_probability")),
                    *("" if value is None else value for value in (said["is_familiar"], answer["distance"])),
                    *(said["is_trained_on"], round(said["duration_seconds"], 3)),
                    *(by_view.get(view, "") for view in views),
                ]
            )
