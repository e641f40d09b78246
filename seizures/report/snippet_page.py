"""One page that compares the networks on single snippets, with the paper's table next to ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from seizures.evaluation.families import family_words
from seizures.evaluation.published import published_snippets
from seizures.evaluation.snippet_scores import by_seizure, tabulate, uncounted
from seizures.evaluation.wording import plural
from seizures.files.template import write_page
from seizures.report import style
from seizures.settings import EvaluationSettings

_PAPER = "#009E73"


def draw_networks(counts: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw each seizure's accuracy as a dot, by network, with the median, the quartiles and the paper's median."""
    rng = np.random.default_rng(0)
    accuracies = {name: by_seizure(table)["accuracy"].to_numpy(dtype=np.float64) for name, table in counts.items()}
    shown = []
    with mpl.rc_context(style.STYLE):
        figure, axes = style.canvas(1.4 + 0.75 * len(counts))
        for place, (name, accuracy) in enumerate(accuracies.items()):
            heights = place + rng.uniform(-0.26, 0.26, len(accuracy))
            axes.plot(
                accuracy, heights, "o", color=style.MUTED, alpha=0.35, markersize=3.5, markeredgewidth=0, zorder=1
            )
            low, median, high = np.quantile(accuracy, [0.25, 0.5, 0.75])
            axes.plot([low, high], [place, place], color=style.INK, linewidth=2.5, zorder=2)
            ours = axes.plot(median, place, "o", color=style.INK, markersize=8, zorder=3)[0]
            shown.append((ours, "median and quartiles; a dot is a seizure"))
            published = published_snippets(name)
            if published is not None:
                paper = axes.plot(published["accuracy"][0], place - 0.33, "v", color=_PAPER, markersize=8)[0]
                shown.append((paper, "the paper's median"))
        axes.set_yticks(range(len(counts)), [name.replace("_kinetics", "\n(Kinetics)") for name in counts])
        axes.set(xlim=(-0.02, 1.02), ylim=(len(counts) - 0.5, -0.6))
        axes.set_xlabel("share of a seizure's snippets classified correctly")
        style.clear_rows(axes)
        handles = {text: handle for handle, text in shown}
        figure.legend(list(handles.values()), list(handles), loc="outside lower left")
    return figure


def write_snippet_page(
    path: Path,
    counts: Mapping[str, pd.DataFrame],
    evaluation: EvaluationSettings,
    *,
    sampling: str = "balanced",
    left_out: Sequence[str] = (),
    warning: str = "",
) -> None:
    """Write the page to `path`.

    Args:
        path: where to.
        counts: by network, the reference first.
        evaluation: how to resample the patients.
        sampling: what was trained on, `balanced` or `middles`.
        left_out: a line for each seizure, or view of one, that some network has no features of.
        warning: what a reader must know before anything else.
    """
    table = tabulate(counts, evaluation)
    rows = table.to_dict(orient="records")
    write_page(
        path,
        "seizures.report",
        "snippets.html.j2",
        warning=warning,
        percent=f"{100 * evaluation.confidence_level:g} %",
        sampling=sampling,
        num_trained_before=rows[0]["num_trained_before"],
        num_trained_after=rows[0]["num_trained_after"],
        family=family_words(table, evaluation.confidence_level, "difference_"),
        uncounted=uncounted(counts),
        left_out=list(left_out),
        picture=style.to_data_uri(style.to_svg(draw_networks(counts))),
        rows=[_words(row, is_reference=place == 0) for place, row in enumerate(rows)],
    )


def _words(row: Mapping[Any, Any], *, is_reference: bool) -> dict[str, str]:
    """Return the cells of a row of the page."""
    is_known = not np.isnan(row["difference"])
    difference = "reference" if is_reference else "no seizure in common"
    if is_known:
        difference = f"{100 * row['difference']:+.1f} points"
    low, high = row["difference_low"], row["difference_high"]
    frames = f"{row['frames_per_snippet']} frame{'' if row['frames_per_snippet'] == 1 else 's'}"
    return {
        "network": row["network"],
        "made_of": f"{frames}, {row['feature_dim']} features",
        "size": f"{plural(row['num_seizures'], 'seizure')}, {plural(row['num_patients'], 'patient')}",
        **_median_words(row, "accuracy", ""),
        **_median_words(row, "f1", "f1_"),
        **_median_words(row, "average_precision", "precision_"),
        "balanced": _share(row["balanced_accuracy"]),
        "balanced_interval": _interval(row["balanced_accuracy_low"], row["balanced_accuracy_high"]),
        "before": _share(row["right_before"]),
        "after": _share(row["right_after"]),
        "difference": difference,
        "interval": "" if np.isnan(low) else f"{100 * low:+.1f} to {100 * high:+.1f}",
        "p_value": f"{row['difference_p_value_holm']:.2g}" if is_known else "",
    }


def _median_words(row: Mapping[Any, Any], score: str, prefix: str) -> dict[str, str]:
    """Return the cells of one score: its median and IQR, the interval, the paper's, and the seizures that have it."""
    is_known, is_published = not np.isnan(row[f"median_{score}"]), not np.isnan(row[f"published_median_{score}"])
    words = {
        "median": f"{_share(row[f'median_{score}'])} ({100 * row[f'iqr_{score}']:.1f})" if is_known else "none",
        "median_interval": _interval(row[f"median_{score}_low"], row[f"median_{score}_high"]),
        "paper": f"{_share(row[f'published_median_{score}'])} ({100 * row[f'published_iqr_{score}']:.1f})"
        if is_published
        else "not in the paper",
        "num_seizures": plural(row[f"num_seizures_{score}"], "seizure"),
    }
    return {f"{prefix}{name}": text for name, text in words.items()}


def _share(value: float) -> str:
    return "none" if np.isnan(value) else f"{100 * value:.1f}\u00a0%"


def _interval(low: float, high: float) -> str:
    return "no interval" if np.isnan(low) else f"{100 * low:.1f} to {100 * high:.1f}\u00a0%"
