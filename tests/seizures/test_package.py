"""The library opens quickly in a notebook, and knows no Luigi."""

from __future__ import annotations

import subprocess
import sys

import pytest

import seizures


@pytest.mark.parametrize("statement", ["import seizures", "import seizures; seizures.open_features"])
def test_importing_the_library_brings_neither_luigi_nor_torch(statement: str) -> None:
    script = f"{statement}; import sys; print({{'luigi', 'torch', 'av', 'pipeline', 'tasks'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_doors_are_there_and_others_are_not() -> None:
    assert seizures.read_manifest.__module__ == "seizures.manifest.recordings"
    assert seizures.open_features.__module__ == "seizures.features.reader"
    with pytest.raises(AttributeError, match="no attribute 'door'"):
        seizures.door  # noqa: B018
