"""What a score estimates, in words: who was held out, what chose the epoch, where the interval comes from."""

from __future__ import annotations

import dataclasses

from seizures.settings import EvaluationSettings


@dataclasses.dataclass(frozen=True)
class Protocol:
    """The three parts in which the paper's protocol differs from ours, each of which can be the paper's alone.

    Attributes:
        dealing: `patients`, or, the paper's, `seizures`: what is dealt into folds.
        selection: `last`, `inner`, or, the paper's, `held_out`: what chooses the epoch.
        loss: `weighted`, or `paper`: what is minimised.
        group: what is held out together: `patient`, or a column of the manifest, such as `site`.
    """

    dealing: str = "patients"
    selection: str = "last"
    loss: str = "weighted"
    group: str = "patient"

    @property
    def is_reproduction(self) -> bool:
        """Whether the score is no estimate for new patients: the test part was trained on, or chose the epoch."""
        return self.dealing == "seizures" or self.selection == "held_out"

    @property
    def name(self) -> str:
        """`patient`, `nested`, `paper`, or what of the paper is added to `patient` or `nested`, as `patient + loss`."""
        parts = {
            "dealing": self.dealing == "seizures",
            "epoch": self.selection == "held_out",
            "loss": self.loss == "paper",
        }
        if all(parts.values()):
            return "paper"
        base = "nested" if self.selection == "inner" else "patient"
        base = base if self.group == "patient" else f"{base} by {self.group}"
        return " + ".join([base, *(name for name, is_papers in parts.items() if is_papers)])


SHARED = "shared"  # the name for a table of others in which a patient is in several folds
_PATIENT_WISE = (
    "Patient-wise cross-validation: no patient is in both the training and the test part of a fold. Each seizure is "
    "scored once per seed, by a classifier that never saw its patient"
)
_DEALT_SEIZURES = (
    "the folds deal seizures, so that a patient of several seizures may be in both the training and the test part of a "
    "fold"
)
_SHARED_TEXT = (
    "NOT an estimate for new patients: at least one patient is in several folds, so the classifier that judged them "
    "had trained on them. Each seizure is scored once per seed"
)
_PAPERS_LOSS = "Classifiers were trained with the paper's loss, whose weight does not balance the classes. "
_ALL = (
    "{protocol}; its probability is the mean of its views, and at 0.5 or above it is called {positive}. {loss}The "
    "predictions of all folds are pooled, each metric is computed per seed, and the mean over seeds is reported. "
    "Interval: {percent:g} %, Wilson's with an effective number of seizures, from how the score varies between "
    "patients (docs/statistics.md)."
)


def describe_protocol(
    protocol: Protocol | None, settings: EvaluationSettings, positive_label: str = "TCS", num_repeats: int = 1
) -> str:
    """Describe a protocol; None is a table of others in which patients are in several folds."""
    percent = 100 * settings.confidence_level
    is_papers = protocol is not None and protocol.loss == "paper"
    text = _ALL.format(
        protocol=_SHARED_TEXT if protocol is None else _who_was_held_out(protocol),
        positive=positive_label,
        percent=percent,
        loss=_PAPERS_LOSS if is_papers else "",
    )
    if num_repeats == 1:
        return text
    text = text.replace("once per seed", f"once per seed in each of {num_repeats} dealings into folds")
    return text.replace("per seed, and the mean over seeds", "per dealing and seed, and the mean over both")


def _who_was_held_out(protocol: Protocol) -> str:
    if not protocol.is_reproduction:
        inner = f"; the number of epochs was chosen on inner {protocol.group}-wise folds of the training part"
        text = _PATIENT_WISE + (inner if protocol.selection == "inner" else "")
        if protocol.group == "patient":
            return text
        text = text.replace("Patient-wise", f"Cross-validation by {protocol.group}, and so patient-wise")
        return text.replace("no patient is", f"no {protocol.group} and no patient is")
    as_paper = []
    if protocol.dealing == "seizures":
        as_paper.append(_DEALT_SEIZURES)
    if protocol.selection == "held_out":
        as_paper.append("the fold that is scored chose the epoch")
    return (
        f"REPRODUCTION ONLY, not an estimate for new patients: as in the paper, {', and '.join(as_paper)}. Each "
        "seizure is scored once per seed"
    )
