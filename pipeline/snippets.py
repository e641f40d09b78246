"""RunSnippets: how much does a single snippet say? Several networks, one linear classifier each, the same folds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.working import WorkingTask
from seizures.errors import SettingsError
from tasks.command_line import on_command_line, refuse, say
from tasks.config import results_root
from tasks.folds import AssignFolds
from tasks.processes import import_before_forks
from tasks.runs import publish_beside, published_key
from tasks.snippets import PATIENT_WISE, features_of_networks, snippet_mistakes, stages_of

LINK = "snippets"


class RunSnippets(WorkingTask):
    """Compare the networks of [Snippets] on single snippets; `results/snippets` holds a table and a page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mistakes = list(snippet_mistakes())
        if mistakes:
            if on_command_line():
                refuse(say(mistakes))
            raise SettingsError(say(mistakes))

    def requires(self) -> list[Any]:
        """Require all features; what follows depends on which seizures are good."""
        import_before_forks()
        return list(features_of_networks())

    def _extracted(self) -> bool:
        return all(stage.complete() for stage in features_of_networks())

    def verdict(self) -> str:
        """Return whether it is done, what was left out, and where to look."""
        bad = [
            f"  left out: {item.name}: {item.reason}\n" for stage in features_of_networks() for item in stage.left_out()
        ]
        if not self.complete():
            ending = "NOT complete. Run the same command again to go on from here"
            return f"RunSnippets: {ending}.\n{''.join(bad)}"
        return f"RunSnippets: complete: {results_root() / LINK / 'snippets.html'}, snippets.csv\n{''.join(bad)}"

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
        publish_beside(LINK, named["snippets.html"], named, {})
