"""Result tables to the page that a person reads."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import models
from seizures.manifest.identity import SeizureId
from seizures.manifest.recordings import Recording
from seizures.settings import canonical, canonical_json
from tasks.cohort import manifest as cohort
from tasks.cohort.recipes import feature_recipes, weights_used
from tasks.machinery.tables import shorten
from tasks.settings.cells import fold_settings, num_repeats, training_settings
from tasks.settings.sections import (
    SECTIONS,
    Dataset,
    Demo,
    Evaluation,
    Machine,
    Results,
    Snippets,
    Sweep,
    section,
)
from tasks.stage.costs import StageCost, stage_costs
from tasks.stage.publishing import made_anew, walk
from tasks.stage.stage import Stage
from tasks.stages.evaluation import PoolPredictions, ScorePredictions
from tasks.stages.features import all_features, features_of
from tasks.stages.folds import fold_items, fold_rows, left_out, seizure_of
from tasks.stages.shared_features import CompareFeatures, patients_with_equal_features
from tasks.stages.training import all_classifiers

if TYPE_CHECKING:
    import pandas as pd


_MOST_NAMED = 12
PATH_SETTINGS = ("manifest", "video_root", "weights", "weights_dir", "features", "site_profile")


class DrawPictures(Stage):
    """Draw every picture of the report, and keep the numbers behind it: SVG, PNG and CSV in one zip."""

    version = 6  # 6: why a subgroup has no interval; 5: balanced accuracy, MCC; 2 to 4: words, simulated films
    extension = "zip"

    @property
    def label(self) -> str:
        """One archive for all."""
        return "pictures"

    def requires(self) -> list[Stage]:
        """Require the predictions, their scores, and the classifiers, whose learning curves are drawn."""
        return [PoolPredictions(), ScorePredictions(), *all_classifiers()]

    def reads(self) -> dict[str, Any]:
        """Return how long each seizure lasts, and how to resample the patients of a part."""
        durations = {seizure.name: seconds for seizure, seconds in _durations().items()}
        subgroups = {name: {one.name: text for one, text in texts.items()} for name, texts in _subgroups().items()}
        return {
            "durations_seconds": durations,
            "evaluation": section(Evaluation).settings(),
            **({"subgroups": subgroups} if subgroups else {}),
        }

    def produce(self, path: Path) -> None:
        """Draw."""
        from seizures.evaluation.predictions import read_predictions
        from seizures.evaluation.summary import read_summary
        from seizures.report import pictures

        drawn = pictures.draw_pictures(
            read_predictions(PoolPredictions().result, section(Dataset).label_names()[1]),
            read_summary(ScorePredictions().result),
            _histories(),
            _durations(),
            section(Evaluation).settings(),
            _subgroups(),
        )
        pictures.write_pictures(path, drawn)


class WriteReport(Stage):
    """Write one self-contained page: scores, pictures, what was left out, and how it was made."""

    version = 8  # 8: baselines; 7: balanced accuracy, MCC, calibration slope; 2 to 6: words, parts, methods
    extension = "html"

    @property
    def label(self) -> str:
        """One page for all."""
        return "report"

    def requires(self) -> list[Stage]:
        """Require the predictions, their scores, the pictures, who shares features, and the classifiers' epochs."""
        return [PoolPredictions(), ScorePredictions(), DrawPictures(), CompareFeatures(), *all_classifiers()]

    def reads(self) -> dict[str, Any]:
        """Return what the page says besides: what was left out, the folds, and every setting that decides a result."""
        return {
            "left_out": left_out(),
            "folds": fold_rows(),
            "settings": settings_by_section(),
            "not_trained_on": _num_not_trained_on(),
            **({"shared_films": cohort.sharers()} if section(Dataset).allow_shared_films else {}),
        }

    def produce(self, path: Path) -> None:
        """Gather the tables, and write the page."""
        from seizures import provenance
        from seizures.evaluation.predictions import read_predictions
        from seizures.evaluation.summary import read_summary
        from seizures.report import methods, page, pictures

        stages, damage = walk(self), invalid_snippets()
        anew = made_anew(stages)
        predictions = read_predictions(PoolPredictions().result, section(Dataset).label_names()[1])
        summary = read_summary(ScorePredictions().result)
        run = methods.WhatWasRun(
            made=_ways(),
            folds=fold_settings(),
            num_repeats=num_repeats(),
            training=training_settings(),
            summary=summary,
            predictions=predictions,
            histories=_histories(),
            left_out=left_out(),
            minimum_duration_seconds=section(Dataset).minimum_duration_seconds,
            num_not_trained_on=_num_not_trained_on(),
            num_cropped=_num_views(lambda item: item.crop is not None),
            num_masked=_num_views(lambda item: item.mask is not None),
            num_damaged=len(damage),
            simulated=section(Demo).enabled,
            code=_release_and_commit(),
        )
        page.write_report(
            path,
            page.ReportInputs(
                predictions=predictions,
                summary=summary,
                pictures=pictures.read_pictures(DrawPictures().result),
                durations_seconds=_durations(),
                run=run,
                left_out=left_out(),
                folds=fold_rows(),
                settings=settings_by_section(),
                provenance={**provenance.collect(), "device": devices()},
                weights=weights_used(),
                notes=[*_shared_films(), *damage],
                timings={_cost_name(cost, anew.get(cost.stage, [])): cost.seconds for cost in stage_costs(stages)},
            ),
        )


