"""Result tables to the page that a person reads."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seizures.settings import canonical
from tasks.base import Stage
from tasks.config import SECTIONS, Machine, Results, Sweep, section
from tasks.costs import StageCost, stage_costs
from tasks.evaluation import PoolPredictions, ScorePredictions
from tasks.features import all_features, features_of
from tasks.folds import fold_rows, left_out
from tasks.runs import made_anew, walk
from tasks.tables import some
from tasks.training import all_classifiers
from tasks.ways import weights_identity

if TYPE_CHECKING:
    import pandas as pd


_MOST_NAMED = 12
PATH_SETTINGS = ("manifest", "video_root", "weights", "weights_dir")


class WriteReport(Stage):
    """Write one self-contained page: scores, pictures, what was left out, and how it was made."""

    extension = "html"

    @property
    def label(self) -> str:
        """One page for all."""
        return "report"

    def requires(self) -> list[Stage]:
        """Require the predictions, their scores, and the classifiers, whose learning curves are drawn."""
        return [PoolPredictions(), ScorePredictions(), *all_classifiers()]

    def reads(self) -> dict[str, Any]:
        """Return what the page says besides: what was left out, the folds, and every setting that decides a result."""
        return {"left_out": left_out(), "folds": fold_rows(), "settings": settings_by_section()}

    def produce(self, path: Path) -> None:
        """Gather the tables, and write the page."""
        from seizures import evaluation, provenance, report

        stages = walk(self)
        anew = made_anew(stages)
        report.write_report(
            path,
            report.ReportInputs(
                predictions=evaluation.read_predictions(PoolPredictions().path),
                summary=evaluation.read_summary(ScorePredictions().path),
                histories=_histories(),
                left_out=left_out(),
                folds=fold_rows(),
                settings=settings_by_section(),
                provenance={**provenance.collect(), "device": devices()},
                weights=weights_identity(),
                notes=invalid_snippets(),
                timings={_cost_name(cost, anew.get(cost.stage, [])): cost.seconds for cost in stage_costs(stages)},
            ),
        )


def devices() -> str:
    """Return what computed the features, which may have been several machines."""
    found = set()
    for stage in all_features():
        with contextlib.suppress(FileNotFoundError, KeyError):
            found.add(json.loads(stage.file("why.json").read_text(encoding="utf-8"))["device"])
    return ", ".join(sorted(found)) or "not recorded"


def _cost_name(cost: StageCost, anew: list[str]) -> str:
    """Name a stage with what was made anew since the page before, so that a reader sees what a correction has moved."""
    which = f" ({some(anew, _MOST_NAMED)})" if len(anew) < cost.num_results else ""
    told = f"{len(anew)} made anew since the page before{which}" if anew else ""
    return ", ".join(filter(None, (f"{cost.stage}: {cost.num_results} results", cost.throughput, told)))


def _histories() -> pd.DataFrame:
    """Return the learning curves of all classifiers, one row an epoch."""
    import pandas as pd

    from seizures.training import load_checkpoint

    rows = (
        {"fold": stage.fold, "seed": stage.seed, **row._asdict()}
        for stage in all_classifiers()
        for row in load_checkpoint(stage.path)[0].history
    )
    table: pd.DataFrame = pd.DataFrame(rows)
    return table


def invalid_snippets() -> list[str]:
    """Say for each view how many of its snippets touch damaged or missing frames, where any do."""
    from seizures.feature_file import open_features

    notes = []
    for row in fold_rows():
        with open_features(features_of(row.patient_id, row.seizure_id).path) as file:
            for name, view in file.views.items():
                num_invalid = int((~view.valid).sum())
                if num_invalid:
                    notes.append(
                        f"{row.patient_id}+{row.seizure_id}+{name}: {num_invalid} of {len(view.valid)} snippets touch "
                        "damaged or missing frames, and are neither trained on nor scored"
                    )
    return notes


def settings_by_section() -> dict[str, dict[str, Any]]:
    """Return every setting that decides a result, by section; of a path its last name, as folders tell of people."""
    return {
        kind.get_task_family(): {name: _shown(name, getattr(section(kind), name)) for name, _ in kind.get_params()}
        for kind in SECTIONS
        if kind not in (Machine, Results, Sweep)
    }


def _shown(name: str, value: Any) -> Any:
    return Path(value).name if name in PATH_SETTINGS else canonical(value)
