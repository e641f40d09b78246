"""The library opens quickly in a notebook, and knows no Luigi."""

from __future__ import annotations

import subprocess
import sys

import pytest

import seizures


@pytest.mark.parametrize("door", ["", "open_features", "read_manifest", "sample_positions"])
def test_importing_the_library_brings_neither_luigi_nor_torch(door: str) -> None:
    heavy = "{'luigi', 'torch', 'av', 'pipeline', 'tasks'}"
    script = f"import seizures, sys; seizures.{door or '__doc__'}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_doors_are_there_and_others_are_not() -> None:
    for name, module in seizures._DOORS.items():
        assert getattr(seizures, name).__module__ == module
        assert getattr(seizures, name).__doc__
        assert f"seizures.{name}(" in (seizures.__doc__ or "")
    assert sorted(seizures._DOORS) == sorted(seizures.__all__)
    assert set(seizures._DOORS) < set(dir(seizures))
    with pytest.raises(AttributeError, match="no attribute 'door'"):
        seizures.door  # noqa: B018
