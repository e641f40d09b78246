"""Seizures that a classifier is asked about: the manifest that Predict brings, and whether the settings fit."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import models
from seizures.classification.sampling import minimum_frames
from seizures.errors import SettingsError
from seizures.manifest.table import MAX_ID_LENGTH
from seizures.prediction.fit import differences
from seizures.settings import digest
from tasks.cohort import manifest as cohort
from tasks.cohort.networks import weights_identity
from tasks.machinery.atomic import landing
from tasks.settings.sections import Dataset, Demo, Features, Frames, replace_settings, section

SETTING_OF = {
    "network": "[Features] network",
    "weights_sha256": "[Features] weights",
    "precision": "[Features] precision",
    "stride_frames": "[Features] stride_frames",
    "preprocessing": "[Frames] preprocessing",
    "deinterlace": "[Frames] deinterlace",
    "frame_rate_hz": "[Frames] frame_rate_hz",
}
PATIENT_ID = "new"  # of a film without a manifest


def ask_about(info: Mapping[str, Any], manifest: Path, video_root: Path, features: str = "") -> None:
    """Let this process ask about the seizures of a manifest: its labels may be missing, and no demo is rendered.

    Call it before anything reads the manifest.

    Args:
        info: what the classifier's file says.
        manifest: of the new seizures.
        video_root: where its films are.
        features: the folder of imported features, for seizures without a film.
    """
    way = info["features"]
    fewest = minimum_frames(way["frames_per_snippet"], info["training"]["num_segments"])
    replace_settings(Demo, enabled=False)
    replace_settings(
        Dataset,
        manifest=str(manifest),
        video_root=str(video_root),
        features=features or section(Dataset).features,
        labels=", ".join(info["labels"]),
        minimum_duration_seconds=fewest / way["frame_rate_hz"],
        allow_shared_films="these seizures are asked about, and not trained on",
        allow_outside_video_root=True,
        allow_mixed_features=True,  # a classifier is asked about each seizure by itself, and checks each
    )
    cohort.ask_only()


def setting_mistakes(info: Mapping[str, Any], *, allow_mixed: bool) -> Iterator[str]:
    """Yield which settings make other features than the classifier needs, and how to set them."""
    features, frames = section(Features), section(Frames)
    try:
        spec = models.network_spec(features.network)
        identity = weights_identity()
    except models.ModelsError as error:
        yield f"[Features] network = {features.network}: {error}"
        return
    made = {
        "network": spec.name,
        "weights_sha256": identity,
        "precision": features.precision,
        "stride_frames": features.stride_frames,
        "preprocessing": frames.preprocessing,
        "deinterlace": frames.deinterlace,
        "frame_rate_hz": frames.frame_rate_hz,
        "frames_per_snippet": spec.span_frames,
        "feature_dim": spec.feature_dim,
    }
    wrong = differences(info["features"], made, allow_mixed=allow_mixed)
    for name, (found, wanted) in wrong.items():
        if name in SETTING_OF:
            advice = _advice(name, wanted)
            yield f"{SETTING_OF[name]}: the classifier was trained with {wanted}, and here it is {found}; {advice}"
        elif "network" not in wrong:
            yield f"{name} of the network is {found}, and the classifier was trained with {wanted}"


def imported_mistakes(
    info: Mapping[str, Any], ways: Mapping[str, Mapping[str, Any]], *, allow_mixed: bool
) -> Iterator[str]:
    """Yield which imported features were made in another way than the classifier needs; `ways` are by seizure."""
    for name, made in ways.items():
        if name == "here":
            continue
        for field, (found, wanted) in differences(info["features"], made, allow_mixed=allow_mixed).items():
            yield f"{name}: its features have {field} = {found}, and the classifier was trained with {wanted}"


def _advice(name: str, wanted: Any) -> str:
    family, key = SETTING_OF[name].strip("[").split("] ")
    if name == "weights_sha256" and not str(wanted).startswith("random:"):
        return "set [Features] weights to the file with those weights, or leave it empty for the public ones"
    if name == "network" and models.is_own(str(wanted)):
        return "that is a function of theirs, which is code: ask them for it, read it, and set it so"
    return f"set it so, or for this run: --{family}-{key.replace('_', '-')} {wanted}"


def write_manifest(folder: Path, name: str, views: Mapping[str, Sequence[str]], onset: str, offset: str) -> Path:
    """Write the manifest of one seizure that was named on the command line, readable by its owner alone; return it."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["patient_id", "seizure_id", "view", "video", "onset_seconds", "offset_seconds"])
    for view, pieces in views.items():
        films = ";".join(str(Path(piece).expanduser().absolute()) for piece in pieces)
        rows.writerow([PATIENT_ID, name, view, films, onset, offset])
    # Named after its content: two films of one name that are asked about at once have tables of their own.
    path = folder / f"{name}+{digest(table.getvalue())}.csv"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with landing(path) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_text(table.getvalue(), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{folder}: not writable ({error.strerror}); choose another [Results] root") from error
    return path


def parse_views(text: str) -> dict[str, list[str]]:
    """Return the films of each view from `film.mpg`, `large=wide.mpg,small=close.mpg`, or pieces `a.mpg;b.mpg`.

    Raises:
        SettingsError: a view is named twice, or one of several has no name.
    """
    if Path(text).is_file():  # whose name may hold a comma or an equals sign
        return {"film": [text]}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    found: dict[str, list[str]] = {}
    for part in parts:
        name, sign, films = (piece.strip() for piece in part.partition("="))
        if not sign or Path(part.split(";")[0]).is_file():
            name, sign, films = "film", "", part
        if len(parts) > 1 and not sign:
            raise SettingsError(f"--video {text}: expected a name for each of several views: large=a.mpg,small=b.mpg")
        if name in found:
            raise SettingsError(f"--video {text}: view {name} is there twice")
        found[name] = [piece.strip() for piece in films.split(";") if piece.strip()]
        if not found[name]:
            raise SettingsError(f"--video {text}: expected a film for view {name}, as in {name}=film.mpg")
    if not found:
        raise SettingsError("--video: expected a film, as in --video film.mpg")
    return found


def name_of(text: str) -> str:
    """Return a name that a folder and an id may have, from a file's."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()  # an umlaut loses its dots
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", letters).strip("._-")[:MAX_ID_LENGTH]
    return plain or "film"
