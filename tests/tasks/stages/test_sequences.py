"""Folds share what a process has read, and get what they would have read by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from in_process import inside
from small_project import Project

from seizures.classification.sequences import SequenceBank, load_bank
from seizures.errors import FeatureFileError
from tasks.stages import sequences
from tasks.stages.features import features_of
from tasks.stages.folds import split


def test_a_fold_gets_the_features_of_its_own_rows_in_their_order(
    done: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside(done):
        rows = split("", 0)[0][::-1]
        paths = [features_of(row.id).path for row in rows]
        wanted = load_bank(paths, uses=("all", "evaluate"))
        for is_alone in (False, True):
            monkeypatch.setattr(sequences, "each_task_is_a_fork", lambda is_alone=is_alone: is_alone)
            bank = sequences.load_sequences_of("", rows, ("all", "evaluate"), "")
            assert len(bank.values) == len(wanted.values) if is_alone else len(bank.values) > len(wanted.values)
            require_same(bank, wanted)
        require_same(sequences.load_sequences(rows, ("all", "evaluate")), wanted)


def require_same(bank: SequenceBank, wanted: SequenceBank) -> None:
    assert bank.names == wanted.names
    assert bank.labels.tolist() == wanted.labels.tolist()
    for one in range(len(wanted)):
        mine = bank.values[bank.first_row[one] :][: bank.num_rows[one]]
        np.testing.assert_array_equal(mine, wanted.values[wanted.first_row[one] :][: wanted.num_rows[one]])


def test_no_view_for_a_use_is_an_error(done: Project) -> None:
    with inside(done), pytest.raises(FeatureFileError, match="no view with use skip"):
        sequences.load_sequences(split("", 0)[0], ("skip",))
    with inside(done), pytest.raises(FeatureFileError, match="no view with use skip"):
        sequences.load_sequences_of("", split("", 0)[0], ("skip",), "")
