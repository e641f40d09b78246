"""What the paper reports (Pérez-García et al., MICCAI 2021): how many of 183 seizures were right, one run each.

And how often single snippets were. Its folds deal seizures, and the fold that is scored chose the epoch: see
`seizures/evaluation/protocols.py`.
"""

from __future__ import annotations

import math

from seizures.settings import TrainingSettings

NUM_SEIZURES = 183
GAMMAS = (1.0, 1.25, 2.0, 4.0, math.inf)
_CORRECT = {
    (2, "mean"): (162, 155, 159, 161, 151),
    (2, "lstm"): (163, 170, 167, 173, 166),
    (2, "blstm"): (167, 173, 171, 171, 163),
    (4, "mean"): (162, 158, 161, 167, 153),
    (4, "lstm"): (176, 177, 175, 176, 161),
    (4, "blstm"): (175, 175, 175, 175, 161),
    (8, "mean"): (171, 165, 168, 174, 163),
    (8, "lstm"): (180, 174, 177, 177, 166),
    (8, "blstm"): (179, 174, 178, 177, 168),
    (16, "mean"): (170, 160, 168, 169, 168),
    (16, "lstm"): (177, 177, 177, 177, 171),
    (16, "blstm"): (179, 180, 181, 181, 175),
}
# A linear classifier on single snippets: median and interquartile range of the accuracy, of F1 and of the area under
# the precision-recall curve, in percent (the paper's table of feature extractors; chapter 2 of the thesis has it too).
_SNIPPETS = {
    "wide_resnet_50_2": ((80.3, 33.2), (67.4, 30.2), (75.7, 38.4)),
    "resnet_34": ((89.7, 27.7), (73.9, 23.6), (84.3, 28.7)),
    "r2plus1d_34_8_kinetics": ((93.9, 18.3), (81.6, 16.9), (93.7, 13.4)),
    "r2plus1d_34_32_kinetics": ((96.9, 12.9), (84.7, 13.4), (94.7, 11.9)),
}
SNIPPET_SCORES = ("accuracy", "f1", "average_precision")
_SAME = ("hidden_units", "learning_rate", "weight_decay", "batch_size", "num_epochs")


def published_correct(settings: TrainingSettings) -> int | None:
    """Return how many of the paper's 183 seizures were right with these settings; None where it has no such cell."""
    row = _CORRECT.get((settings.num_segments, settings.aggregation))
    papers = TrainingSettings()
    if row is None or settings.gamma not in GAMMAS:
        return None
    if any(getattr(settings, name) != getattr(papers, name) for name in _SAME):
        return None
    return row[GAMMAS.index(settings.gamma)]


def published_snippets(network: str) -> dict[str, tuple[float, float]] | None:
    """Return what the paper has for a network on single snippets: median and interquartile range, as shares.

    By the names in `SNIPPET_SCORES`; F1 and average precision are of snippets after the clonic onset. None where the
    paper does not have the network.
    """
    found = _SNIPPETS.get(network)
    if found is None:
        return None
    shares = ((round(median / 100, 3), round(width / 100, 3)) for median, width in found)
    return dict(zip(SNIPPET_SCORES, shares, strict=True))
