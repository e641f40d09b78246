"""RunSnippets: how much does a single snippet say? Several networks, one linear classifier each, the same folds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.working import WorkingTask
from seizures.errors import SettingsError
from tasks.machinery.processes import import_before_forks
from tasks.settings.command_line import format_mistakes
from tasks.settings.sections import Snippets, results_root, section
from tasks.stage.publishing import publish_beside, published_key
from tasks.stages.features import FeatureStage
from tasks.stages.folds import AssignFolds
from tasks.stages.snippets import PATIENT_WISE, features_of_networks, left_out, snippet_mistakes, stages_of

LINK = "snippets"


class RunSnippets(WorkingTask):
    """Compare the networks of [Snippets] on single snippets; `results/snippets` holds a table and a page."""

    def check_input(self) -> None:
        """Check also the networks, and that there is something to compare them on."""
        super().check_input()
        mistakes = list(snippet_mistakes())
        if mistakes:
            raise SettingsError(format_mistakes(mistakes))

    @property
    def features(self) -> list[FeatureStage]:
        """The features of every network."""
        return features_of_networks(section(Snippets).names())

    def requires(self) -> list[Any]:
        """Require all features; what follows depends on which seizures are good."""
        import_before_forks()
        return list(self.features)

    def verdict(self) -> str:
        """Return whether it is done, what was left out, and where to look."""
        bad = "".join(f"  left out: {line}\n" for line in left_out()) if self._extracted() else ""
        if not self.complete():
            return f"RunSnippets: NOT complete. Run the same command again to go on from here.\n{bad}"
        return f"RunSnippets: complete: {results_root() / LINK / 'snippets.html'}, snippets.csv\n{bad}"

    def _extracted(self) -> bool:
        return all(stage.complete() for stage in self.features)

    def complete(self) -> bool:
        """Tell whether the table and the page exist, and `results/snippets` shows them."""
        if not self._extracted() or not AssignFolds(cell=PATIENT_WISE).complete():
            return False
        named = stages_of()
        return all(stage.complete() for stage in named.values()) and published_key(LINK) == named["snippets.html"].key

    def run(self) -> Iterator[Any]:
        """Ask for the folds, then for all that follows, and publish."""
        yield AssignFolds(cell=PATIENT_WISE)
        named = stages_of()
        yield list(named.values())
        publish_beside(LINK, named["snippets.html"], named, {}, others=self.features)
