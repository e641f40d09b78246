"""What a key says of the seizures of a fold beside their features' keys: their order, and the views that are good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from in_process import inside
from small_project import Project, make_small_project

from tasks.machinery.caches import clear_caches
from tasks.stages import folds
from tasks.stages.evaluation import EvaluateFold
from tasks.stages.features import ExtractFeatures
from tasks.stages.training import TrainFold


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Be in a project in which nothing is run, whose folds are dealt in memory."""
    project = make_small_project(tmp_path_factory.mktemp("order"))
    with inside(project):
        yield project


def dealt() -> tuple[str, tuple[folds.FoldRow, ...]]:
    """Deal the folds; return the key under which they are remembered, and them."""
    clear_caches()
    assert folds.deal_ahead()
    return folds.AssignFolds().key, folds.fold_rows()


def keys() -> dict[str, str]:
    """Return the keys of the first fold's stages, and of the second's, as this process would make them anew."""
    return {
        f"{kind.__name__} {fold}": kind(fold=fold, seed=0, cell="").key
        for kind in (TrainFold, EvaluateFold)
        for fold in (0, 1)
    }


def test_another_order_of_the_same_seizures_is_another_key(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    key, rows = dealt()
    before = keys()
    training = [row for row in rows if row.fold != 0]
    assert len(training) >= 2
    swapped = {training[0]: training[1], training[1]: training[0]}
    monkeypatch.setitem(folds._folds, key, tuple(swapped.get(row, row) for row in rows))
    clear_caches()
    after = keys()
    assert after["TrainFold 0"] != before["TrainFold 0"]  # trained on them, in another order
    assert after["EvaluateFold 1"] != before["EvaluateFold 1"]  # scores them
    assert after["TrainFold 1"] == before["TrainFold 1"]  # holds them out


def test_the_good_views_of_a_seizure_are_in_the_keys_of_who_reads_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rows = dealt()
    before = keys()
    spoilt = rows[0]
    clean = ExtractFeatures.good_views

    def good_views(stage: ExtractFeatures) -> list[str]:
        views = clean(stage)
        return views[:1] if (stage.patient_id, stage.seizure_id) == (spoilt.patient_id, spoilt.seizure_id) else views

    monkeypatch.setattr(ExtractFeatures, "good_views", good_views)
    dealt()
    after = keys()
    trained, scored = f"TrainFold {1 - spoilt.fold}", f"EvaluateFold {spoilt.fold}"
    assert after[trained] != before[trained]
    assert after[scored] != before[scored]
    assert after[f"TrainFold {spoilt.fold}"] == before[f"TrainFold {spoilt.fold}"]
