"""The two texts of an export: the data card that goes with a bundle, and the review that stays in the laboratory."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from seizures.exchange.bundle import Export, ExportedView

SMALLEST_GROUP = 2
_TOLD = (
    "that of hashes of the films, which says nothing of a patient. But it is the same in every bundle of this cohort, "
    "so that two of them can be joined by it: --withhold order leaves it out."
)
_NOT_TOLD = "not in it (withheld, or here it is that of ids); elsewhere, folds and scores will be slightly others."

CARD = """# Features of epileptic seizures: {site}

{num_seizures} seizures of {num_patients} patients, {num_views} camera views, {num_snippets} feature vectors.
There are no videos in this bundle, and none can be made from it; it holds what a neural network computed from short
pieces of video.

| label | seizures | patients | duration in s, median (range) |
|---|---|---|---|
{label_rows}

## How the features were made

| | |
|---|---|
{recipe_rows}

One row of `features` describes one snippet of {frames_per_snippet} frames at {frame_rate_hz:g} Hz; snippets start every
{stride_frames} frames from the clinical onset. Patients and seizures have pseudonyms (a keyed hash; the key stays with
the site), and all times are seconds since the onset.

## How to read them

- Python: `seizures.open_features("this folder")`, or h5py: `h5py.File(name)["views/<view>/features"][:]`.
- R: `rhdf5::h5read(name, "views/<view>/features")`; MATLAB: `h5read`; both return the features transposed.
- To train on them: `luigi --module pipeline ImportFeatures --bundle <this folder> --to imported`.
- `sha256sum -c SHA256SUMS` tells whether the files arrived whole. The layout is described in `docs/format.md`.

## What they must not be used for

- Decisions about a patient. This is material for research; it is not a medical device.
- Finding out who a patient is, by themselves or together with other data, whatever agreement they were shared under.
- Comparison with features of another network, other weights, another preprocessing or stride: those are different
  quantities, and the import refuses to mix them.
