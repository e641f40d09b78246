"""A classifier's answers: the verdict and what moved it, and the answer as a seizure unfolds."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from seizures.errors import VideoError
from tasks.cohort import manifest as cohort
from tasks.cohort.classifiers import cases_of, cases_path, classifier_at, content_of, info_of
from tasks.cohort.imported_features import is_imported
from tasks.machinery.atomic import write_json
from tasks.machinery.fingerprint import fingerprint
from tasks.machinery.processes import computing
from tasks.settings.sections import Machine, results_root, section
from tasks.stage.mixins import SeizureMixin
from tasks.stage.stage import Stage
from tasks.stages.features import FeatureStage, features_of
from tasks.stages.middles import ExtractMiddles

if TYPE_CHECKING:
    from seizures.prediction.asked import Asked
    from seizures.prediction.ensemble import Classifier


class ClassifierMixin(luigi.Task):
    """The stage asks the classifier in a file; the key tells files apart, so Luigi's id need not."""

    classifier: str = luigi.Parameter(significant=False, description="the classifier's file")

    @property
    def num_segments(self) -> int:
        """Snippets that the classifier takes of a view."""
        return int(info_of(self.classifier)["training"]["num_segments"])


class AnswerSeizure(SeizureMixin, ClassifierMixin, Stage):
    """Ask a classifier about one seizure: its verdict, what moved it, whether the film is familiar, similar cases."""

    leaves_out = (VideoError,)

    @property
    def middles(self) -> ExtractMiddles | None:
        """The stage of the snippets that a verdict needs; None where all features are there already."""
        features = features_of(self.id)
        if is_imported(self.seizure) or (features.complete() and features.bad_reason() is None):
            return None
        return ExtractMiddles(**self.id._asdict(), num_segments=self.num_segments)

    def upstream(self) -> list[Stage]:
        """Return all features: the snippets of the verdict are among them, however they were computed."""
        return [features_of(self.id)]

    def requires(self) -> list[Stage]:
        """Require those snippets alone, unless all features are there."""
        return [self.middles or features_of(self.id)]

    def reads(self) -> dict[str, Any]:
        """Return the classifier, and whether this house has its training cases."""
        kept = cases_path(self.classifier)
        own = {"cases": fingerprint(kept.resolve(), results_root() / "fingerprints")} if kept.exists() else {}
        return {"classifier": content_of(self.classifier), **own}

    def produce(self, path: Path) -> None:
        """Ask, and say the verdict at once: the courses and pages of all seizures take longer."""
        from seizures.report.answer_text import answer_line

        with computing(section(Machine).num_threads or 1):
            said = answer_of(self.classifier, self._asked())
        write_json(path, said)
        path.chmod(0o600)
        sys.stderr.write(f"verdict: {answer_line(self.id.name, said)}\n")

    def _asked(self) -> Asked:
        from seizures.features.file import open_features
        from seizures.prediction.asked import asked_of_features, read_asked

        middles = self.middles
        if middles is not None:
            if middles.bad_reason() is not None:
                raise VideoError(str(middles.bad_reason()))
            return dataclasses.replace(read_asked(middles.result)[0], label=self.seizure.label)
        with open_features(features_of(self.id).result) as file:
            return asked_of_features(file, self.num_segments)

    def said(self) -> dict[str, Any] | None:
        """Return the answer; None where the seizure could not be asked about."""
        return None if self.bad_reason() is not None else json.loads(self.result.read_text(encoding="utf-8"))


def answer_of(classifier: str, asked: Asked) -> dict[str, Any]:
    """Return everything that a classifier says of a seizure, as plain values."""
    from seizures.exchange.trained_on import is_trained_on
    from seizures.prediction.attribution import attention_of
    from seizures.prediction.reference import far_outside, properties
    from seizures.prediction.similar_cases import Case, find_similar

    one = classifier_at(classifier)
    answer, outside = one.answer(asked.middles), far_outside(one.info["reference"], asked)
    cases = [
        Case(case.name, case.label, {name: view.middles for name, view in case.views.items()})
        for case in cases_of(classifier)
        if case.name != asked.name
    ]
    similar = find_similar({name: view.middles for name, view in asked.views.items()}, cases)
    return {
        "answer": dataclasses.asdict(answer),
        "is_familiar": False if outside else answer.is_familiar,
        "far_outside": outside,
        "is_trained_on": is_trained_on(one.info, asked.films, asked.digests()),
        "duration_seconds": asked.duration_seconds,
        "attention": attention_of(one, asked.middles),
        **_explanation(one, asked),
        "similar": [dataclasses.asdict(case) for case in similar],
        "properties": properties(asked),
    }


def _explanation(classifier: Classifier, asked: Asked) -> dict[str, Any]:
    """Return what moved the answer; an answer that cannot be explained stands all the same."""
    from seizures.prediction.attribution import IncompleteError, attribute, delete_segments

    try:
        moved = attribute(classifier, asked.middles)
    except IncompleteError as error:
        return {"segments": {}, "baseline_probability": None, "deletion": None, "why_not_explained": str(error)}
    return {
        "segments": {
            view: [
                {**segment, "value": value}
                for segment, value in zip(asked.segments(view), moved.values[view], strict=True)
            ]
            for view in asked.views
        },
        "baseline_probability": moved.baseline_probability,
        "deletion": dataclasses.asdict(delete_segments(classifier, asked.middles, moved)),
        "why_not_explained": "",
    }


class FollowSeizure(SeizureMixin, ClassifierMixin, Stage):
    """Ask a classifier about every beginning of a seizure, second by second."""

    leaves_out = (VideoError,)

    def requires(self) -> list[FeatureStage]:
        """Require all features."""
        return [features_of(self.id)]

    def reads(self) -> dict[str, Any]:
        """Return the classifier."""
        return {"classifier": content_of(self.classifier)}

    def produce(self, path: Path) -> None:
        """Ask, and write the calibrated probabilities of the ensemble and of its seeds."""
        from seizures.features.file import open_features
        from seizures.prediction.middles import bank_of
        from seizures.prediction.unfolding import follow, unfold

        features = features_of(self.id)
        if features.bad_reason() is not None:
            raise VideoError(str(features.bad_reason()))
        one = classifier_at(self.classifier)
        with computing(section(Machine).num_threads or 1), open_features(features.result) as file:
            bank = bank_of(file, one.labels)
            found = unfold(bank, one.networks, one.settings)
        write_json(path, follow(found, one.calibration, one.no_call))
        path.chmod(0o600)

    def said(self) -> Mapping[str, Any] | None:
        """Return the curve; None where the seizure could not be asked about."""
        return None if self.bad_reason() is not None else json.loads(self.result.read_text(encoding="utf-8"))


def all_answers(classifier: str) -> list[AnswerSeizure]:
    """Return the task of every seizure that is asked about."""
    return [AnswerSeizure(**seizure._asdict(), classifier=classifier) for seizure in cohort.seizures()]


def all_courses(classifier: str) -> list[FollowSeizure]:
    """Return the task of every seizure that could be asked about: its answer as it unfolds."""
    good = (stage for stage in all_answers(classifier) if stage.bad_reason() is None)
    return [FollowSeizure(**stage.id._asdict(), classifier=classifier) for stage in good]
