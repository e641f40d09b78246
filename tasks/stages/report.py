"""Result tables to the page that a person reads."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seizures.manifest.identity import SeizureId
from tasks.cohort import manifest as cohort
from tasks.cohort.recipes import weights_used
from tasks.machinery.sealed import read_sealed
from tasks.machinery.tables import shorten
from tasks.settings.cells import fold_settings, num_repeats, training_settings
from tasks.settings.sections import (
    Dataset,
    Demo,
    Evaluation,
    section,
)
from tasks.stage.costs import StageCost, stage_costs
from tasks.stage.integrity import fault_of_result
from tasks.stage.publishing import made_anew, walk
from tasks.stage.stage import WHY_EXTENSION, Stage
from tasks.stages import run_facts
from tasks.stages.calibration import CalibrateProbabilities, read_calibration
from tasks.stages.checklist import WriteChecklists
from tasks.stages.evaluation import PoolPredictions, ScorePredictions
from tasks.stages.features import features_of
from tasks.stages.folds import fold_rows, left_out
from tasks.stages.provenance import WriteProvenance
from tasks.stages.shared_features import CompareFeatures, patients_with_equal_features
from tasks.stages.training import all_classifiers
from tasks.stages.unfolding import ScoreUnfolding

if TYPE_CHECKING:
    import pandas as pd

    from seizures.report.flow import FlowRow


_MOST_NAMED = 12
_logger = logging.getLogger(__name__)


class DrawPictures(Stage):
    """Draw every picture of the report, and keep the numbers behind it: SVG, PNG and CSV in one zip.

    A picture that an earlier result has of the same numbers is copied from there.
    """

    # 8: laid out once, not for each format; 7: abstention, over time; 6: why a subgroup has no interval; 5: balanced
    # accuracy, MCC; 2 to 4: words
    version = 8
    extension = "zip"

    @property
    def label(self) -> str:
        """One archive for all."""
        return "pictures"

    def requires(self) -> list[Stage]:
        """Require the predictions, their scores and calibration, and the classifiers, whose curves are drawn."""
        return [PoolPredictions(), ScorePredictions(), CalibrateProbabilities(), ScoreUnfolding(), *all_classifiers()]

    def reads(self) -> dict[str, Any]:
        """Return how long each seizure lasts, and how to resample the patients of a part."""
        durations = {seizure.name: seconds for seizure, seconds in run_facts.durations().items()}
        subgroups = {name: {one.name: text for one, text in texts.items()} for name, texts in _subgroups().items()}
        return {
            "durations_seconds": durations,
            "evaluation": section(Evaluation).settings(),
            "flow": run_facts.flow(),
            **({"subgroups": subgroups} if subgroups else {}),
        }

    def produce(self, path: Path) -> None:
        """Draw what is not drawn yet."""
        from seizures.evaluation.how_early import read_scores
        from seizures.evaluation.predictions import read_predictions
        from seizures.evaluation.summary import read_summary
        from seizures.report import pictures

        sketches = pictures.sketch_pictures(
            read_predictions(PoolPredictions().result, section(Dataset).label_names()[1]),
            read_summary(ScorePredictions().result),
            _histories(),
            run_facts.durations(),
            section(Evaluation).settings(),
            _subgroups(),
            _flow(),
            read_calibration(),
            read_scores(ScoreUnfolding().result),
        )
        drawn = pictures.write_pictures(path, sketches, self._earlier())
        _logger.info("%d of %d pictures drawn: %s", len(drawn), len(sketches), ", ".join(drawn) or "none")

    def _earlier(self) -> Path | None:
        """Return the newest whole result that the same version drew."""
        notes = [(said["made"], note) for note in self.path.parent.glob(f"*.{WHY_EXTENSION}")
                 if (said := read_sealed(note, "version", "made")) and said["version"] == self.version]  # fmt: skip
        for _, note in sorted(notes, reverse=True):
            key = note.name.partition(".")[0]
            path = note.with_name(f"{key}.{self.extension}")
            if path != self.path and path.exists() and not fault_of_result(path, note, key, thorough=True):
                return path
        return None


class WriteReport(Stage):
    """Write one self-contained page: scores, pictures, what was left out, and how it was made."""

    version = 9  # 9: calibration, how early; 8: baselines; 7: balanced accuracy, MCC, slope; 2 to 6: words, parts
    extension = "html"

    @property
    def label(self) -> str:
        """One page for all."""
        return "report"

    def requires(self) -> list[Stage]:
        """Require the predictions, their scores, calibration and pictures, who shares features, the epochs."""
        made: list[Stage] = [PoolPredictions(), ScorePredictions(), CalibrateProbabilities(), ScoreUnfolding()]
        return [*made, DrawPictures(), CompareFeatures(), WriteProvenance(), WriteChecklists(), *all_classifiers()]

    def reads(self) -> dict[str, Any]:
        """Return what the page says besides: what was left out, the folds, and every setting that decides a result."""
        return {
            "left_out": left_out(),
            "folds": fold_rows(),
            "settings": run_facts.settings_by_section(),
            "not_trained_on": run_facts.num_not_trained_on(),
            **({"shared_films": cohort.sharers()} if section(Dataset).allow_shared_films else {}),
        }

    def produce(self, path: Path) -> None:
        """Gather the tables, and write the page."""
        from seizures import provenance
        from seizures.evaluation.how_early import read_scores
        from seizures.evaluation.predictions import read_predictions
        from seizures.evaluation.summary import read_summary
        from seizures.report import methods, page, pictures
        from seizures.report.flow import flow_boxes

        stages, damage = walk(self), invalid_snippets()
        anew = made_anew(stages)
        predictions = read_predictions(PoolPredictions().result, section(Dataset).label_names()[1])
        summary = read_summary(ScorePredictions().result)
        run = methods.WhatWasRun(
            made=run_facts.ways(),
            folds=fold_settings(),
            num_repeats=num_repeats(),
            training=training_settings(),
            summary=summary,
            predictions=predictions,
            histories=_histories(),
            left_out=left_out(),
            minimum_duration_seconds=section(Dataset).minimum_duration_seconds,
            num_not_trained_on=run_facts.num_not_trained_on(),
            num_cropped=run_facts.num_views(lambda item: item.crop is not None),
            num_masked=run_facts.num_views(lambda item: item.mask is not None),
            num_damaged=len(damage),
            simulated=section(Demo).enabled,
            code=run_facts.release_and_commit(),
        )
        page.write_report(
            path,
            page.ReportInputs(
                predictions=predictions,
                summary=summary,
                pictures=pictures.read_pictures(DrawPictures().result),
                durations_seconds=run_facts.durations(),
                run=run,
                left_out=left_out(),
                folds=fold_rows(),
                settings=run_facts.settings_by_section(),
                provenance={**provenance.collect(), "device": run_facts.devices()},
                weights=weights_used(),
                notes=[*_shared_films(), *damage],
                flow=flow_boxes(_flow()),
                belief=read_calibration(),
                over_time=read_scores(ScoreUnfolding().result),
                timings={_cost_name(cost, anew.get(cost.stage, [])): cost.seconds for cost in stage_costs(stages)},
            ),
        )


def unpack_pictures(folder: Path) -> None:
    """Put the PNG and CSV files of the pictures where the page's links look for them: in a folder beside it."""
    from seizures.report import page, pictures

    pictures.unpack_pictures(DrawPictures().result, folder / page.FOLDER)


