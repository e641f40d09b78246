"""The exchange bundle: features under pseudonyms, with a manifest, a data card and checksums (docs/exchange.md).

Nothing is copied from a file of the laboratory: each file is written anew from the values that a bundle may hold, and
every other attribute, object or byte stays behind.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from seizures.errors import SettingsError
from seizures.exchange.pseudonyms import Pseudonyms
from seizures.features.copying import copy_view
from seizures.features.file import FeatureFile, FeatureView, open_features
from seizures.features.schema import NOT_KNOWN, FeatureHeader, ViewFacts
from seizures.features.validation import STATED
from seizures.features.writer import FeatureFileWriter
from seizures.manifest.identity import SeizureId
from seizures.manifest.table import label_problem
from seizures.provenance import release
from seizures.settings import digest

FORMAT = "seizure-bundle"
FORMAT_VERSION = 1
CARD_NAME, INFO_NAME, MANIFEST_NAME, SUMS_NAME = "README.md", "bundle.json", "manifest.csv", "SHA256SUMS"
FEATURES_FOLDER = "features"
WITHHOLDABLE = ("clonic", "source", "order")
MANIFEST_COLUMNS = (
    "patient_id",
    "seizure_id",
    "view",
    "video",
    "onset_seconds",
    "offset_seconds",
    "label",
    "clonic_onset_seconds",
    "use",
    "reason",
    "dealing_order",
)

_ORDER_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{0,80}")


@dataclasses.dataclass(frozen=True)
class ExportedView:
    """One view of one seizure as it stands in the bundle, times relative to the onset."""

    patient_id: str
    seizure_id: str
    view: str
    label: str
    use: str
    offset_seconds: float | None
    clonic_onset_seconds: float | None
    num_snippets: int
    duration_seconds: float
    source: str
    dealing_order: str = ""


@dataclasses.dataclass(frozen=True)
class Export:
    """What was written: one entry per view, and what all files have in common."""

    site: str
    views: tuple[ExportedView, ...]
    made: Mapping[str, Any]

    @property
    def num_patients(self) -> int:
        """Patients in the bundle."""
        return len({view.patient_id for view in self.views})

    @property
    def num_seizures(self) -> int:
        """Seizures in the bundle."""
        return len({(view.patient_id, view.seizure_id) for view in self.views})


def write_features(
    folder: Path,
    paths: Sequence[Path],
    names: Pseudonyms,
    *,
    stated: Mapping[str, str],
    views: Collection[str] = (),
    withhold: Collection[str] = (),
    is_order_told: bool = False,
) -> Export:
    """Write the features of a bundle, each file anew and under pseudonyms.

    Args:
        folder: the bundle, an empty folder.
        paths: feature files of the laboratory, in dealing order.
        names: their pseudonyms.
        stated: what their recipe states in words (`validation.STATED`), where they come from no exchange.
        views: the views that are wanted; empty for all.
        withhold: of `WITHHOLDABLE`: `clonic`, the onset of the clonic phase; `source`, the film's size, rate and codec;
            `order`, in which seizures are dealt into folds.
        is_order_told: tell the order of `paths`; not where it is that of the ids.

    Raises:
        SettingsError: nothing is left, something unknown is to be withheld, or the files were made in different ways.

    """
    unknown = sorted(set(withhold) - set(WITHHOLDABLE))
    if unknown:
        raise SettingsError(f"withhold = {', '.join(unknown)}: expected some of {', '.join(WITHHOLDABLE)}")
    is_order_told = is_order_told and "order" not in withhold
    (folder / FEATURES_FOLDER).mkdir(parents=True)
    exported: list[ExportedView] = []
    recipes: dict[str, dict[str, Any]] = {}
    for place, path in enumerate(paths):
        with open_features(path) as file:
            wanted = [view for name, view in file.views.items() if not views or name in views]
            if not wanted:
                continue
            header = exchange_header(file, names, stated)
            recipes[header.recipe_key] = dict(header.recipe)
            target = folder / FEATURES_FOLDER / f"{SeizureId(header.patient_id, header.seizure_id).name}.h5"
            with FeatureFileWriter(target, header, for_exchange=True) as written:
                for view in wanted:
                    facts = exchange_facts(view, preprocessing=str(header.recipe["preprocessing"]), withhold=withhold)
                    copy_view(view, written, facts)
                    told = dataclasses.replace(
                        _exported(header, view, facts),
                        dealing_order=order_text(place) if is_order_told else "",
                    )
                    exported.append(told)
    if not exported:
        raise SettingsError("no features are left to export; choose other patients, labels or views")
    if len(recipes) > 1:
        raise SettingsError("the features were made in different ways; export them in bundles of their own")
    exported.sort(key=lambda view: (view.patient_id, view.seizure_id, view.view))
    return Export(names.site, tuple(exported), next(iter(recipes.values())))


def places_by_content(files: Mapping[SeizureId, Path]) -> dict[SeizureId, str]:
    """Return a dealing order for seizures that have none, by the hashes of their feature files: no id decides it."""
    ordered = sorted(files, key=lambda seizure: (file_sha256(files[seizure]), seizure))
    return {seizure: order_text(place) for place, seizure in enumerate(ordered)}


def order_text(place: int) -> str:
    """Return a place in the dealing order as sortable letters; digits could happen to be somebody's id."""
    return f"{place:06x}".translate(_ORDER_LETTERS)


