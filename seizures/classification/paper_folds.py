"""The paper's folds, which deal seizures and not patients: to reproduce, and for nothing else (docs/protocols.md).

Most patients are then on both sides of a split, and what is learned of them passes for skill. Whoever reads these rows
must say `shared_patients=True`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from seizures.classification.folds import FoldItem, FoldRow, make_rows
from seizures.errors import TooFewSeizuresError


def deal_seizures(items: Sequence[FoldItem], num_folds: int, positive_label: str) -> tuple[FoldRow, ...]:
    """Deal seizures into folds exactly as the authors did.

    First come the seizures of the positive label, then the others, each sorted by patient and seizure id as text. They
    go one by one to the folds 0, 1, ..., and the count runs on from the first group to the second. There is no shuffle
    and no seed. The authors passed over a seizure without a usable view; one whose views are only good for scoring gets
    its turn here after all others, so that it moves none of them.

    Returns:
        One row per seizure, in the order that was given.

    Raises:
        TooFewSeizuresError: see `check_seizures`.

    """
    check_seizures(items, num_folds)
    turns = sorted(
        range(len(items)),
        key=lambda place: (
            not items[place].is_trained_on,
            items[place].label != positive_label,
            items[place].patient_id,
            items[place].seizure_id,
        ),
    )
    fold_of = {place: turn % num_folds for turn, place in enumerate(turns)}
    return make_rows(items, [fold_of[place] for place in range(len(items))])


def check_seizures(items: Sequence[FoldItem], num_folds: int) -> None:
    """Refuse fewer seizures than folds, one label only, and a label that one seizure alone has.

    Raises:
        TooFewSeizuresError: the message says what was found and what to do.

    """
    if len(items) < num_folds:
        raise TooFewSeizuresError(
            f"{num_folds} folds of seizures need at least {num_folds} seizures, and there are {len(items)}; lower "
            "num_folds"
        )
    of_label = Counter(item.label for item in items if item.is_trained_on)
    rarest = min((of_label[label] for label in {item.label for item in items}), default=0)
    if len(of_label) < 2 or rarest < 2:
        found = ", ".join(f"{number} {label}" for label, number in sorted(of_label.items())) or "none"
        raise TooFewSeizuresError(
            f"folds of seizures need at least 2 seizures of each label to train on, because one may be held out; found "
            f"{found}"
        )
