"""Features to and from other laboratories: what an export may not hold, writing a bundle, joining bundles, drift."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seizures import provenance
from seizures.errors import FeatureFileError, SettingsError
from seizures.exchange import bundle, importing
from seizures.exchange.leak_scan import Secret, require_clean
from seizures.exchange.pseudonyms import Pseudonyms, read_or_make_key
from seizures.features.validation import FAULT, table
from seizures.files import archives
from seizures.files.scratch import scratch_folder
from seizures.manifest.recordings import Recording
from seizures.manifest.table import COLUMNS, DESCRIPTIVE_COLUMNS, read_table
from seizures.processes.examiner import examine_files
from tasks.cohort import manifest as cohort
from tasks.cohort.imported_features import extracts_any
from tasks.cohort.networks import weights_identity
from tasks.cohort.recipes import stated_here
from tasks.machinery.atomic import write_json
from tasks.machinery.processes import computing
from tasks.settings.sections import Dataset, Demo, Features, Machine, Results, section
from tasks.stages.features import FeatureStage, all_features, loaded_network
from tasks.stages.folds import in_dealing_order, is_dealt_by_id

IMPORT_NAME = "import.json"
DRIFT_NAME = "drift.json"
COMMON_NAMES = ("root", "user", "admin", "localhost", "home")
SHORTEST_PATH = 6
SHORTEST_CELL = 6


def chosen_features(patients: Collection[str], labels: Collection[str]) -> list[FeatureStage]:
    """Return the stages of the seizures that are to be exported; empty choices mean all.

    Raises:
        SettingsError: a patient or a label is not in the manifest.

    """
    known = {item.patient_id for item in cohort.seizures().values()}
    unknown = [f"no patient {name}" for name in patients if name not in known]
    unknown += [f"no label {name}" for name in labels if name not in section(Dataset).label_names()]
    if unknown:
        raise SettingsError(f"nothing was exported: the manifest has {', '.join(unknown)}")
    return [
        stage
        for stage in all_features()
        if (not patients or stage.patient_id in patients) and (not labels or stage.seizure.label in labels)
    ]


def export(
    to: Path,
    stages: Sequence[FeatureStage],
    *,
    site: str,
    key_file: Path,
    views: Collection[str] = (),
    withhold: Collection[str] = (),
) -> bundle.Export:
    """Write the bundle `to`, a folder or a zip, whole or not at all, and the page for review; return what is in it."""
    from seizures.exchange import data_card

    # The order is that of all seizures, in which the folds were dealt, also those that are not exported.
    good = [stage for stage in in_dealing_order(all_features()) if stage in stages and stage.bad_reason() is None]
    key = read_or_make_key(key_file)
    ids = [stage.id for stage in good]
    names = Pseudonyms(key, site, ids)
    with _draft(to) as draft:
        exported = bundle.write_features(
            draft,
            [stage.result for stage in good],
            names,
            stated=stated_here(),
            views=views,
            withhold=withhold,
            is_order_told=not any(is_dealt_by_id(stage) for stage in good),
        )
        bundle.write_manifest(draft / bundle.MANIFEST_NAME, exported)
        bundle.write_info(draft / bundle.INFO_NAME, exported, names, section(Dataset).label_names())
        card = data_card.data_card(exported, is_simulated=section(Demo).enabled)
        (draft / bundle.CARD_NAME).write_text(card, encoding="utf-8")
        if extracts_any():
            save_drift_reference(draft / DRIFT_NAME)
        bundle.write_sums(draft)
        _require_sound(draft)
        whole = draft
        if to.suffix == ".zip":
            whole = draft.with_suffix(".zip")
            archives.pack(draft, whole)
        require_clean(whole, secrets(key))
        whole.rename(to)
    review = review_path(to)
    originals = {names.patient(patient): patient for patient, _ in ids}
    review.write_text(data_card.review(exported, originals), encoding="utf-8")
    review.chmod(0o600)
    return exported


def review_path(to: Path) -> Path:
    """Return the page that a person reads before the bundle leaves; it names patients, so it stands beside it."""
    return to.with_name(f"{to.stem}.review.md")


def secrets(key: bytes | None = None) -> list[Secret]:
    """Return everything that this laboratory knows and what leaves it must not hold."""
    rows = cohort.recordings()
    found = [] if key is None else [Secret("key", key.hex())]
    for row in rows:
        found += [Secret("patient id", row.patient_id), Secret("seizure id", row.seizure_id)]
        found += [Secret("patient and seizure id", mark.join(row.id.seizure)) for mark in ("+", "_", "-", " ", "/", "")]
        found += [Secret("free text", row.reason)] if len(row.reason) >= SHORTEST_CELL else []
        found += [Secret("video name", name) for piece in row.video for name in (piece, *_file_names(piece))]
    found += [Secret("manifest cell", cell, as_word=True) for cell in _other_cells(rows)]
    dataset = section(Dataset)
    folders = (dataset.video_root, dataset.manifest, dataset.features or ".", section(Results).root, ".", "~")
    paths = {str(Path(folder).expanduser().absolute()) for folder in folders} | {os.path.realpath(".")}
    found += [Secret("path", path) for path in paths if len(path) >= SHORTEST_PATH]
    host = socket.gethostname()
    people = {_user(), Path.home().name}
    named = {"host name": {host, host.split(".")[0], socket.getfqdn()}, "user name": people}
    return found + [
        Secret(kind, name, as_word=True)
        for kind, texts in named.items()
        for name in texts
        if len(name) >= 2 and name.lower() not in COMMON_NAMES
    ]


def import_bundles(paths: Sequence[Path], to: Path) -> tuple[str, ...]:
    """Check bundles, compare them, and join them in the folder `to`; return the warnings.

    Raises:
        FeatureFileError: a bundle has faults, the bundles do not fit together, or `to` already exists.

    """
    if to.exists():
        raise FeatureFileError(f"{to}: already exists; choose another folder, or remove it to import again")
    with contextlib.ExitStack() as stack:
        bundles = [stack.enter_context(importing.opened(path)) for path in paths]
        importing.require_joinable(
            bundles,
            allow_mixed=section(Dataset).allow_mixed_features,
            allow_shared_films=bool(section(Dataset).allow_shared_films),
        )
        with _draft(to) as draft:
            draft.mkdir()
            importing.join(bundles, draft)
            for one in bundles:
                if (one.folder / DRIFT_NAME).exists():
                    shutil.copyfile(one.folder / DRIFT_NAME, draft / f"drift.{one.info['site']}.json")
            said: dict[str, Any] = {
                "bundles": [{"name": one.name, "info": one.info, "sums": _sums_digest(one)} for one in bundles],
                "warnings": [asdict(finding) for one in bundles for finding in one.findings],
                "provenance": provenance.collect(),
            }
            write_json(draft / IMPORT_NAME, said)
            draft.rename(to)
        return tuple(table(one.findings) for one in bundles if one.findings)


def save_drift_reference(path: Path) -> None:
    """Write the features that this machine computes of the shipped clip."""
    from seizures.exchange import drift

    features, made_with = _clip_features()
    own = section(Features)
    identity = weights_identity()
    drift.write_reference(path, drift.Reference(own.network, identity, made_with, features))


def check_drift(reference_path: Path | None) -> tuple[dict[str, Any], bool]:
    """Measure this machine against a reference; return what was measured, with its provenance, and whether it is small.

    Raises:
        FeatureFileError: the reference is of another network or other weights.

    """
    from seizures.exchange import drift

    reference = drift.shipped_reference() if reference_path is None else _reference(reference_path)
    own = section(Features)
    identity = weights_identity()
    if (reference.network, reference.weights) != (own.network, identity):
        found = f"{reference.network} with weights {reference.weights}, the settings mean {own.network} with {identity}"
        advice = "take the drift.json of a bundle of that network, or make one with --save"
        raise FeatureFileError(f"the reference is of {found}; {advice}")
    features, made_with = _clip_features()
    measured = drift.measure(features, reference)
    content = {
        "network": own.network,
        "weights": identity,
        "measured": asdict(measured),
        "is_small": measured.is_small,
        "reference_made_with": dict(reference.made_with),
        "made_with": made_with,
    }
    return content, measured.is_small


def _reference(path: Path) -> Any:
    from seizures.exchange import drift

    if path.is_dir():
        return drift.read_reference(path / DRIFT_NAME)
    if path.is_file() and archives.is_zip(path):
        with scratch_folder() as scratch:
            archives.unpack(path, scratch)
            return drift.read_reference(scratch / DRIFT_NAME)
    return drift.read_reference(path)


def _clip_features() -> tuple[Any, dict[str, Any]]:
    from seizures.exchange import drift
    from seizures.features.extraction import choose_device

    features, machine = section(Features), section(Machine)
    with computing(machine.num_threads or None):
        device = choose_device(machine.device)
        precision = features.precision
        network = loaded_network(features.network, features.weights, features.weights_dir, precision, device)
        found = provenance.collect(device)
        made_with = {**{name: found[name] for name in ("versions", "device", "platform")}, "precision": precision}
        return drift.compute_features(network, device, precision), made_with


def _require_sound(draft: Path) -> None:
    outcomes = examine_files(sorted((draft / bundle.FEATURES_FOLDER).glob("*.h5")))
    faults = [finding for outcome in outcomes for finding in outcome.findings if finding.severity == FAULT]
    if faults:
        raise FeatureFileError(f"nothing was exported: features that nobody could use\n{table(faults)}")


@contextlib.contextmanager
def _draft(to: Path) -> Iterator[Path]:
    """Yield a name beside `to` for a folder that becomes it; what is left of it in the end is removed."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(beside=to) as scratch:
        yield scratch / "bundle"


def _sums_digest(one: importing.Checked) -> str:
    return bundle.file_sha256(one.folder / bundle.SUMS_NAME)


def _file_names(piece: str) -> tuple[str, ...]:
    path = Path(piece)
    return tuple(name for name in (path.name, path.stem) if len(name) >= 4)


def _other_cells(rows: Sequence[Recording]) -> set[str]:
    """Return the cells of the manifest's other columns, and of site, age_band, sex and state: they tell of a person."""
    _, header, table_rows = read_table(Path(section(Dataset).manifest))
    known = {word for row in rows for word in (row.view, row.label, row.use)}
    needed = set(COLUMNS) - set(DESCRIPTIVE_COLUMNS)
    found = set()
    for _, cells in table_rows:
        for name, cell in zip(header, cells, strict=False):
            if name not in needed and len(cell) >= SHORTEST_CELL and any(map(str.isalpha, cell)) and cell not in known:
                found.add(cell)
    return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
