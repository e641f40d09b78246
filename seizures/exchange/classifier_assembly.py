"""What a classifier's file says of the cohort that it was trained on: counts, ranges and hashes, and nobody alone.

Letters in shapes: D features, N segments, k directions.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from seizures.classification.checkpoints import Fitted
from seizures.errors import SettingsError, TooFewSeizuresError
from seizures.exchange.classifier_file import FORMAT, FORMAT_VERSION, ClassifierContent, identify
from seizures.exchange.trained_on import hash_texts
from seizures.prediction.asked import Asked
from seizures.prediction.familiarity import Familiarity, FloatArray, HeldOut, fit_familiarity, hold_out
from seizures.prediction.reference import far_outside, reference_of
from seizures.provenance import release
from seizures.settings import canonical

SHOWN_METRICS = ("accuracy", "balanced_accuracy", "recall", "specificity", "precision", "f1", "mcc", "roc_auc")


@dataclasses.dataclass(frozen=True, eq=False)
class TrainedCohort:
    """What is known of those who were trained on.

    Attributes:
        cases: their middle snippets, in views that were trained on.
        patients: of each case, by its name.
        folds: the fold in which each was held out, by its name.
        probes: films of other kinds, made of some of theirs; each is named after its kind.
    """

    cases: Sequence[Asked]
    patients: Mapping[str, str]
    folds: Mapping[str, int]
    probes: Sequence[Asked] = ()


def assemble(
    fitted: Sequence[Fitted],
    cohort: TrainedCohort,
    *,
    features: Mapping[str, Any],
    summary: Mapping[str, Any],
    calibrated: Mapping[str, Any],
    site: str = "",
    is_simulated: bool = False,
) -> ClassifierContent:
    """Return the content of a classifier's file.

    Args:
        fitted: the classifiers that were trained on everybody, one a seed.
        cohort: who that is.
        features: how their features were made: the fields of `features` in docs/classifier-file.md.
        summary: metrics.json of the cross-validation with the same settings.
        calibrated: calibration.json of the same: `calibration` and `decision`.
        site: the laboratory's name in bundles; empty for none.
        is_simulated: the films are of the demo.

    Raises:
        SettingsError: the classifiers do not fit together.
    """
    if len({(one.settings, one.label_names, one.feature_dim) for one in fitted}) != 1:
        raise SettingsError("the classifiers of the seeds were trained with different settings; run RunAll again")
    first = fitted[0]
    tensors = {
        f"seed{number}.{name}": value.detach().to(torch.float32).contiguous()
        for number, one in enumerate(fitted)
        for name, value in one.state_dict.items()
    }
    every = np.concatenate([view.middles for case in cohort.cases for view in case.views.values()])
    tensors["baseline"] = torch.from_numpy(every.mean(axis=0, dtype=np.float64).astype(np.float32))
    familiar, held_out = _familiarity(cohort)
    if familiar is not None:
        tensors |= _as_tensors(familiar)
    weights = hashlib.sha256(b"".join(tensors[name].numpy().tobytes() for name in sorted(tensors))).digest()
    info: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created_by": release(),
        "site": site,
        "is_simulated": is_simulated,
        "labels": list(first.label_names),
        "features": {**features, "feature_dim": first.feature_dim},
        "training": canonical(first.settings),
        "seeds": [one.seed for one in fitted],
        "cohort": _counts(cohort),
        "scores": _scores(summary),
        "calibration": _calibration(calibrated["calibration"]),
        "decision": _decision(calibrated["decision"]),
        "reference": reference_of(cohort.cases),
        "familiarity": None if familiar is None or held_out is None else _rates(cohort, familiar, held_out),
        "trained_on": _trained_on(cohort.cases, weights),
    }
    return identify(ClassifierContent(info, tensors))


def familiarity_of(content: ClassifierContent) -> Familiarity | None:
    """Return what is familiar to a classifier, from its file; None where that is not known."""
    said = content.info["familiarity"]
    if said is None:
        return None
    mean, components, variances, residual = (
        content.tensors[f"familiarity.{name}"].double().numpy()
        for name in ("mean", "components", "variances", "residual_variance")
    )
    return Familiarity(mean, components, variances, float(residual[0]), float(said["threshold"]))


def _as_tensors(familiar: Familiarity) -> dict[str, torch.Tensor]:
    values = {
        "mean": familiar.mean,
        "components": familiar.components,
        "variances": familiar.variances,
        "residual_variance": np.array([familiar.residual_variance]),
    }
    return {f"familiarity.{name}": torch.from_numpy(value.astype(np.float32)) for name, value in values.items()}


def _views(case: Asked) -> list[FloatArray]:
    """Return the middle snippets of each view, (N, D)."""
    return [view.middles.astype(np.float64) for view in case.views.values()]


def _familiarity(cohort: TrainedCohort) -> tuple[Familiarity | None, HeldOut | None]:
    views = {case.name: _views(case) for case in cohort.cases}
    try:
        held_out = hold_out(views, cohort.folds)
        found = fit_familiarity([one for of_case in views.values() for one in of_case])
    except TooFewSeizuresError:
        return None, None
    return dataclasses.replace(found, limit=held_out.limit), held_out


def _rates(cohort: TrainedCohort, familiar: Familiarity, held_out: HeldOut) -> dict[str, Any]:
    """Return how many seizures of held-out patients are flagged, and how many films of other kinds."""
    flagged = set(held_out.flagged)
    for case in cohort.cases:
        others = [one for one in cohort.cases if cohort.folds[one.name] != cohort.folds[case.name]]
        flagged |= {case.name} if far_outside(reference_of(others), case) else set()
    kinds: dict[str, list[bool]] = defaultdict(list)
    for probe in cohort.probes:
        kinds[probe.name].append(max(familiar.share_of_limit(one) for one in _views(probe)) > 1)
    return {
        "threshold": held_out.limit,
        "num_held_out_patients": len({cohort.patients[case.name] for case in cohort.cases}),
        "num_held_out_seizures": len(cohort.cases),
        "num_held_out_flagged": len(flagged),
        "kinds": {kind: {"num": len(flags), "num_flagged": sum(flags)} for kind, flags in sorted(kinds.items())},
    }


def _counts(cohort: TrainedCohort) -> dict[str, Any]:
    labels = {case.name: case.label for case in cohort.cases}
    with_label = {(cohort.patients[name], label) for name, label in labels.items()}
    return {
        "num_patients": len({cohort.patients[name] for name in labels}),
        "num_seizures": len(labels),
        "num_views": sum(len(case.views) for case in cohort.cases),
        "num_seizures_by_label": dict(sorted(Counter(labels.values()).items())),
        "num_patients_by_label": dict(sorted(Counter(label for _, label in with_label).items())),
    }


def _scores(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return how well the ensemble did in cross-validation: it is the ensemble that is handed over."""
    metrics = summary["ensemble"]["metrics"]
    return {
        "protocol": summary["protocol"],
        "confidence_level": summary["interval"]["confidence_level"],
        "metrics": {name: {end: metrics[name][end] for end in ("mean", "low", "high")} for name in SHOWN_METRICS},
    }


def _calibration(said: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: said[name] for name in ("method", "slope", "intercept", "num_patients", "num_seizures")}
    return found | {name: _score(said[name]) for name in ("ece_before", "ece_after")}


def _decision(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the zone, and what it does to seizures whose patients took no part in choosing it, where that is known."""
    found = {name: said[name] for name in ("no_call", "target_accuracy", "reached", "curve")}
    judged = said["nested"] or said
    return found | {
        "share_called": judged["share_called"],
        "accuracy_called": _score(judged["accuracy_called"]),
    }


def _score(said: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if said is None else {name: said[name] for name in ("mean", "value", "low", "high") if name in said}


def _trained_on(cases: Sequence[Asked], weights: bytes) -> dict[str, Any]:
    """Return the hashes, salted by the weights: the same film has another hash in every classifier's file."""
    films = sorted({film for case in cases for film in case.films})
    digests = sorted({one for case in cases for one in case.digests()})
    return {
        "salt": weights.hex(),
        "films": list(hash_texts(weights, films)),
        "features": list(hash_texts(weights, digests)),
    }