def unpack_pictures(folder: Path) -> None:
    """Put the PNG and CSV files of the pictures where the page's links look for them: in a folder beside it."""
    from seizures.report import page, pictures

    pictures.unpack_pictures(DrawPictures().result, folder / page.FOLDER)


def _durations() -> dict[SeizureId, float]:
    """Return the seconds of each seizure that has a place in the folds."""
    known = [(item, item.duration_seconds) for item in fold_items()]
    return {item.id: seconds for item, seconds in known if seconds is not None}


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


def _num_not_trained_on() -> int:
    """Count the views in which the patient is out of sight: they are scored, and not trained on."""
    return _num_views(lambda item: item.use == "evaluate")


def _num_views(is_wanted: Callable[[Recording], bool]) -> int:
    """Count the views of the folds' seizures that are so."""
    return sum(is_wanted(item) for row in fold_rows() for item in seizure_of(row).recordings)


def _ways() -> list[dict[str, Any]]:
    """Return each way in which features were made, once, with the network's words and, where known, its frame size."""
    ways = {canonical_json(item): dict(item) for item in feature_recipes().values()}
    for way in ways.values():
        way["network_words"] = models.describe_network(str(way["network"]), str(way["weights_sha256"]))
        if way["network"] in models.network_names():
            way["frame_size"] = models.network_spec(way["network"]).frame_size
    return [ways[text] for text in sorted(ways)]


def _release_and_commit() -> str:
    """Return the release, and the beginning of the commit if this is a checkout, for a person to read."""
    from seizures import provenance

    release, version = provenance.release(), provenance.code_version()
    commit, _, changes = version.partition("-")
    return release if version == release else f"{release} (commit {commit[:12]}{', with changes' if changes else ''})"


def devices() -> str:
    """Return what computed the features, which may have been several machines."""
    found = set()
    for stage in all_features():
        with contextlib.suppress(FileNotFoundError, KeyError):
            found.add(json.loads(stage.file("why.json").read_text(encoding="utf-8"))["device"])
    return ", ".join(sorted(found)) or "not recorded"


def _cost_name(cost: StageCost, anew: list[str]) -> str:
    """Name a stage with what was recomputed since the last page: a reader sees what a correction has changed."""
    which = f" ({shorten(anew, _MOST_NAMED)})" if len(anew) < cost.num_results else ""
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


def settings_by_section() -> dict[str, dict[str, Any]]:
    """Return every setting that decides a result, by section; of a path its last name, as folders tell of people."""
    return {
        kind.get_task_family(): {name: _shown(name, getattr(section(kind), name)) for name, _ in kind.get_params()}
        for kind in SECTIONS
        if kind not in (Machine, Results, Snippets, Sweep)
    }


def _shown(name: str, value: Any) -> Any:
    return Path(value).name if name in PATH_SETTINGS else canonical(value)
