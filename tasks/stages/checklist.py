"""Metrics, provenance and what the authors wrote, to the reporting checklists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seizures.report.checklists.study import read_study
from tasks.cohort.recipes import weights_used
from tasks.settings.sections import Dataset, Demo, section
from tasks.stage.stage import Stage
from tasks.stages.evaluation import ScorePredictions
from tasks.stages.provenance import WriteProvenance


class TabulateChecklists(Stage):
    """Answer every item of the checklists that the run or study.toml can answer."""

    extension = "csv"

    @property
    def label(self) -> str:
        """One table for all."""
        return "checklist"

    def requires(self) -> list[Stage]:
        """Require the files that answers come from."""
        return [ScorePredictions(), WriteProvenance()]

    def reads(self) -> dict[str, Any]:
        """Return what the authors wrote."""
        return {"study": study()}

    def produce(self, path: Path) -> None:
        """Answer."""
        from seizures.report.checklists.answers import answer_items, write_answers
        from seizures.report.checklists.inventory import read_items

        files = {
            name: json.loads(stage.result.read_text(encoding="utf-8"))
            for name, stage in {"metrics": ScorePredictions(), "provenance": WriteProvenance()}.items()
        }
        write_answers(path, answer_items(read_items(), files, study()))


class WriteChecklists(Stage):
    """Write the page of the checklists."""

    extension = "html"

    @property
    def label(self) -> str:
        """One page for all."""
        return "checklist"

    def requires(self) -> list[Stage]:
        """Require the table."""
        return [TabulateChecklists()]

    def reads(self) -> dict[str, Any]:
        """Return whether the weights say anything."""
        return {"weights": weights_used(), "is_simulated": section(Demo).enabled}

    def produce(self, path: Path) -> None:
        """Write."""
        from seizures.report.checklist_page import write_checklist_page
        from seizures.report.checklists.answers import read_answers
        from seizures.report.page import warning_for

        warning = warning_for(weights_used(), is_simulated=section(Demo).enabled)
        write_checklist_page(path, read_answers(TabulateChecklists().result), warning=warning)


def study() -> dict[str, str]:
    """Return what the authors wrote in study.toml; nothing where there is no such file."""
    return read_study(Path(section(Dataset).study))
