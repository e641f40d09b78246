"""The methods paragraph for a manuscript, written from the settings and results of the run it describes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from seizures.evaluation.predictions import VIEW_PREFIX, view_columns
from seizures.evaluation.protocols import Protocol
from seizures.evaluation.wording import plural
from seizures.report.cohort_facts import LeftOutRow, left_out_words, listed
from seizures.settings import FoldSettings, TrainingSettings

REFERENCE = (
    "Pérez-García F, Scott C, Sparks R, Diehl B, Ourselin S. Transfer Learning of Deep Spatiotemporal Networks to "
    "Model Arbitrarily Long Videos of Seizures. MICCAI 2021. doi:10.1007/978-3-030-87240-3_32"
)
_AGGREGATIONS = {
    "mean": "their mean and one linear layer",
    "lstm": "a long short-term memory network (LSTM, one layer of {units} units), whose last hidden state went to one "
    "linear layer",
    "blstm": "a bidirectional long short-term memory network (BLSTM, one layer of {units} units in each direction), "
    "whose two last hidden states went to one linear layer",
    "attention": "attention pooling ({units} hidden units) and one linear layer",
    "tcn": "a temporal convolutional network ({units} channels) and one linear layer",
    "transformer": "a transformer encoder ({units} units) and one linear layer",
}
_LOSSES = {
    "weighted": "cross-entropy in which a {positive} weighs the number of {negative} over that of {positive} in the "
    "training set",
    "paper": "the loss of the original paper (binary cross-entropy of two independent sigmoid outputs, in which the "
    "positive element of either output weighs the number of training samples over that of {positive} among them)",
}
_PREPROCESSINGS = {
    "letterbox": "cropped by 5 % of the columns on each side, scaled once so that the longer side had {size} pixels, "
    "and padded with black to {size} x {size} pixels",
    "center_crop": "scaled in the proportion 171 x 128, and cropped to the {size} x {size} pixels in the middle",
}


@dataclasses.dataclass(frozen=True)
class WhatWasRun:
    """All that the paragraph reports.

    Attributes:
        made: one entry for each way in which features were made: `network_words` (what to call the network and its
            weights), `feature_dim`, `frames_per_snippet`, `stride_frames`, `frame_rate_hz`, and, where known,
            `preprocessing`, `deinterlace`, `precision`, `frame_step` and `frame_size`.
        folds: how patients were assigned to folds the first time.
        num_repeats: how often they were.
        training: how classifiers were trained.
        summary: metrics.json.
        predictions: predictions.csv.
        histories: the learning curves, columns fold, seed, epoch and loss.
        left_out: excluded seizures and views, with the reason.
        minimum_duration_seconds: shorter seizures were excluded.
        num_not_trained_on: views in which the patient is out of sight: scored, but not trained on.
        num_cropped, num_masked: views whose frames were cropped; in which a part was blacked out.
        num_damaged: views with snippets that contain frames that could not be decoded.
        simulated: whether the videos are simulated.
        code: version of the software.
    """

    made: Sequence[Mapping[str, Any]]
    folds: FoldSettings
    num_repeats: int
    training: TrainingSettings
    summary: Mapping[str, Any]
    predictions: pd.DataFrame
    histories: pd.DataFrame
    left_out: Sequence[LeftOutRow]
    minimum_duration_seconds: float
    num_not_trained_on: int
    num_cropped: int
    num_masked: int
    num_damaged: int
    simulated: bool
    code: str


def methods_paragraph(run: WhatWasRun) -> str:
    """Return the methods as sentences that a laboratory can paste into a manuscript."""
    sentences = [_cohort(run)]
    sentences += [_features(made, several=len(run.made) > 1) for made in run.made]
    sentences += [
        *_parts_of_frames(run),
        _sequences(run.training),
        _fitting(run),
        _folds(run),
        _scores(run),
        f"Reference: {REFERENCE}.",
    ]
    return " ".join(sentences)


def _cohort(run: WhatWasRun) -> str:
    summary, views = run.summary, [name.removeprefix(VIEW_PREFIX) for name in view_columns(run.predictions)]
    sizes = listed([f"{number} {label}" for label, number in summary["num_seizures_by_label"].items()])
    text = (
        f"{'Simulated videos' if run.simulated else 'Videos'} of {plural(summary['num_seizures'], 'seizure')} "
        f"({sizes}) of {plural(summary['num_patients'], 'patient')}, in {plural(len(views), 'camera view')} "
        f"({listed(views)}), were classified with GESTURES [Pérez-García et al. 2021] as implemented in {run.code}. "
        f"Seizures of less than {run.minimum_duration_seconds:g} s were not included"
    )
    left_out = left_out_words(run.left_out, run.predictions)
    return f"{text}; {left_out} were left out in all." if left_out else f"{text}."


def _features(made: Mapping[str, Any], *, several: bool) -> str:
    rate, length, stride = float(made["frame_rate_hz"]), int(made["frames_per_snippet"]), int(made["stride_frames"])
    every = "frame" if stride == 1 else f"{stride} frames ({stride / rate:.2f} s)"
    text = (
        f"{'In a part of the features, each' if several else 'Each'} video was sampled from the clinical onset to the "
        f"offset at {rate:g} frames per second{_deinterlacing(made)}. "
    )
    if made.get("preprocessing") in _PREPROCESSINGS and made.get("frame_size"):
        text += f"Frames were {_PREPROCESSINGS[made['preprocessing']].format(size=made['frame_size'])}. "
    precision = made.get("precision")
    if length > 1:
        step = int(made.get("frame_step", 1))
        taken = "" if step == 1 else f", of which the network takes every {_ordinal(step)},"
        what = f"Snippets of {length} consecutive frames ({length / rate:.2f} s){taken}"
        what += f"{'' if taken else ','} one starting at every {every},"
    else:
        what = f"Single frames, one of every {every}," if stride > 1 else "Single frames"
    return text + (
        f"{what} were turned into vectors of {made['feature_dim']} features by {made['network_words']}, which was not "
        f"trained further{f' and computed in {precision}' if precision else ''}."
    )


def _parts_of_frames(run: WhatWasRun) -> list[str]:
    """Say what was cropped and masked, and how frames that could not be decoded were handled."""
    sentences = []
    if run.num_cropped:
        sentences.append(f"Of the frames of {plural(run.num_cropped, 'view')}, a part given beforehand was taken.")
    if run.num_masked:
        sentences.append(f"In the frames of {plural(run.num_masked, 'view')}, a part given beforehand was blacked out.")
    if run.num_damaged:
        sentences.append(
            f"Parts of {plural(run.num_damaged, 'view')} could not be decoded; a snippet that touched them was "
            "replaced by the nearest one that did not."
        )
    return sentences


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")


def _deinterlacing(made: Mapping[str, Any]) -> str:
    words = {"auto": ", deinterlaced where its frames showed combs", "always": ", deinterlaced"}
    return words.get(str(made.get("deinterlace")), "")


def _sequences(training: TrainingSettings) -> str:
    number, gamma = training.num_segments, training.gamma
    if math.isinf(gamma):
        where = "in the middle of the segment"
    elif gamma == 1:
        where = "in training at a position drawn uniformly, anew in every epoch, in evaluation in the middle"
    else:
        drawn = f"drawn from Beta({gamma:g}, {gamma:g}), anew in every epoch"
        where = f"in training at a position {drawn}, in evaluation in the middle"
    aggregation = _AGGREGATIONS.get(training.aggregation, f"{training.aggregation} ({{units}} units)")
    beginnings = ""
    if training.beginnings == "random":
        beginnings = (
            " In training, each sequence was, with probability 1/2 and anew in every epoch, replaced by a beginning of "
            "it, of a length drawn uniformly from the shortest that has room for these segments to the whole."
        )
    how = aggregation.format(units=training.hidden_units)
    return (
        f"Each sequence of features was cut into {number} equal segments, and one snippet was taken from each, {where}"
        f".{beginnings} The {number} feature vectors were aggregated by {how}."
    )


def _fitting(run: WhatWasRun) -> str:
    training, negative = run.training, run.summary["negative_label"]
    positive = run.summary["positive_label"]
    text = (
        f"Classifiers were trained with AdamW (learning rate {training.learning_rate:g}, weight decay "
        f"{training.weight_decay:g}, batches of {training.batch_size} sequences, constant learning rate) for "
        f"{'at most ' if training.selection != 'last' else ''}{plural(training.num_epochs, 'epoch')}, with "
        f"{_LOSSES[training.loss].format(negative=negative, positive=positive)}; each view of a seizure was one sample."
    )
    if run.num_not_trained_on:
        text += f" Scored, but not trained on: {plural(run.num_not_trained_on, 'view')} without sight of the patient."
    return text


def _epochs_used(histories: pd.DataFrame) -> str:
    trained = histories.dropna(subset=["loss"]).groupby(["repeat", "fold", "seed"])["epoch"].max()
    return f" ({int(trained.min())} to {int(trained.max())} epochs)" if len(trained) else ""


def _folds(run: WhatWasRun) -> str:
    number, seeds, chosen = len(run.summary["folds"]), run.summary["seeds"], _epochs_used(run.histories)
    only = ""
    if Protocol(run.folds.dealing, run.training.selection).is_reproduction:
        only = "To reproduce the protocol of the original paper, and not as an estimate for new patients: "
    if run.folds.dealing == "seizures":
        dealt = (
            f"Seizures, not patients, were dealt one by one into {number} folds, first those of "
            f"{run.summary['positive_label']}, each group sorted by patient and seizure, so that a patient of several "
            "seizures may be in both the training and the test part."
        )
    else:
        first, times = run.folds.seed, run.num_repeats
        group = run.folds.group
        whom, too = ("patients", "") if group == "patient" else (f"groups of patients by {group}", f", and no {group},")
        several = f"s {first} to {first + times - 1}, {times} times in all" if times > 1 else f" {first}"
        dealt = (
            f"Classifiers were evaluated by cross-validation in {number} folds into which {whom} were dealt, "
            f"balanced by label and duration (seed{several}): no patient{too} was in both the training and the test "
            "part."
        )
    kept = {
        "last": "The classifier of the last epoch was kept.",
        "inner": f"The number of epochs was the one with the lowest loss on {run.training.num_inner_folds} inner folds "
        f"of the patients of the training part{chosen}.",
        "held_out": f"The epoch with the lowest loss on the test part was kept{chosen}.",
    }[run.training.selection]
    trained = f"Each fold was trained with {plural(len(seeds), 'seed')} ({listed([str(seed) for seed in seeds])})."
    return f"{only}{dealt} {kept} {trained}"


def _scores(run: WhatWasRun) -> str:
    interval, positive = run.summary["interval"], run.summary["positive_label"]
    return (
        f"The probability of a seizure to be {positive} is the mean over its views, and at 0.5 or above it is called "
        f"{positive}. The out-of-fold predictions of all folds were pooled; scores are means over the seeds, with "
        f"{100 * interval['confidence_level']:g} % confidence intervals by Wilson's method with an effective number of "
        "seizures, which follows from how a score varies between patients (Wilson 1927, Korn and Graubard 1998)."
    )