- Claims about seizures of other kinds, other cameras or other hospitals than those that are counted here.
"""


SIMULATED = "**The films are simulated: there are no patients. These features are for trying the software out.**"


def data_card(export: Export, *, is_simulated: bool = False) -> str:
    """Return README.md of a bundle."""
    labels = sorted({view.label for view in export.views})
    text = CARD.format(
        site=export.site,
        num_seizures=export.num_seizures,
        num_patients=export.num_patients,
        num_views=len(export.views),
        num_snippets=sum(view.num_snippets for view in export.views),
        label_rows="\n".join(_label_row(label, export) for label in labels),
        recipe_rows="\n".join(f"| {name} | {value or 'not stated'} |" for name, value in sorted(export.made.items())),
        **{name: export.made[name] for name in ("frames_per_snippet", "frame_rate_hz", "stride_frames")},
    )
    heading, _, rest = text.partition("\n")
    return f"{heading}\n\n{SIMULATED}\n{rest}" if is_simulated else text


def review(export: Export, originals: Mapping[str, str]) -> str:
    """Return what the laboratory decides on before the bundle leaves: it names patients, and must not leave itself.

    Args:
        export: what was written.
        originals: pseudonym of a patient to id.

    """
    alone = patients_alone(export)
    told = all(view.dealing_order for view in export.views)
    lines = [
        f"# Before this bundle leaves: {export.site}",
        "",
        "This page stays in the laboratory: it says which pseudonym is which patient.",
        "",
        "## Patients who are alone in a group",
        "",
        *([f"- {originals[patient]} ({patient}): {what}" for patient, what in alone] or ["- none"]),
        "",
        "Whoever knows these facts of a patient from elsewhere can find that patient in the bundle. Leave the patient",
        "out (--patients), or withhold what tells (--withhold clonic,source).",
        "",
        "## What can identify, and is in the bundle",
        "",
        "- The number of seizures of each patient, and their labels.",
        "- The duration of each seizure: the number of its feature vectors tells it, so it cannot be withheld;",
        "  leave the patient out (--patients) where that is too much. So it is with labels and numbers of seizures.",
        f"- The onset of the clonic phase: {_present(export, lambda view: view.clonic_onset_seconds is not None)}.",
        f"- Size, frame rate and codec of the films: {_present(export, lambda view: bool(view.source))}.",
        f"- The order in which seizures are dealt into folds: {_TOLD if told else _NOT_TOLD}",
        "- `use = evaluate`: that somebody stood before the camera.",
        "- The features themselves: no picture comes of them, but the same snippet has the same vector in every",
        "  bundle. Whoever holds two bundles of the same films can join them by the vectors, whatever the keys.",
        "- Times are rounded to a tenth of a second.",
        "",
        "| patient | pseudonym | seizure | label | duration in s | clonic onset in s | film |",
        "|---|---|---|---|---|---|---|",
        *(_review_row(view, originals) for view in export.views),
    ]
    return "\n".join(lines) + "\n"


def patients_alone(export: Export) -> list[tuple[str, str]]:
    """Return the patients who share a trait with no other one, and the trait: (pseudonym, what)."""
    views = _by_patient(export)
    traits: dict[str, Callable[[Sequence[ExportedView]], str]] = {
        "labels": lambda own: " and ".join(sorted({view.label for view in own})),
        "seizures": lambda own: str(len({view.seizure_id for view in own})),
        "labels and seizures": lambda own: ", ".join(
            f"{count} {label}" for label, count in sorted(Counter(dict(_label_of(own)).values()).items())
        ),
        "film": lambda own: "; ".join(sorted({view.source for view in own if view.source})),
    }
    found = []
    for trait, of in traits.items():
        groups = defaultdict(list)
        for patient, own in views.items():
            groups[of(own)].append(patient)
        found += [
            (patients[0], f"alone with {trait} = {value}")
            for value, patients in sorted(groups.items())
            if value and len(patients) < SMALLEST_GROUP
        ]
    longest = {patient: max(view.duration_seconds for view in own) for patient, own in views.items()}
    ranked = sorted(longest, key=lambda patient: -longest[patient])
    if len(ranked) > 1 and longest[ranked[0]] > 1.5 * longest[ranked[1]]:
        found.append((ranked[0], f"has by far the longest seizure, {longest[ranked[0]]:.0f} s"))
    return found


def _by_patient(export: Export) -> dict[str, list[ExportedView]]:
    views: dict[str, list[ExportedView]] = defaultdict(list)
    for view in export.views:
        views[view.patient_id].append(view)
    return views


def _label_of(views: Sequence[ExportedView]) -> list[tuple[str, str]]:
    return [(view.seizure_id, view.label) for view in views]


def _label_row(label: str, export: Export) -> str:
    longest: dict[tuple[str, str], float] = {}
    for view in export.views:
        if view.label == label:
            ids = (view.patient_id, view.seizure_id)
            longest[ids] = max(longest.get(ids, 0.0), view.duration_seconds)
    seconds = list(longest.values())
    patients = len({patient for patient, _ in longest})
    spread = f"{statistics.median(seconds):.0f} ({min(seconds):.0f} to {max(seconds):.0f})"
    return f"| {label} | {len(seconds)} | {patients} | {spread} |"


def _present(export: Export, has: Callable[[ExportedView], bool]) -> str:
    count = sum(map(has, export.views))
    return f"in {count} of {len(export.views)} views" if count else "withheld, or not known"


def _review_row(view: ExportedView, originals: Mapping[str, str]) -> str:
    clonic = "" if view.clonic_onset_seconds is None else f"{view.clonic_onset_seconds:.1f}"
    cells = (originals[view.patient_id], view.patient_id, view.seizure_id, view.label, f"{view.duration_seconds:.1f}")
    return f"| {' | '.join((*cells, clonic, view.source))} |"
