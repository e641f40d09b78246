"""Two bundles of one cohort under two keys: what joins them, other than the features, is only what the page admits."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from feature_examples import header, write

from seizures.exchange import bundle
from seizures.exchange.pseudonyms import Pseudonyms
from seizures.features import checksum
from seizures.features.file import open_features

DIGITS = h5py.string_dtype("ascii", checksum.NUM_DIGITS)
IDS = [(f"P{patient:02d}", f"{seizure:02d}") for patient in range(6) for seizure in range(1 + patient % 3)]


@pytest.fixture
def cohort(tmp_path: Path) -> list[Path]:
    """Feature files whose ids, onsets, films and seizures all differ, of two durations only."""
    rng, paths = np.random.default_rng(2), []
    for number, (patient, seizure) in enumerate(IDS):
        path = write(tmp_path / f"{number}.h5", header(patient, seizure, ("FOS", "TCS")[number % 2]))
        with h5py.File(path, "r+") as file:
            view = file["views/large"]
            view["features"][...] = rng.normal(size=view["features"].shape)
            view.attrs["onset_seconds"] = 100 + 7.123 * number
            view.attrs["offset_seconds"] = view.attrs["onset_seconds"] + 5.5 + 0.004 * number
            view.attrs["num_frames_decoded"] = 500 + number
            view.attrs["video_sha256"] = hashlib.sha256(bytes([number])).hexdigest()
            file.attrs.create(checksum.ATTRIBUTE, checksum.UNSEALED, dtype=DIGITS)
        checksum.seal(path)
        paths.append(path)
    return paths


def export(folder: Path, paths: list[Path], key: bytes, **more: Any) -> Path:
    names = Pseudonyms(key, "LAB1", IDS)
    exported = bundle.write_features(folder, paths, names, stated={}, **more)
    bundle.write_manifest(folder / bundle.MANIFEST_NAME, exported)
    return folder


def told_of(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Return all that a bundle tells of each seizure, but for its pseudonyms and its features."""
    with (folder / bundle.MANIFEST_NAME).open(newline="") as file:
        rows = {(row["patient_id"], row["seizure_id"]): row for row in csv.DictReader(file)}
    found = {}
    for place, path in enumerate(sorted((folder / "features").iterdir())):
        with open_features(path) as file:
            ids = (file.patient_id, file.seizure_id)
            attributes = {f"attribute {name}": value for name, value in file.views["large"].attributes.items()}
            row = {name: cell for name, cell in rows[ids].items() if name not in ("patient_id", "seizure_id")}
            found[ids] = {**attributes, **row, "place": place, "label": file.label}
            found[ids]["number of snippets"] = file.views["large"].features.shape[0]
    return found


def joining(first: Path, second: Path) -> set[str]:
    """Return the fields of which a value is of one seizure in each of two bundles; places of files, if they agree."""
    sides = [told_of(first), told_of(second)]
    assert len(sides[0]) == len(sides[1]) == len(IDS)
    found = set()
    for field in next(iter(sides[0].values())):
        counts = [Counter(str(told[field]) for told in side.values()) for side in sides]
        if field != "place" and any(counts[0][value] == counts[1][value] == 1 for value in counts[0]):
            found.add(field)
    return found


def test_no_field_but_the_features_joins_two_bundles_of_one_cohort(tmp_path: Path, cohort: list[Path]) -> None:
    keys = b"a key of a laboratory", b"another key of that laboratory"
    first, second = (export(tmp_path / key.decode(), cohort, key) for key in keys)
    pseudonyms = [{one for ids in told_of(folder) for one in ids} for folder in (first, second)]
    assert not pseudonyms[0] & pseudonyms[1]
    assert joining(first, second) == set()


def test_the_order_of_dealing_joins_them_where_it_is_told_and_can_be_withheld(
    tmp_path: Path, cohort: list[Path]
) -> None:
    keys = b"a key of a laboratory", b"another key of that laboratory"
    told = [export(tmp_path / f"told {key.decode()}", cohort, key, is_order_told=True) for key in keys]
    assert joining(*told) == {"dealing_order"}  # as the review page says
    more = {"is_order_told": True, "withhold": ("order",)}
    withheld = [export(tmp_path / f"withheld {key.decode()}", cohort, key, **more) for key in keys]
    assert joining(*withheld) == set()


def test_the_order_of_files_is_of_the_pseudonyms(tmp_path: Path, cohort: list[Path]) -> None:
    orders = []
    for number, key in enumerate((b"a key of a laboratory", b"another key of that laboratory")):
        folder = export(tmp_path / str(number), cohort, key)
        vectors = []
        for path in sorted((folder / "features").iterdir()):
            with open_features(path) as file:
                vectors.append(hashlib.sha256(file.views["large"].features[:].tobytes()).hexdigest())
        orders.append(vectors)
    assert sorted(orders[0]) == sorted(orders[1])  # the features do join them: the review page says so
    assert orders[0] != orders[1]


def test_dates_in_a_zip_say_nothing(tmp_path: Path, cohort: list[Path]) -> None:
    from seizures.files.archives import pack

    folder = export(tmp_path / "one", cohort, b"a key of a laboratory")
    pack(folder, tmp_path / "one.zip")
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
