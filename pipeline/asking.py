"""What Predict and TestClassifier have in common: a classifier's file, new seizures, and a check that they fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import luigi

from pipeline.front_door import FrontDoorTask
from pipeline.working import WorkingTask
from seizures.errors import SeizuresError, SettingsError
from tasks.cohort import manifest as cohort
from tasks.cohort.asked import ask_about, name_of
from tasks.cohort.classifiers import info_of
from tasks.cohort.imported_features import is_imported
from tasks.cohort.preflight import require_askable
from tasks.machinery.processes import import_before_forks
from tasks.settings.command_line import format_mistakes
from tasks.settings.mistakes import file_mistakes, value_mistakes
from tasks.settings.sections import Dataset, PathParameter, results_root, section
from tasks.stage.publishing import read_summary
from tasks.stage.stage import Stage
from tasks.stages.answers import AnswerSeizure, all_answers
from tasks.stages.features import decoded


class SeizuresNotAskedError(SeizuresError):
    """All answers are written, but some seizures could not be asked about, and the manifest does not say so."""


class ClassifierQuestion(FrontDoorTask):
    """A classifier's file and the seizures of a manifest of their own, checked before anything is asked."""

    classifier: str = PathParameter(description="the classifier's file, as ExportClassifier writes it")
    manifest: str = PathParameter(default="", description="the table of new seizures; the column label may be absent")
    video_root: str = PathParameter(default="", description="where its films are; empty: [Dataset] video_root")
    features: str = PathParameter(default="", description="the folder of imported features, for seizures without film")
    allow_mixed: bool = luigi.BoolParameter(
        default=False, description="ask although network, weights or stride are others than those trained with"
    )

    def manifest_path(self) -> Path:
        """Return the table of the seizures that are asked about.

        Raises:
            SettingsError: none is named.
        """
        if not self.manifest:
            raise SettingsError("expected --manifest new.csv")
        return Path(self.manifest)

    def check_input(self) -> None:
        """Check the settings, the classifier's file, the new manifest, its films, and that all of it fits."""
        mistakes = [*file_mistakes(), *value_mistakes()]
        if mistakes:
            raise SettingsError(format_mistakes(mistakes))
        manifest, info = self.manifest_path(), info_of(self.classifier)
        root = Path(self.video_root or section(Dataset).video_root)
        ask_about(info, manifest, root, self.features)
        require_askable(info, allow_mixed=self.allow_mixed)


class AskingTask(ClassifierQuestion, WorkingTask):
    """A task that asks a classifier, and puts the answers into a folder."""

    folder = ""  # in the results folder: where the answers are

    name: str = luigi.Parameter(default="", description="of the folder of answers; empty: that of the manifest or film")

    @property
    def question(self) -> str:
        """The name of the folder of answers."""
        return name_of(self.name or Path(self.manifest).stem)

    @property
    def link(self) -> str:
        """Where the answers are, in the results folder."""
        return f"{self.folder}/{self.question}"

    def source(self) -> str:
        """Return what is asked about: the table."""
        return str(Path(self.manifest).absolute())

    def require_own_name(self) -> None:
        """Refuse to put these answers in the place of those about other films that are called so too."""
        said = read_summary(results_root() / self.link)
        if said is not None and said.get("source", self.source()) != self.source():
            raise SettingsError(
                f"{results_root() / self.link} holds answers about {said['source']}; give these a name of their own: "
                "--name other"
            )

    def check_input(self) -> None:
        """Check what is asked, and that no other answers have the name of these."""
        super().check_input()
        self.require_own_name()

    def requires(self) -> list[Stage]:
        """Require the answers."""
        import_before_forks()
        return list(all_answers(self.classifier))

    def answers(self) -> dict[AnswerSeizure, dict[str, Any]]:
        """Return what was said of each seizure that could be asked about, as far as it is known by now."""
        known = ((stage, stage.said()) for stage in all_answers(self.classifier) if stage.complete())
        return {stage: said for stage, said in known if said is not None}

    def answer_lines(self) -> list[str]:
        """Return the verdicts, a line each."""
        from seizures.report.answer_text import answer_line

        return [f"  {answer_line(stage.id.name, said)}" for stage, said in self.answers().items()]

    def unusable(self) -> list[str]:
        """Return which seizures could not be asked about although the manifest does not skip them, and why."""
        bad = ((stage, stage.bad_reason()) for stage in all_answers(self.classifier) if stage.complete())
        return [f"{stage.id.name}: {reason}" for stage, reason in bad if reason is not None]

    def tell_unusable(self) -> None:
        """End a run whose answers are all there with an error where some seizures could not be asked about.

        Raises:
            SeizuresNotAskedError: the exit code is then 30, and the message names them.
        """
        if bad := self.unusable():
            raise SeizuresNotAskedError("\n  ".join(["all answers are written, but without", *bad]))

    def left_out_lines(self) -> Iterator[str]:
        """Yield which seizures could not be asked about, and which views of others, and why."""
        for item in cohort.left_out_by_manifest():
            yield f"  not asked: {item.name}: {item.reason}"
        yield from (f"  not asked: {line}" for line in self.unusable())
        for stage, said in self.answers().items():
            answered = {view["view"] for view in said["answer"]["views"]}
            for view in stage.seizure.recordings:
                if view.view not in answered:
                    bad = None if is_imported(stage.seizure) else decoded(view.id).bad_reason()
                    yield f"  answered without {view.name}: {bad or 'too short for the classifier'}"

    def summary(self) -> str:
        """Return how many seizures were asked about, and how far their answers may be taken."""
        from seizures.report.answer_text import count_states

        said = list(self.answers().values())
        asked = "1 seizure" if len(said) == 1 else f"{len(said)} seizures"
        return f"{asked}: {count_states(said) or 'none could be asked about'}"

    def classifier_lines(self) -> list[str]:
        """Return on whom the classifier was trained, how well it did, and what it is for."""
        from seizures.report.answer_text import classifier_lines

        return [f"  {line}" for line in classifier_lines(info_of(self.classifier))]