def _flow() -> tuple[FlowRow, ...]:
    """Return the steps from the manifest to the scores, with the patients and seizures at each."""
    from seizures.report.flow import count_flow

    return count_flow(*run_facts.listed_and_outcomes(), section(Dataset).label_names())


def _subgroups() -> dict[str, dict[SeizureId, str]]:
    """Return the text of each column of [Evaluation] subgroups, for the seizures that have a place in the folds."""
    placed = {row.id for row in fold_rows()}
    columns = {name: cohort.column_values(name) for name in section(Evaluation).subgroup_names()}
    return {name: {one: text for one, text in texts.items() if one in placed} for name, texts in columns.items()}


def _shared_films() -> list[str]:
    """Say which patients share a film or its features, and why that is allowed."""
    reason = section(Dataset).allow_shared_films
    pairs = dict.fromkeys((*cohort.sharers(), *patients_with_equal_features())) if reason else {}
    if not pairs:
        return []
    told = "; ".join(" and ".join(pair) for pair in pairs)
    return [
        f"One film shows two patients, who may be in different folds: {told}. The reason that was given "
        f"([Dataset] allow_shared_films): {reason}"
    ]


def _cost_name(cost: StageCost, anew: list[str]) -> str:
    """Name a stage with what was recomputed since the last page: a reader sees what a correction has changed."""
    which = f" ({shorten(list(dict.fromkeys(anew)), _MOST_NAMED)})" if len(anew) < cost.num_results else ""
    told = f"{len(anew)} recomputed since the last report{which}" if anew else ""
    return ", ".join(
        filter(
            None,
            (f"{cost.stage}: {cost.num_results} result{'' if cost.num_results == 1 else 's'}", cost.throughput, told),
        )
    )


def _histories() -> pd.DataFrame:
    """Return the learning curves of all classifiers, one row an epoch."""
    import pandas as pd

    from seizures.classification.checkpoints import load_checkpoint

    rows = (
        {"repeat": stage.repeat, "fold": stage.fold, "seed": stage.seed, **row._asdict()}
        for stage in all_classifiers()
        for row in load_checkpoint(stage.result)[0].history
    )
    table: pd.DataFrame = pd.DataFrame(rows)
    return table


def invalid_snippets() -> list[str]:
    """Say for each view how many of its snippets touch damaged or missing frames, where any do."""
    from seizures.features.file import open_features

    notes = []
    for row in fold_rows():
        with open_features(features_of(row.id).result) as file:
            for name, view in file.views.items():
                num_invalid = int((~view.valid).sum())
                if num_invalid:
                    notes.append(
                        f"{row.id.view(name).name}: {num_invalid} of {len(view.valid)} snippets touch "
                        "damaged or missing frames, and are neither trained on nor scored"
                    )
    return notes
