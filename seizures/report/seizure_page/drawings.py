"""The small pictures of a seizure's page that stand still: dots, scales, ranges, the curve; each an SVG with words.

Colours are named in the page's style sheet, which has them for light, dark and paper.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from seizures.report.seizure_page.belief import interval_words, num_dots, range_words, view_words
from seizures.report.seizure_page.data import Range, SeizurePage
from seizures.report.seizure_page.numbers import level, percent, plain
from seizures.report.seizure_page.sentences import dots_sentence

_PER_ROW, _STEP = 10, 15


def hundred_dots(page: SeizurePage) -> Markup:
    """Draw a dot for each of 100 seizures that score like this one, filled where it is positive; nothing if unknown."""
    count = num_dots(page)
    if count is None:
        return Markup()
    filled, hollow = (
        Markup('<circle class="dot p" cx="{}" cy="{}" r="5.4"/>'),
        Markup('<circle class="dot n" cx="{}" cy="{}" r="4.6"/>'),
    )
    dots = Markup().join(
        (filled if index < count else hollow).format(
            index % _PER_ROW * _STEP + _STEP / 2, index // _PER_ROW * _STEP + _STEP / 2
        )
        for index in range(100)
    )
    words = " ".join(dots_sentence(page, count)) + "."
    return Markup('<svg width="150" height="150" viewBox="0 0 150 150" role="img" aria-label="{}">{}</svg>').format(
        words, dots
    )


def scale(page: SeizurePage) -> Markup:
    """Draw the answer of all views and of each, from the negative label on the left to the positive on the right."""
    verdict, labels = page.verdict, page.labels
    rows = [("All views" if len(page.views) > 1 else "Answer", verdict.probability, verdict.low, verdict.high)]
    if len(page.views) > 1:
        rows += [(view.title, view.probability, view.low, view.high) for view in page.views]
    left, right, top, step = 104.0, 356.0, 26, 30
    bottom = top + len(rows) * step

    def x(probability: float) -> float:
        return round(left + (right - left) * probability, 1)

    parts = []
    if verdict.no_call is not None and verdict.no_call[1] > verdict.no_call[0]:
        low, high = verdict.no_call
        zone = Markup(
            '<rect class="zone" x="{}" y="{}" width="{}" height="{}"/><text class="s" x="{}" y="12">no call</text>'
        )
        parts.append(zone.format(x(low), top - 8, round(x(high) - x(low), 1), bottom - top + 8, x((low + high) / 2)))
    else:
        parts.append(Markup('<path class="half" d="M{} {}V{}"/>').format(x(0.5), top - 8, bottom))
    ends = Markup('<text class="b n" x="{}" y="12">{}</text><text class="b p e" x="{}" y="12">{}</text>')
    parts.append(ends.format(x(0), labels.negative.short, x(1), labels.positive.short))
    for index, (title, probability, low, high) in enumerate(rows):
        y = top + index * step + 12
        row = Markup(
            '<g class="row {} {}"><text class="t" x="0" y="{}">{}</text><path class="rail" d="M{} {}H{}"/>'
            '<path class="span" d="M{} {}H{}"/><circle cx="{}" cy="{}" r="{}"/>'
            '<text class="v" x="400" y="{}">{}</text></g>'
        )
        tone, radius = "p" if probability >= 0.5 else "n", 6.5 if index == 0 else 5
        named = (tone, "first" if index == 0 else "", y + 4, _short(title))
        drawn = (x(0), y, x(1), x(low), y, x(high), x(probability), y, radius)
        parts.append(row.format(*named, *drawn, y + 5, level(page, probability)))
    tick = Markup('<text class="s" x="{}" y="{}">{}</text>')
    parts += [tick.format(x(value), bottom + 14, _tick(page, value)) for value in (0.0, 0.5, 1.0)]
    words = "; ".join(view_words(page, *row) for row in rows)
    return _svg("scale-picture", 400, bottom + 18, words, parts)


def accuracy_picture(page: SeizurePage) -> Markup:
    """Draw the accuracy and its interval between a coin and always right; nothing where it is not known."""
    score = page.classifier.accuracy
    if score is None:
        return Markup()
    left, right = 4.0, 336.0

    def x(share: float) -> float:
        return round(left + (right - left) * max(0.0, share - 0.5) / 0.5, 1)

    parts = [Markup('<path class="rail" d="M{} 14H{}"/>').format(left, right)]
    if score.low is not None and score.high is not None:
        parts.append(Markup('<path class="span" d="M{} 14H{}"/>').format(x(score.low), x(score.high)))
    parts.append(Markup('<circle cx="{}" cy="14" r="6.5"/>').format(x(score.value)))
    parts.append(Markup('<text x="{}" y="40">50\u00a0% (a coin)</text>').format(left))
    parts.append(Markup('<text class="e" x="{}" y="40">100\u00a0%</text>').format(right))
    interval = interval_words(score)
    words = f"Accuracy {percent(score.value)}{f', interval {interval}' if interval else ''}; a coin has 50\u00a0%"
    return _svg("accuracy-picture", 340, 44, words, parts)


def range_picture(one: Range) -> Markup:
    """Draw where the training seizures lie in one property, and this seizure as a diamond."""
    value, is_outside = range_words(one)
    span = max(one.high - one.low, 1e-9)
    start = min(one.low - 0.25 * span, one.value - 0.05 * span)
    end = max(one.high + 0.25 * span, one.value + 0.05 * span)

    def x(number: float) -> float:
        return round(6 + 328 * (number - start) / (end - start), 1)

    low, high = x(one.low), x(one.high)
    picture = Markup(
        '<g class="{}"><text class="t" x="0" y="13">{}</text><text class="v e" x="340" y="13">{}</text>'
        '<path class="rail" d="M4 26H336"/><rect class="zone" x="{}" y="21" width="{}" height="10" rx="5"/>'
        '<path class="mark" d="M{} 19l7 7-7 7-7-7z"/><text class="s" x="{}" y="44">{}</text>'
        '<text class="s" x="{}" y="44">{}</text></g>'
    )
    named = ("outside" if is_outside else "", one.name, value)
    drawn = (low, max(4.0, round(high - low, 1)), x(one.value))
    low_text, high_text = _apart(low, high)
    parts = [picture.format(*named, *drawn, low_text, plain(one.low), high_text, plain(one.high))]
    words = f"{one.name}: {value}; 90 of 100 training seizures have {plain(one.low)} to {plain(one.high)}"
    return _svg("range-picture", 340, 48, words, parts)


def still_curve(page: SeizurePage, width: int = 1000, height: int = 170, *, is_small: bool = False) -> Markup:
    """Draw the answer over time without a script; `is_small` leaves out all that is written."""
    curve, duration = page.curve, page.duration_seconds
    edge, foot = (0, 0) if is_small else (30, 20)
    high = height - foot

    def x(seconds: float) -> float:
        return round(edge + (width - edge) * seconds / duration, 1)

    def y(probability: float) -> float:
        return round(2 + (high - 4) * (1 - probability), 1)

    lower, upper = page.verdict.no_call or (0.5, 0.5)
    zone = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>')
    zones = (("tint-p", y(1), y(upper)), ("zone", y(upper), y(lower)), ("tint-n", y(lower), y(0)))
    parts = [zone.format(name, edge, start, width - edge, round(end - start, 1)) for name, start, end in zones]
    if curve.seconds:
        above = [(x(t), y(p)) for t, p in zip(curve.seconds, curve.high, strict=True)]
        below = [(x(t), y(p)) for t, p in zip(curve.seconds, curve.low, strict=True)]
        parts.append(Markup('<path class="band" d="{}Z"/>').format(_path([*above, *below[::-1]])))
        line = [(x(t), y(p)) for t, p in zip(curve.seconds, curve.probability, strict=True)]
        tone = "" if page.is_doubtful or page.verdict.call is None else "p" if page.verdict.probability >= 0.5 else "n"
        parts.append(Markup('<path class="curve {}" d="{}"/>').format(tone, _path(line)))
    if not is_small:
        text = Markup('<text class="{}" x="{}" y="{}">{}</text>')
        parts += [text.format("e", 24, min(high, y(value) + 10), _tick(page, value)) for value in (0.0, 0.5, 1.0)]
        parts += [text.format("", edge, height - 4, "onset"), text.format("e", width, height - 4, "offset")]
    moments = zip(curve.seconds, curve.probability, strict=True)
    every = max(1, len(curve.seconds) // 5)
    said = ", ".join(f"{seconds:.0f} s {level(page, p)}" for seconds, p in list(moments)[::every])
    return _svg("still-curve", width, height, f"The answer so far, over time: {said or 'none'}", parts)


def index_bar(page: SeizurePage) -> Markup:
    """Draw the answer of one seizure on a line, for the page of all."""
    verdict = page.verdict

    def x(probability: float) -> float:
        return round(6 + 188 * probability, 1)

    parts = []
    if verdict.no_call is not None:
        low, high = verdict.no_call
        parts.append(
            Markup('<rect class="zone" x="{}" y="2" width="{}" height="20"/>').format(x(low), x(high) - x(low))
        )
    is_called = verdict.call is not None and not page.is_doubtful
    tone = "" if not is_called else "p" if verdict.probability >= 0.5 else "n"
    row = Markup(
        '<g class="row {}"><path class="rail" d="M{} 12H{}"/><path class="span" d="M{} 12H{}"/>'
        '<circle cx="{}" cy="12" r="6"/></g>'
    )
    parts.append(row.format(tone, x(0), x(1), x(verdict.low), x(verdict.high), x(verdict.probability)))
    words = view_words(page, "Answer", verdict.probability, verdict.low, verdict.high)
    return _svg("scale-picture", 200, 24, words, parts)


def _svg(name: str, width: int, height: int, words: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg class="picture {}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        name, width, height, words, Markup().join(parts)
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _tick(page: SeizurePage, value: float) -> str:
    return f"{100 * value:.0f}" if page.verdict.is_calibrated else f"{value:g}"


def _short(text: str, length: int = 15) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}\u2026"


def _apart(low: float, high: float, least: float = 46.0) -> tuple[float, float]:
    """Move two places apart so that what is written at them does not touch, and inside the picture."""
    middle, half = (low + high) / 2, max(high - low, least) / 2
    middle = min(max(middle, half + 14), 326 - half)
    return round(middle - half, 1), round(middle + half, 1)
