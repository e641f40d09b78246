"""What a score estimates, in words: who was held out, what chose the epoch, where the interval comes from."""

from __future__ import annotations

from seizures.settings import EvaluationSettings

_PATIENT_WISE = (
    "Patient-wise cross-validation: no patient is in both the training and the test part of a fold. Each seizure is "
    "scored once per seed, by a classifier that never saw its patient"
)
_TEXTS = {
    "patient": _PATIENT_WISE,
    "nested": f"{_PATIENT_WISE}; the number of epochs was chosen on inner patient-wise folds of the training part",
    "paper": (
        "REPRODUCTION ONLY, not an estimate for new patients: as in the paper, the folds deal seizures, so that a "
        "patient of several seizures may be in both parts of a fold, and the fold that is scored chose the epoch. Each "
        "seizure is scored once per seed"
    ),
    "shared": (
        "NOT an estimate for new patients: at least one patient is in several folds, so the classifier that judged "
        "them had trained on them. Each seizure is scored once per seed"
    ),
}
_ALL = (
    "{protocol}; its probability is the mean of its views, and at 0.5 or above it is called {positive}. The "
    "predictions of all folds are pooled, each metric is computed per seed, and the mean over seeds is reported. "
    "Interval: {percent:g} %, Wilson's with an effective number of seizures, from how the score varies between "
    "patients (docs/statistics.md)."
)


def describe_protocol(protocol: str, settings: EvaluationSettings, positive_label: str = "TCS") -> str:
    """Describe a protocol: `patient`, `nested`, `paper` (for reproduction only), or `shared` (a table of others)."""
    percent = 100 * settings.confidence_level
    return _ALL.format(protocol=_TEXTS[protocol], positive=positive_label, percent=percent)
