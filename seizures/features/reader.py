"""The door for readers: features from a file, a folder of files, or an exchange bundle (a folder or a zip).

::

    import seizures
    with seizures.open_features("bundle.zip") as bundle:
        print(bundle)
        for name, seizure in bundle.items():
            first_ten_seconds = seizure.views["large"].between(0, 10)      # float32 (s, D)

Files are opened when they are asked for, and arrays are read when they are sliced. The structure of every file is
checked before that, so that it cannot point outside itself. To check a file from another lab, run
`luigi --module pipeline ValidateFeatures` or call `seizures.check_path`, which also bound memory and time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seizures.errors import FeatureFileError
from seizures.features.file import FeatureFile
from seizures.features.file import open_features as open_feature_file
from seizures.features.hdf5_structure import structure_faults
from seizures.files.archives import is_zip, unpack
from seizures.files.scratch import scratch_folder
from seizures.manifest.identity import RecordingId

if TYPE_CHECKING:
    import pandas as pd
    import torch

FEATURES_FOLDER = "features"
SUFFIX = ".h5"


def open_features(path: str | os.PathLike[str]) -> FeatureFile | FeatureCollection:
    """Open features: a file is one seizure, a folder or a zip is a collection of seizures by name.

    Args:
        path: a feature file (.h5), a folder of them, an exchange bundle, or a bundle as a zip.

    Raises:
        FeatureFileError: there are no features, or they cannot be trusted; the message lists every fault.

    """
    path = Path(path)
    if path.is_dir():
        return FeatureCollection(path, path)
    if path.is_file() and is_zip(path):
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(scratch_folder())
            unpack(path, folder)
            return FeatureCollection(path, folder, stack.pop_all())
    return _open_checked(path)


def feature_files(folder: Path) -> dict[str, Path]:
    """Return the feature files of a folder or an unpacked bundle by name (`patient+seizure`), sorted.

    The features are in `features/` (a bundle), or in the folder itself, or one folder deeper (a results folder).
    """
    inner = folder / FEATURES_FOLDER if (folder / FEATURES_FOLDER).is_dir() else folder
    found = sorted(inner.glob(f"*{SUFFIX}"))
    if found:
        return {path.stem: path for path in found}
    deeper = sorted(inner.glob(f"*/*{SUFFIX}"))
    names = [path.parent.name for path in deeper]
    return {
        (path.parent.name if names.count(path.parent.name) == 1 else f"{path.parent.name}/{path.stem}"): path
        for path in deeper
    }


class FeatureCollection(Mapping[str, FeatureFile]):
    """Feature files by name, each opened on its first use; use it as a context manager, or close it."""

    def __init__(self, path: Path, folder: Path, scratch: contextlib.ExitStack | None = None) -> None:
        self.path = path
        self._paths = feature_files(folder)
        self._scratch = scratch
        self._open: dict[str, FeatureFile] = {}
        if not self._paths:
            self.close()
            raise FeatureFileError(f"{path}: no feature files ({SUFFIX}) in it")

    def __getitem__(self, name: str) -> FeatureFile:
        if name not in self._open:
            self._open[name] = _open_checked(self._paths[name])
        return self._open[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def close(self) -> None:
        """Close all files; what was unpacked of a zip is removed."""
        for file in self._open.values():
            file.close()
        self._open.clear()
        if self._scratch is not None:
            self._scratch.close()

    def __enter__(self) -> FeatureCollection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per snippet of all seizures: patient_id, seizure_id, label, view, start_seconds, ..."""
        import pandas as pd  # heavy, and needed here only

        tables = []
        for file in self.values():
            table = file.to_dataframe()
            for at, name in enumerate(("patient_id", "seizure_id", "label")):
                table.insert(at, name, getattr(file, name))
            tables.append(table)
        joined: pd.DataFrame = pd.concat(tables, ignore_index=True)
        return joined

    def to_torch(self) -> dict[str, torch.Tensor]:
        """Return `patient+seizure+view` to the features of that view, float32 (S, D)."""
        return {
            RecordingId(file.patient_id, file.seizure_id, view.name).name: view.to_torch()
            for file in self.values()
            for view in file.views.values()
        }

    def __repr__(self) -> str:
        names = list(self)
        lines = [f"FeatureCollection {self.path.name}: {len(names)} seizures"]
        lines += [f"  {name}" for name in names[:10]]
        lines += [f"  ... and {len(names) - 10} more"] if len(names) > 10 else []
        return "\n".join([*lines, f"  open one with [{names[0]!r}], all with .items()"])


def _open_checked(path: Path) -> FeatureFile:
    if path.is_file():
        faults = structure_faults(path)
        if faults:
            raise FeatureFileError(f"{path}: not a usable feature file: {'; '.join(faults)}")
    return open_feature_file(path)