def exchange_header(file: FeatureFile, names: Pseudonyms, stated: Mapping[str, str]) -> FeatureHeader:
    """Return the header of an exchange file: pseudonyms, and a recipe of nothing but how features were made."""
    said = file.recipe if "preprocessing" in file.recipe else stated
    recipe: dict[str, Any] = {
        "network": _plain_text(file.network),
        "weights_sha256": _plain_text(file.weights_sha256),
        **{name: _plain_text(str(said.get(name, ""))) for name in STATED},
        "feature_dim": next(iter(file.views.values())).feature_dim,
        "frames_per_snippet": int(file.frames_per_snippet),
        "stride_frames": int(file.stride_frames),
        "frame_rate_hz": float(file.frame_rate_hz),
        **({} if file.frame_step == 1 else {"frame_step": int(file.frame_step)}),
    }
    return FeatureHeader(
        patient_id=names.patient(file.patient_id),
        seizure_id=names.seizure(file.patient_id, file.seizure_id),
        label=_plain_label(file.label),
        recipe=recipe,
        recipe_key=digest(recipe),
        network=recipe["network"],
        weights_sha256=recipe["weights_sha256"],
        frames_per_snippet=recipe["frames_per_snippet"],
        stride_frames=recipe["stride_frames"],
        frame_rate_hz=recipe["frame_rate_hz"],
        frame_step=int(file.frame_step),
        weights_file_sha256=_plain_text(file.header.weights_file_sha256) if file.header.weights_file_sha256 else "",
    )


def exchange_facts(view: FeatureView, *, preprocessing: str, withhold: Collection[str]) -> ViewFacts:
    """Return what an exchange file says of a view: times since the onset, no video, no filter graph with its crop."""
    said = view.attributes
    onset = said.get("onset_seconds") or 0.0
    offset, clonic = said.get("offset_seconds"), said.get("clonic_onset_seconds")
    has_source = "source" not in withhold
    return ViewFacts(
        video_name="",
        video_sha256="",
        onset_seconds=0.0,
        offset_seconds=None if offset is None else _rounded(offset - onset),
        clonic_onset_seconds=None if clonic is None or "clonic" in withhold else _rounded(clonic - onset),
        use=_plain_text(said.get("use", "all")),
        source_width=int(said.get("source_width", 0)) if has_source else 0,
        source_height=int(said.get("source_height", 0)) if has_source else 0,
        source_frame_rate_hz=float(said.get("source_frame_rate_hz", 0.0)) if has_source else 0.0,
        codec=_plain_text(said.get("codec", "")) if has_source else "",
        num_frames_decoded=0,
        preprocessing=preprocessing,
    )


def _rounded(seconds: float) -> float:
    """Return a time to a tenth of a second: nobody reads an onset off a film more finely, and more would tell whose."""
    return round(seconds, 1)


def write_manifest(path: Path, export: Export) -> None:
    """Write the manifest of a bundle: what a row of the laboratory's says beyond the known columns stays behind."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, MANIFEST_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for view in export.views:
            cells = {name: getattr(view, name, "") for name in MANIFEST_COLUMNS} | {"onset_seconds": 0.0}
            writer.writerow({name: _cell(value) for name, value in cells.items()})


def write_info(path: Path, export: Export, names: Pseudonyms, labels: Sequence[str]) -> None:
    """Write bundle.json: what an import compares before it mixes bundles."""
    info = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "site": names.site,
        "key_id": names.key_id,
        "labels": list(labels),
        "made": dict(export.made),
        "num_patients": export.num_patients,
        "num_seizures": export.num_seizures,
        "num_views": len(export.views),
        "seizures_by_label": dict(
            sorted(Counter({(v.patient_id, v.seizure_id): v.label for v in export.views}.values()).items())
        ),
        "created_by": release(),
    }
    path.write_text(json.dumps(info, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS over every file of the folder, as `sha256sum -c` reads it."""
    lines = [f"{file_sha256(path)}  {name}\n" for name, path in bundle_members(folder).items() if name != SUMS_NAME]
    (folder / SUMS_NAME).write_text("".join(lines), encoding="ascii")


def bundle_members(folder: Path) -> dict[str, Path]:
    """Return the files below a folder by name, sorted; links are among them, and are not followed."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(folder).as_posix(): path for path in sorted(found)}


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        found = hashlib.sha256()
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def _exported(header: FeatureHeader, view: FeatureView, facts: ViewFacts) -> ExportedView:
    size = f"{facts.source_width} x {facts.source_height}, {facts.source_frame_rate_hz:g} Hz, {facts.codec}"
    return ExportedView(
        patient_id=header.patient_id,
        seizure_id=header.seizure_id,
        view=view.name,
        label=header.label,
        use=facts.use,
        offset_seconds=facts.offset_seconds,
        clonic_onset_seconds=facts.clonic_onset_seconds,
        num_snippets=view.num_snippets,
        duration_seconds=view.num_frames / header.frame_rate_hz,
        source=size if facts.source_width else "",
    )


def _plain_label(value: Any) -> str:
    """Let one of the two labels pass, which may have several words."""
    if value == NOT_KNOWN:
        raise SettingsError("a feature file is of a seizure whose label is not known, which no bundle may hold")
    if label_problem(str(value)):
        raise SettingsError(f"a feature file has the label {str(value)[:40]!r}, which no bundle may hold")
    return str(value)


def _plain_text(value: Any) -> str:
    """Let a short word pass, such as the name of a codec, and nothing that could hold a sentence or a path."""
    text = str(value)
    if not _PLAIN.fullmatch(text):
        raise SettingsError("a feature file names its network, codec or use in a way that no bundle may hold")
    return text


def _cell(value: Any) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
