"""The card of a classifier: what it is for, on whom it was trained, how well it does, and what it must not be used for.

After Mitchell et al. 2019, Model Cards for Model Reporting. Everything in it is in classifier.json too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SIMULATED = (
    "**It was trained on simulated films: there are no patients. It is for trying the software out, and says nothing "
    "about seizures.**"
)
USE = """## What it is for

Research on seizures from video. Given the features of one seizure, it says how probable {positive} is, or abstains. A
person looks at its answers; it decides nothing by itself.

## What it must not be used for

- Decisions about a patient. It is not a medical device.
- Films of another kind than those below: another age, another camera, another ward, no seizure at all. It cannot say
  that there is no seizure.
- Features that were made in another way than below. The software refuses them.
- Finding out who a patient is.
"""
READ = """## How to ask it

```sh
luigi --module pipeline Predict --classifier classifier.zip --video film.mp4 --onset 12.4 --offset 95
luigi --module pipeline TestClassifier --classifier classifier.zip --manifest yours.csv
```

In Python: `seizures.open_classifier("classifier.zip").predict("features.h5")`. The layout is described in
`docs/classifier-file.md`. `SHA256SUMS` tells whether the file arrived whole.
"""
OWN_TEXTS = (SIMULATED, USE, READ)  # of every card, for the leak scan


def model_card(info: Mapping[str, Any]) -> str:
    """Return the card as Markdown, from classifier.json."""
    positive = info["labels"][1]
    title = f"# Classifier {info['classifier_id']}{' of ' + info['site'] if info['site'] else ''}"
    parts = [
        title,
        *([SIMULATED] if info["is_simulated"] else []),
        USE.format(positive=positive).rstrip(),
        "## On whom it was trained\n\n" + "\n".join(_cohort(info)),
        "## How well it does\n\n" + "\n".join(_scores(info)),
        "## How far its probability may be believed\n\n" + "\n".join([*_calibration(info), "", *_decision(info)]),
        "## Films of another kind\n\n" + "\n".join(_familiarity(info)),
        "## How its features are made\n\n" + _table(("what", "how"), _features(info)),
        READ.rstrip(),
    ]
    return "\n\n".join(parts) + "\n"


def _cohort(info: Mapping[str, Any]) -> Iterator[str]:
    cohort = info["cohort"]
    if cohort is None:
        yield "That is not stated: it was packed from weights that were trained elsewhere."
        return
    rows = [
        (label, number, cohort["num_patients_by_label"].get(label, 0))
        for label, number in cohort["num_seizures_by_label"].items()
    ]
    yield (
        f"{cohort['num_seizures']} seizures of {cohort['num_patients']} patients, {cohort['num_views']} camera views, "
        f"{len(info['seeds'])} seeds; the answer is the mean over the seeds."
    )
    yield ""
    yield _table(("label", "seizures", "patients"), rows)
    if info["reference"]:
        yield ""
        ranges = [
            (name, f"{one['median']:g} {one['unit']}", f"{one['low']:g} to {one['high']:g} {one['unit']}")
            for name, one in info["reference"].items()
        ]
        yield _table(("", "median", "90 in 100 are"), ranges)
    if info["trained_on"]:
        yield ""
        yield (
            "Salted hashes of the films are in the file: who holds one of these films learns that it was trained on, "
            "and nothing else."
        )


def _scores(info: Mapping[str, Any]) -> Iterator[str]:
    scores = info["scores"]
    if scores is None:
        yield "That is not stated."
        return
    yield f"Cross-validated, with the same settings on the same patients. {scores['protocol']}"
    yield ""
    percent = f"{100 * scores['confidence_level']:g} % interval"
    rows = [(name.replace("_", " "), *_ends(one)) for name, one in scores["metrics"].items()]
    yield _table(("score", "mean", percent), rows)
    yield ""
    yield "The classifier in this file was trained on all of them, and has not been tested on others."


def _calibration(info: Mapping[str, Any]) -> Iterator[str]:
    said = info["calibration"]
    if not said["num_patients"]:
        yield "It is not calibrated: of 100 seizures with a probability of 0.8, any number may be positive."
        return
    how = {
        "none": "was left as it is, because no correction did better",
        "temperature": f"was corrected by temperature scaling (slope {said['slope']:.2f})",
        "platt": f"was corrected by Platt scaling (slope {said['slope']:.2f}, intercept {said['intercept']:+.2f})",
    }[said["method"]]
    yield (
        f"The probability {how}, fitted on {said['num_seizures']} out-of-fold predictions for "
        f"{said['num_patients']} patients, never on predictions for seizures that were trained on."
    )
    moments = (("before", "ece_before"), ("after", "ece_after"))
    rows = [(when, *_ends(said[name])) for when, name in moments if said[name]]
    if rows:
        yield ""
        yield _table(("expected calibration error", "value", "interval"), rows)


def _decision(info: Mapping[str, Any]) -> Iterator[str]:
    decision = info["decision"]
    if decision is None:
        yield "It never abstains."
        return
    low, high = decision["no_call"]
    if low == high:
        yield "It never abstains: without a zone it was right often enough."
    else:
        yield f"It abstains between {low:.2f} and {high:.2f}."
    target = f"{100 * decision['target_accuracy']:.0f} %"
    if not decision["reached"]:
        yield (
            f"No zone was found outside of which {target} of its calls are right; this one takes each probability at "
            "its word."
        )
    value, ends = _ends(decision["accuracy_called"])
    yield (
        f"Of the seizures of patients who took no part in choosing that zone, it called "
        f"{100 * decision['share_called']:.0f} %, and of these calls {value} were right ({ends})."
    )


def _familiarity(info: Mapping[str, Any]) -> Iterator[str]:
    said = info["familiarity"]
    if said is None:
        yield "It cannot tell whether a film is like those that it was trained on."
        return
    yield (
        "A film is flagged as unfamiliar if its features are farther from those of the training seizures than nearly "
        "all held-out patients' are."
    )
    yield ""
    flagged, total = said["num_held_out_flagged"], said["num_held_out_seizures"]
    rows = [(f"seizures of held-out patients ({said['num_held_out_patients']})", f"{flagged} of {total}")]
    rows += [
        (f"{kind} (made of training films)", f"{one['num_flagged']} of {one['num']}")
        for kind, one in said["kinds"].items()
    ]
    yield _table(("films", "flagged"), rows)


def _features(info: Mapping[str, Any]) -> list[tuple[str, Any]]:
    training = info["training"]
    made = [(name, value if value != "" else "not stated") for name, value in info["features"].items()]
    return [*made, ("aggregation", training["aggregation"]), ("segments", training["num_segments"])]


def _ends(score: Mapping[str, float | None]) -> tuple[str, str]:
    value = score.get("mean", score.get("value"))
    if value is None:
        return "undefined", "none"
    if score["low"] is None or score["high"] is None:
        return f"{value:.3f}", "none"
    return f"{value:.3f}", f"{score['low']:.3f} to {score['high']:.3f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [" | ".join(map(str, row)) for row in (header, ["---"] * len(header), *rows)]
    return "\n".join(f"| {line} |" for line in lines)
