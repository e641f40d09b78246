"""200 damaged and hostile files: each is refused with a reason, quickly, in little memory, without leaving the file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from feature_examples import change, faults, header, make_bad_files, write

import seizures
from seizures.errors import FeatureFileError
from seizures.features.hdf5_structure import structure_faults
from seizures.features.validation import differences, table
from seizures.processes.child import Child
from seizures.processes.examiner import examine_files

MEGABYTES = 500
EXAMINE = """
import json, resource, sys
from seizures.processes.examiner import examine_files
outcomes = examine_files(sys.argv[1:])
faults = [[found.problem for found in item.findings if found.severity == "fault"] for item in outcomes]
used = resource.getrusage(resource.RUSAGE_CHILDREN)
facts = {"max_rss_kilobytes": used.ru_maxrss, "cpu_seconds": used.ru_utime + used.ru_stime}
print(json.dumps({"faults": faults, **facts}))
"""


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_bad_files(tmp_path_factory.mktemp("bad"))


def test_200_bad_files_are_all_refused(bad_files: dict[str, Path]) -> None:
    assert len(bad_files) >= 200
    # In a small process of its own, since the memory of a process counts for the children that it forks.
    done = subprocess.run(
        [sys.executable, "-c", EXAMINE, *map(str, bad_files.values())], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert [name for name, problems in zip(bad_files, found["faults"], strict=True) if not problems] == []
    assert all(problem for problems in found["faults"] for problem in problems)
    assert not any("the process that examined it" in problems[0] for problems in found["faults"])
    assert found["max_rss_kilobytes"] / 1024 < MEGABYTES
    assert found["cpu_seconds"] < 20  # for all of them


def test_what_points_elsewhere_is_refused_for_that_reason(bad_files: dict[str, Path]) -> None:
    wanted = {
        "external link for the features": "external link",
        "external link for all views": "external link",
        "soft link loop": "soft link",
        "circle of hard links": "found again",
        "a view under two names": "same group under two names",
        "features of another view": "same dataset under two names",
        "virtual dataset": "virtual dataset",
        "growing virtual dataset": "virtual dataset",
        "external storage": "keeps its data in another file",
        "huge shape": "declares",
        "large shape that is not stored": "declares",
        "filter bomb": "declares",
        "filter bomb in one chunk": "chunks of",
        "foreign filter": "filtered by",
        "features of lists": "no plain numbers",
        "features of references": "no plain numbers",
        "a label of opaque bytes": "neither a number nor a text",
        "user block": "user block",
        "bytes after the end": "bytes after its end",
    }
    for name, reason in wanted.items():
        assert reason in "; ".join(structure_faults(bad_files[name])), name  # here, in this process: nothing is read


def test_the_door_refuses_them_too(bad_files: dict[str, Path]) -> None:
    for name in ("external link for the features", "virtual dataset", "filter bomb", "text", "cut 3"):
        with pytest.raises(FeatureFileError, match="not a usable feature file"):
            seizures.open_features(bad_files[name])


def test_good_files_are_good_and_others_do_not_disturb_them(tmp_path: Path, bad_files: dict[str, Path]) -> None:
    good, bad = write(tmp_path / "good.h5"), bad_files["filter bomb"]
    first, middle, last, absent = examine_files([good, bad, good, tmp_path / "none.h5"])
    assert faults(first) == []
    assert last == first
    assert faults(middle)
    assert faults(absent)
    assert first.summary is not None
    assert first.summary.made == {**header().recipe, "deinterlace": "", "precision": ""}
    assert table([*middle.findings]).startswith(" ")


def test_a_file_that_kills_or_delays_the_process_is_refused_and_the_rest_examined(tmp_path: Path) -> None:
    good = [write(tmp_path / f"{number}.h5") for number in range(2)]
    slow = examine_files(good, cpu_seconds=1e-6)
    assert all(map(faults, slow))
    assert "s of computing" in slow[0].findings[0].problem
    poor = examine_files(good[:1], memory_bytes=2**16)
    assert "the process that examined it" in poor[0].findings[0].problem  # it says so, or a library crashes


def test_a_process_that_stalls_is_stopped_and_the_file_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = Child._ready

    def ready_and_halted(child: Child, input_name: str) -> None:
        ready(child, input_name)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)

    monkeypatch.setattr(Child, "_ready", ready_and_halted)
    late = examine_files([write(tmp_path / "a.h5")], wall_seconds=0.1)
    assert "stalled" in late[0].findings[0].problem


def test_without_the_seal_a_change_passes_as_a_flip_would(tmp_path: Path) -> None:
    path = change(tmp_path / "a.h5", lambda file: file.attrs.__setitem__("label", "FOS"), sealed=False)
    (outcome,) = examine_files([path])
    assert "does not have the checksum" in outcome.findings[0].problem or "damaged" in outcome.findings[0].problem
    (unsealed,) = examine_files([change(tmp_path / "b.h5", lambda file: file.attrs.__setitem__("label", "FOS"))])
    assert faults(unsealed) == []  # who can write the seal can write the file: a bundle's SHA256SUMS travels otherwise


def test_differences_are_named_and_some_may_be_allowed() -> None:
    one = {**header().recipe}
    other = {**one, "network": "r2plus1d_34_8_kinetics", "stride_frames": 4}
    lines = differences([("a", one), ("b", other)])
    assert [line.split(":")[0] for line in lines] == ["network", "stride_frames"]
    assert differences([("a", one), ("b", other)], allow_mixed=True) == []
    assert differences([("a", one), ("b", {**one, "feature_dim": 7})], allow_mixed=True) != []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the bound on memory is tested on Linux")
def test_memory_is_bounded(tmp_path: Path) -> None:
    outcomes = examine_files([write(tmp_path / "a.h5")], memory_bytes=300 * 2**20)
    assert faults(outcomes[0]) == []
