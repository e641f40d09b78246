"""The scores that are folded away in the report: predictive values, ratios, within folds, per patient, the ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seizures.evaluation.metrics import METRIC_TITLES
from seizures.evaluation.wording import plural
from seizures.report.score_text import IN_PERCENT, interval_text, score_text

Row = dict[str, str]
_ENSEMBLE = ("accuracy", "recall", "specificity", "roc_auc")


def further_rows(summary: Mapping[str, Any]) -> list[Row]:
    """Return a row a score: `title`, `value`, `interval`, `meaning`, as text; `interval` may say why there is none."""
    return [*_predictive_rows(summary), _within_folds_row(summary), _patient_row(summary)]


def ensemble_rows(summary: Mapping[str, Any]) -> list[Row]:
    """Return the scores of the mean probability over the seeds: one classifier, as it would be handed over."""
    return [
        {
            "title": METRIC_TITLES[name],
            "value": score_text(name, metric["mean"]),
            "interval": _interval(name, metric["low"], metric["high"], metric["why_no_interval"]),
        }
        for name, metric in ((name, summary["ensemble"]["metrics"][name]) for name in _ENSEMBLE)
    ]


def ensemble_words(summary: Mapping[str, Any]) -> str:
    """Say what the ensemble is, and how many seizures it has right."""
    counts, total = summary["ensemble"]["counts"], summary["num_seizures"]
    over = [plural(len(summary["seeds"]), "seed")]
    over += [plural(summary["num_repeats"], "dealing")] if summary["num_repeats"] > 1 else []
    return (
        f"The mean probability over {' and '.join(over)}, as one classifier: {counts['TP'] + counts['TN']} of "
        f"{plural(total, 'seizure')} correct. A classifier that is handed over answers like this, so its counts are "
        "whole numbers. The other scores on this page are means over the seeds, which is why they may count parts of a "
        "seizure."
    )


def spread_rows(summary: Mapping[str, Any]) -> list[Row]:
    """Return how much each score differs between seeds and between dealings into folds, where there are several."""
    rows = []
    for name, metric in summary["metrics"].items():
        ends = [value for value in metric["per_repeat"] if value is not None]
        between = metric["repeats_standard_deviation"]
        several = between is not None
        rows.append(
            {
                "title": METRIC_TITLES[name],
                "seeds": _deviation(name, metric["seeds_standard_deviation"]),
                "repeats": _deviation(name, between),
                "range": f"{score_text(name, min(ends))} to {score_text(name, max(ends))}" if several else "",
            }
        )
    return rows


def _deviation(name: str, value: float | None) -> str:
    if value is None:
        return "none"
    return f"{100 * value:.1f} points" if name in IN_PERCENT else f"{value:.3f}"


def _predictive_rows(summary: Mapping[str, Any]) -> list[Row]:
    found = summary["predictive"]
    if found is None:
        return []
    positive, negative = summary["positive_label"], summary["negative_label"]
    rows = []
    for one in found["predictive_values"]:
        share = f"{100 * one['prevalence']:.3g} %"
        where = f"where {share} are {positive}{', as here' if one['is_cohorts_own'] else ''}"
        for side, called in (("positive", positive), ("negative", negative)):
            rows.append(
                {
                    "title": f"{side.capitalize()} predictive value",
                    **_of_share(one[side]),
                    "meaning": f"share of the seizures called {called} that are {called}, {where}",
                }
            )
    for side, words in (
        ("positive", f"how many times as often a {positive} is called {positive} as a {negative} is"),
        ("negative", f"how many times as often a {positive} is called {negative} as a {negative} is"),
    ):
        rows.append(
            {
                "title": f"{side.capitalize()} likelihood ratio",
                **_of_ratio(found["likelihood_ratios"][side]),
                "meaning": words,
            }
        )
    return rows


def _of_share(share: Mapping[str, Any]) -> Row:
    if share["value"] is None:
        return {"value": "undefined", "interval": "none"}
    interval = "none" if share["low"] is None else interval_text("accuracy", share["low"], share["high"])
    return {"value": score_text("accuracy", share["value"]), "interval": interval}


def _of_ratio(ratio: Mapping[str, Any]) -> Row:
    value = "undefined" if ratio["why"].startswith("0 over 0") else "no limit"
    if ratio["value"] is not None:
        value = f"{ratio['value']:.3g}"
    if ratio["low"] is None:
        return {"value": value, "interval": "none"}
    end = "" if ratio["high"] is None else f" to {ratio['high']:.3g}"
    return {"value": value, "interval": f"{ratio['low']:.3g}{end or ' and above'}"}


def _within_folds_row(summary: Mapping[str, Any]) -> Row:
    found, positive = summary["roc_auc_within_folds"], summary["positive_label"]
    return {
        "title": "ROC AUC within folds",
        "value": score_text("roc_auc", found["mean"]),
        "interval": _interval("roc_auc", found["low"], found["high"], found["why_no_interval"]),
        "meaning": f"as ROC AUC, but a {positive} is compared only with seizures that the same classifier scored; the "
        "pooled one is lower where classifiers of different folds are not equally sure",
    }


def _patient_row(summary: Mapping[str, Any]) -> Row:
    found = summary["per_patient"]
    return {
        "title": "Accuracy per patient",
        "value": score_text("accuracy", found["mean"]),
        "interval": _interval("accuracy", found["low"], found["high"], found["why_no_interval"]),
        "meaning": f"mean over patients of the share of their seizures that is correct, so that each patient counts "
        f"the same; every seizure correct in {found['num_all_right']} of {found['num_patients']} patients, none in "
        f"{found['num_none_right']}",
    }


def _interval(name: str, low: float | None, high: float | None, why: str) -> str:
    return f"none: {why}" if low is None and why else interval_text(name, low, high)
