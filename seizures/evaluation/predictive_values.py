"""Predictive values and likelihood ratios, from sensitivity and specificity and their intervals.

A predictive value depends on how many of the seizures are of the positive label, which differs between wards: it is
told for the cohort's own share, and for any share that a person states (Bayes). Both follow from the likelihood ratios
alone, whose intervals are those of a ratio of two shares whose own intervals are known (MOVER-R: Donner and Zou 2012,
Stat Methods Med Res 21:347). docs/statistics.md has their coverage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from seizures.evaluation.intervals import Cohort


class Share(NamedTuple):
    """A share with its interval."""

    value: float
    low: float
    high: float

    def without(self) -> Share:
        """Return the share of the others."""
        return Share(1 - self.value, 1 - self.high, 1 - self.low)


def ratio_interval(first: Share, second: Share) -> tuple[float, float]:
    """Return the interval of `first` over `second`; the upper end is infinite where `second` may be 0."""
    product = first.value * second.value
    one, other = first.low * (2 * first.value - first.low), second.high * (2 * second.value - second.high)
    below = product + math.sqrt(max(product**2 - one * other, 0.0))
    low = one / below if below else 0.0
    one, other = first.high * (2 * first.value - first.high), second.low * (2 * second.value - second.low)
    if other <= 0:
        return low, math.inf
    return low, (product + math.sqrt(max(product**2 - one * other, 0.0))) / other


def likelihood_ratios(sensitivity: Share, specificity: Share) -> dict[str, Share]:
    """Return LR+ and LR-: how much more often a positive than a negative seizure is called positive, and negative.

    Infinite values and ends are `math.inf`; 0 over 0 is NaN.
    """
    missed, false_alarm = sensitivity.without(), specificity.without()
    return {
        "positive": Share(_divide(sensitivity.value, false_alarm.value), *ratio_interval(sensitivity, false_alarm)),
        "negative": Share(_divide(missed.value, specificity.value), *ratio_interval(missed, specificity)),
    }


def _divide(one: float, other: float) -> float:
    if other:
        return one / other
    return math.inf if one else math.nan


def values_at(ratios: dict[str, Share], prevalence: float) -> dict[str, Share]:
    """Return the positive and the negative predictive value where `prevalence` of the seizures are positive.

    Args:
        ratios: what `likelihood_ratios` returned.
        prevalence: above 0 and below 1.
    """
    odds = prevalence / (1 - prevalence)
    positive = Share(*(_share_of_odds(odds * end) for end in ratios["positive"]))
    negative = Share(*(_share_of_odds(odds * end) for end in ratios["negative"])).without()
    return {"positive": positive, "negative": negative}


def _share_of_odds(odds: float) -> float:
    return 1.0 if math.isinf(odds) else odds / (1 + odds)


def predictive_values(
    cohort: Cohort, sensitivity: float, specificity: float, prevalences: Sequence[float]
) -> dict[str, Any]:
    """Return likelihood ratios and predictive values as plain values for metrics.json.

    Args:
        cohort: what the intervals rest on; it has both labels.
        sensitivity: mean over the seeds.
        specificity: mean over the seeds.
        prevalences: stated shares of the positive label, besides the cohort's own.

    Returns:
        `likelihood_ratios`: `positive` and `negative`, each with `value`, `low`, `high`: None where it is infinite or,
        for the ends, where there is no interval; `why` says which. `predictive_values`: a list with `prevalence`,
        `is_cohorts_own`, and `positive` and `negative` with the same four.
    """
    shares, why = [], ""
    for name, value in (("recall", sensitivity), ("specificity", specificity)):
        interval = cohort.interval(name)
        why = why or interval.why_none
        low, high = (value if end is None else end for end in (interval.low, interval.high))
        shares.append(Share(value, low, high))
    ratios = likelihood_ratios(shares[0], shares[1])
    own = float(cohort.labels.mean())
    told = [(own, True), *((share, False) for share in prevalences)]
    return {
        "likelihood_ratios": {name: _plain(ratio, why) for name, ratio in ratios.items()},
        "predictive_values": [
            {
                "prevalence": share,
                "is_cohorts_own": is_own,
                **{name: _plain(value, why) for name, value in values_at(ratios, share).items()},
            }
            for share, is_own in told
        ],
    }


def _plain(share: Share, why_no_interval: str) -> dict[str, float | str | None]:
    """Return a share or ratio for JSON, which has no infinity."""
    ends = (None, None) if why_no_interval else (share.low, share.high)
    value, low, high = (None if end is None or not math.isfinite(end) else end for end in (share.value, *ends))
    why = why_no_interval
    if math.isinf(share.value):
        why = "infinite: nothing was called positive wrongly" if not why else f"infinite; {why}"
    elif math.isnan(share.value):
        why, low, high = "0 over 0", None, None
    elif high is None and not why:
        why = "no upper limit"
    return {"value": value, "low": low, "high": high, "why": why}
