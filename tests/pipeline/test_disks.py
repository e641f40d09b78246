"""Disks as laboratories have them: without links, locks or flushed folders; exFAT; read only; shared; taken away."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import LUIGI, Project, make_small_project

pytestmark = pytest.mark.whole_run
SHIM = Path(__file__).parents[1] / "fs_shim.c"
OPEN_PYTHON = """
python=$1 closed=$2 aside=$3
shift 3
mkdir "$aside" && mount --bind "$python" "$aside" && mount -t tmpfs -o mode=755 none "$closed" &&
  mkdir -p "$python" && mount --bind "$aside" "$python" || exit 126
exec "$@"
"""  # in a namespace of its own: a Python that lies in a folder of root's alone, for all to use
is_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk, or takes another user's rights: root only")


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    path = tmp_path_factory.mktemp("shim") / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", path, SHIM, "-ldl"], check=True)
    return path


@contextlib.contextmanager
def mounted(folder: Path, *words: str) -> Iterator[Path]:
    folder.mkdir()
    found = subprocess.run(["mount", *words, folder], check=False, capture_output=True, text=True)
    if found.returncode:
        pytest.skip(f"cannot mount it here: {found.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False, capture_output=True)


def assert_published_as_copies(project: Project, finished: Project) -> None:
    current = project.results / "current"
    assert current.is_dir()
    assert not current.is_symlink()
    for name in ("predictions.csv", "folds.csv"):
        assert (current / name).read_bytes() == (finished.results / "current" / name).read_bytes()
    assert (current / "report.html").stat().st_size > 10_000
    assert (current / "index.csv").read_text().count("\nDecodeRecording,") == 12


@pytest.mark.parametrize("mode", ["nosymlink", "nodirsync", "nolock", "nosymlink,nodirsync,nolock"])
def test_a_disk_that_lacks_something(done: Project, finished: Project, shim: Path, mode: str) -> None:
    shutil.rmtree(done.results / "runs")
    (done.results / "current").unlink()
    shutil.rmtree(done.results / "TrainFold" / "fold00+seed0")
    shutil.rmtree(done.results / "WriteReport")
    more = {"LD_PRELOAD": str(shim), "SHIM": mode}
    run = done.luigi_from_nothing("RunAll", **more)
    assert run.exit_code == 0, run
    assert "Traceback" not in run.output
    assert done.contents() == finished.contents()
    assert run.output.count("this disk has no symbolic links") == ("nosymlink" in mode)
    if "nosymlink" in mode:
        assert_published_as_copies(done, finished)
    assert done.luigi_from_nothing("Status", **more).exit_code == 0
    again = done.luigi_from_nothing("RunAll", **more)
    assert (again.exit_code, again.tasks) == (0, []), again
    other = done.luigi_from_nothing("RunAll", "--Training-hidden-units", "9", **more)
    assert other.exit_code == 0, other
    assert done.luigi_from_nothing("Prune", "--delete", **more).exit_code == 0


def test_a_current_that_became_a_folder_is_replaced_and_what_is_not_ours_is_kept(done: Project) -> None:
    current = done.results / "current"
    for is_touched in (False, True):
        copy = done.results / "copy"
        shutil.copytree(current, copy)
        current.unlink()
        copy.rename(current)
        if is_touched:
            (current / "my notes.txt").write_text("of the ward round")
        else:
            assert done.luigi("Status").exit_code == 0
        run = done.run_all("--Training-hidden-units", str(9 + is_touched))
        assert run.exit_code == 0, run
        assert current.is_symlink()
        assert ("kept as current.kept-1" in run.output) == is_touched
    assert (done.results / "current.kept-1" / "my notes.txt").read_text() == "of the ward round"


def test_results_belong_to_their_owner_or_to_the_group(project: Project) -> None:
    def modes(folders: bool) -> set[int]:
        found = (path for path in project.results.rglob("*") if not path.is_symlink() and path.is_dir() == folders)
        return {stat.S_IMODE(path.stat().st_mode) & 0o777 for path in found}

    before = os.umask(0o002)
    try:
        run = project.run_all()
        assert run.exit_code == 0, run
        assert stat.S_IMODE(project.results.stat().st_mode) == 0o700
        assert (modes(folders=True), modes(folders=False)) == ({0o700}, {0o600})
        shutil.rmtree(project.results)
        project.set("Results", group_writable="true")
        os.umask(0o022)
        run = project.run_all()
        assert run.exit_code == 0, run
        assert stat.S_IMODE(project.results.stat().st_mode) == 0o2770
        assert (modes(folders=True), modes(folders=False)) == ({0o770}, {0o660})
    finally:
        os.umask(before)


@is_root
def test_questions_are_answered_on_results_that_nobody_can_write(done: Project, tmp_path: Path) -> None:
    with mounted(tmp_path / "read-only", "--bind", str(done.results)) as folder:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        done.set("Results", root=folder)
        for words in (["Plan"], ["Status"], ["Prune"], ["Prune", "--frames-only"]):
            answered = done.luigi(*words)
            assert answered.exit_code == 0, answered
        refused = done.run_all()
        assert refused.exit_code == 2, refused
        assert "not writable" in refused.output


@is_root
def test_run_all_on_a_disk_with_exfat(tmp_path: Path, finished: Project) -> None:
    if shutil.which("mkfs.exfat") is None:
        pytest.skip("needs mkfs.exfat")
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(200 * 2**20)
    subprocess.run(["mkfs.exfat", image], check=True, capture_output=True)
    project_folder = tmp_path / "project"
    project_folder.mkdir()
    project = make_small_project(project_folder)
    with exfat(image, tmp_path / "disk") as disk:
        project.set("Results", root=disk / "results")
        project.results = disk / "results"
        run = project.run_all()
        assert run.exit_code == 0, run
        assert "this disk has no symbolic links" in run.output
        assert project.contents() == finished.contents()
        assert_published_as_copies(project, finished)
        assert project.luigi("Status").exit_code == 0
    with exfat(image, tmp_path / "disk-again") as disk:
        project.set("Results", root=disk / "results")
        again = project.run_all()
        assert (again.exit_code, again.tasks) == (0, []), again


@contextlib.contextmanager
def exfat(image: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir()
    device = subprocess.run(["losetup", "--find", "--show", image], check=False, capture_output=True, text=True)
    if device.returncode:
        pytest.skip(f"no loop device: {device.stderr.strip()}")
    loop = device.stdout.strip()
    try:
        for words in (["mount", "-t", "exfat", loop, folder], ["mount.exfat-fuse", loop, folder]):
            if shutil.which(words[0]) and subprocess.run(words, check=False, capture_output=True).returncode == 0:
                break
        else:
            pytest.skip("neither the kernel nor exfat-fuse can mount exFAT here")
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)
    finally:
        subprocess.run(["losetup", "--detach", loop], check=False)


@is_root
def test_a_disk_that_goes_away_is_not_written_beneath(project: Project, tmp_path: Path) -> None:
    with mounted(tmp_path / "share", "-t", "tmpfs", "none") as share:
        project.set("Results", root=share / "results")
        process = project.start("RunAll")
        assert process.stdout is not None
        for line in process.stdout:
            if " running   DecodeRecording" in line:
                break
        subprocess.run(["umount", "--lazy", share], check=True)
        output, _ = process.communicate(timeout=100)
        assert process.returncode == 30, output
        assert "its disk is no longer there" in output
        assert list(share.iterdir()) == []


@is_root
def test_a_second_person_with_another_umask_goes_on(done: Project, tmp_path: Path) -> None:
    """As `nobody`, in the group of the results; the first person made them for the group."""
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv")
    shutil.rmtree(done.results)
    done.set("Results", group_writable="true")
    first = done.run_all()
    assert first.exit_code == 0, first
    for path in [done.folder, *done.folder.rglob("*")]:
        if not path.is_symlink():
            os.chown(path, -1, 65534)
    opened = [path for path in tmp_path.parents if path.owner() == "root" and not path.stat().st_mode & stat.S_IXOTH]
    for path in (tmp_path, *opened):
        path.chmod(path.stat().st_mode | 0o011)
    done.folder.chmod(0o770)
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", 'umask 077; exec "$@"', "sh"]
    python = Path(sys.base_prefix)
    closed = [path for path in (*reversed(python.parents), python) if not path.stat().st_mode & stat.S_IXOTH]
    if closed:
        if any(path.is_relative_to(closed[0]) for path in (LUIGI, tmp_path, SHIM)):
            pytest.skip(f"{closed[0]} is root's alone")
        opening = ["sh", "-c", OPEN_PYTHON, "sh", python, closed[0], tmp_path / "python"]
        words = ["unshare", "--mount", *opening, *words]
    command = [*words, LUIGI, "--module", "pipeline", "RunAll"]
    run = subprocess.run(
        [*command, "--Training-hidden-units", "9"],
        cwd=done.folder,
        env={**os.environ, "HOME": "/nonexistent", "OMP_NUM_THREADS": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    if run.returncode in (126, 127) or "No module named" in run.stderr:
        pytest.skip("the Python of the tests is root's alone")
    assert run.returncode == 0, run.stderr
    again = done.run_all("--Training-hidden-units", "9")
    assert (again.exit_code, again.tasks) == (0, []), again
