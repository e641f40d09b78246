"""Numbers as a reader meets them on the page of a seizure: chances in 100, moments, percent."""

from __future__ import annotations

from collections.abc import Sequence

from seizures.evaluation.wording import plural
from seizures.report.seizure_page.data import Label, SeizurePage

NBSP = "\u00a0"
MINUS = "\u2212"


def in_100(probability: float) -> int:
    """Return a probability in 100, from 1 to 99: nothing is certain or impossible."""
    return min(99, max(1, int(100 * probability + 0.5)))


def percent(share: float) -> str:
    """Return `93 %`."""
    return f"{100 * share:.0f}{NBSP}%"


def signed(value: float) -> str:
    """Return a number with its sign and two decimals."""
    return f"{'+' if value >= 0 else MINUS}{abs(value):.2f}"


def plain(value: float, digits: int = 3) -> str:
    """Return a number without needless decimals."""
    return f"{value:.{digits}g}".replace("-", MINUS) if abs(value) < 1000 else f"{value:,.0f}".replace(",", NBSP)


def seconds_text(seconds: float, digits: int = 0) -> str:
    """Return a length of time: seconds up to two minutes, then minutes and seconds."""
    if abs(seconds) < 120:
        return f"{max(0.0, seconds) if abs(seconds) < 0.5 * 10**-digits else seconds:.{digits}f}{NBSP}s".replace(
            "-", MINUS
        )
    minutes, rest = divmod(round(abs(seconds)), 60)
    sign = MINUS if seconds < 0 else ""
    return f"{sign}{minutes}{NBSP}min" + (f" {rest}{NBSP}s" if rest else "")


def chance(page: SeizurePage, probability: float, label: Label | None = None) -> str:
    """Return `95 in 100 for TCS`, or `a score of 0.95 for TCS` where the classifier is not calibrated."""
    label = label or page.labels.positive
    share = probability if label is page.labels.positive else 1 - probability
    if page.verdict.is_calibrated:
        return f"{in_100(share)} in 100 for {label.short}"
    return f"a score of {share:.2f} for {label.short}"


def amount(page: SeizurePage, probability: float) -> str:
    """Return `95 in 100`, or `a score of 0.95`, of the label that it leans to."""
    share = max(probability, 1 - probability)
    return f"{in_100(share)} in 100" if page.verdict.is_calibrated else f"a score of {share:.2f}"


def level(page: SeizurePage, probability: float) -> str:
    """Return a probability of the positive label as the page's scales have it: `95`, or `0.95` without calibration."""
    return f"{in_100(probability)}" if page.verdict.is_calibrated else f"{probability:.2f}"


def band(page: SeizurePage, low: float, high: float) -> str:
    """Return `92 to 97`, in the units of `level`."""
    return f"{level(page, low)} to {level(page, high)}"


def capital(text: str) -> str:
    """Return a text with a large first letter."""
    return text[:1].upper() + text[1:]


def listed(words: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def copies(page: SeizurePage) -> str:
    """Return `3 trained copies of the classifier`."""
    return plural(page.verdict.num_seeds, "trained copy").replace("copys", "copies") + " of the classifier"
