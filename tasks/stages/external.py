"""A classifier's answers for labelled seizures of another cohort to scores that may leave, and a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seizures.errors import LeakError
from tasks.cohort import manifest as cohort
from tasks.cohort.classifiers import content_of, info_of
from tasks.machinery.atomic import write_json
from tasks.settings.sections import Evaluation, section
from tasks.stage.stage import Stage
from tasks.stages.answers import AnswerSeizure, ClassifierMixin, all_answers


class ScoreExternally(ClassifierMixin, Stage):
    """Score the answers: numbers alone, and no id."""

    @property
    def label(self) -> str:
        """One file."""
        return "scores"

    def requires(self) -> list[AnswerSeizure]:
        """Require the answers."""
        return all_answers(self.classifier)

    def reads(self) -> dict[str, Any]:
        """Return the labels, and the level of the intervals."""
        return {
            "classifier": content_of(self.classifier),
            "labels": {stage.id.name: stage.seizure.label for stage in self.requires()},
            "confidence_level": section(Evaluation).settings().confidence_level,
        }

    def produce(self, path: Path) -> None:
        """Score those that could be asked about."""
        import numpy as np

        from seizures.evaluation.external import Answered, score_externally

        info = info_of(self.classifier)
        found = [(stage, stage.said()) for stage in self.requires()]
        known = [(stage, said) for stage, said in found if said is not None]
        seen = sorted(stage.id.name for stage, said in known if said["is_trained_on"])
        if seen:
            raise LeakError(seen_message(seen))
        answers = [said["answer"] for _, said in known]
        answered = Answered(
            [stage.patient_id for stage, _ in known],
            np.array([stage.seizure.label == info["labels"][1] for stage, _ in known], dtype=np.int64),
            np.array([answer["probability"] for answer in answers], dtype=np.float64),
            np.array([answer["call"] is not None for answer in answers], dtype=np.bool_),
            [said["is_familiar"] for _, said in known],
        )
        level = section(Evaluation).settings().confidence_level
        write_json(path, score_externally(answered, info, level))


def seen_message(names: list[str]) -> str:
    """Return that these seizures were trained on."""
    return "\n  ".join(
        [
            "the classifier was trained on these films, so they are no test of it; set use = skip in their rows:",
            *names,
        ]
    )


class WriteExternalPage(ClassifierMixin, Stage):
    """Write the page with the scores here and those of the classifier's own cohort."""

    extension = "html"

    @property
    def label(self) -> str:
        """One page."""
        return "external"

    def requires(self) -> list[Stage]:
        """Require the scores."""
        return [ScoreExternally(classifier=self.classifier)]

    def reads(self) -> dict[str, Any]:
        """Return what could not be asked about."""
        return {"left_out": _left_out(self.classifier)}

    def produce(self, path: Path) -> None:
        """Write it."""
        from seizures.report.external_page import write_external_page

        scores = json.loads(self.requires()[0].result.read_text(encoding="utf-8"))
        write_external_page(path, scores, info_of(self.classifier), _left_out(self.classifier))


def _left_out(classifier: str) -> list[str]:
    bad = [(stage.id.name, stage.bad_reason()) for stage in all_answers(classifier)]
    listed = [f"{item.name}: {item.reason}" for item in cohort.left_out_by_manifest()]
    return listed + [f"{name}: {reason}" for name, reason in bad if reason is not None]
