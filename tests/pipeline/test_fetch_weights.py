"""FetchWeights, from a server on this machine: what arrives, what is said, and what happens when something is wrong."""

from __future__ import annotations

import functools
import hashlib
import http.server
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from in_process import inside, setting
from small_project import Project, make_small_project

import models
from models import networks, registry
from pipeline import FetchWeights
from seizures.errors import SettingsError

NAMES = ("r2plus1d_18", "x3d_s", "mvit_v2_s")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve the weights of three networks, as far as they lie in a folder; no other network has any."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        specs = []
        for name in NAMES:
            spec = models.network_spec(name)
            assert spec.public_weights is not None
            content = f"the weights of {name}".encode()
            (folder / f"{name}.pth").write_bytes(content)
            prefix = hashlib.sha256(content).hexdigest()[:8] if spec.public_weights.sha256_prefix else ""
            licence = "CC-BY-NC-4.0" if name == "mvit_v2_s" else spec.public_weights.licence
            url = f"http://127.0.0.1:{server.server_port}/{name}.pth"
            public = replace(spec.public_weights, url=url, sha256_prefix=prefix, licence=licence)
            specs.append(replace(spec, public_weights=public))
        specs.append(models.network_spec("r2plus1d_small"))
        monkeypatch.setattr(networks, "NETWORKS", tuple(specs))
        monkeypatch.setattr(registry, "NETWORKS", tuple(specs))
        monkeypatch.setattr(registry, "_NETWORKS", {spec.name: spec for spec in specs})
        yield folder
        server.shutdown()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = make_small_project(tmp_path)
    with inside(made):
        yield made


@pytest.mark.usefixtures("project")
def test_all_arrive_with_a_list_that_sha256sum_reads(
    served: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "stick" / "weights"
    answer = FetchWeights(to=str(to), all=True).answer()
    assert answer.exit_code == 0, answer.text
    assert "3 of 3 files are in" in answer.text
    assert "3 of them new" in answer.text
    checked = subprocess.run(["sha256sum", "--check", models.SUMS_NAME], cwd=to, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout.count("OK")) == (0, 3), checked
    said = capsys.readouterr().err
    assert said.index("mvit_v2_s.pth (CC-BY-NC-4.0)") < said.index("no commercial use")
    assert "[2/3] x3d_s: x3d_s.pth (Apache-2.0), from http://" in said
    for path in served.iterdir():
        path.unlink()
    again = FetchWeights(to=str(to), all=True).answer()
    assert (again.exit_code, "0 of them new" in again.text) == (0, True)
    assert models.weights_path("x3d_s", None, to).read_bytes() == b"the weights of x3d_s"


@pytest.mark.usefixtures("project")
def test_what_is_missing_or_damaged_is_named_and_the_rest_arrives(served: Path, tmp_path: Path) -> None:
    to = tmp_path / "weights"
    (served / "r2plus1d_18.pth").write_bytes(b"another file")
    answer = FetchWeights(to=str(to), network="r2plus1d_18, x3d_s").answer()
    assert answer.exit_code == 1
    assert "1 of 2 files are in" in answer.text
    assert "missing: Cannot download" in answer.text
    assert "Run the same command again" in answer.text
    assert (to / models.SUMS_NAME).read_text().split()[1::2] == ["x3d_s.pth"]
    (to / "x3d_s.pth").write_bytes(b"damaged on the way")
    other = FetchWeights(to=str(to), network="x3d_s").answer()
    assert other.exit_code == 1
    assert "it is damaged or another file" in other.text
    checked = subprocess.run(["sha256sum", "--check", models.SUMS_NAME], cwd=to, capture_output=True, text=True)
    assert checked.stdout == "x3d_s.pth: FAILED\n"  # the list still says what was fetched


@pytest.mark.usefixtures("project", "served")
def test_what_is_damaged_on_the_way_is_named_where_it_is_used(tmp_path: Path) -> None:
    stick, there = tmp_path / "stick", tmp_path / "there"
    assert FetchWeights(to=str(stick), network="x3d_s").answer().exit_code == 0
    with (stick / models.SUMS_NAME).open("a") as file:
        file.write(f"{'0' * 64} *notes of somebody.txt\n")
    assert FetchWeights(to=str(stick), network="r2plus1d_18").answer().exit_code == 0
    assert "notes of somebody.txt" in (stick / models.SUMS_NAME).read_text()
    there.mkdir()
    for name in ("x3d_s.pth", models.SUMS_NAME):  # and not what pins it, x3d_s.pth.sha256
        (there / name).write_bytes((stick / name).read_bytes())
    assert models.check_weights("x3d_s", None, there) == []
    (there / "x3d_s.pth").write_bytes(b"damaged on the way")
    (fault,) = models.check_weights("x3d_s", None, there)
    assert "as SHA256SUMS beside it says" in fault
    assert "Copy it again" in fault
    with pytest.raises(models.WeightsError, match="as SHA256SUMS beside it says"):
        models.load_network("x3d_s", None, there)
    assert not (there / "x3d_s.pth.sha256").exists()


@pytest.mark.usefixtures("served", "project")
def test_where_nothing_is_to_be_fetched_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "my_module.py").write_text("raise SystemExit('it was run')")
    for network in ("r2plus1d_small", "my_module:build"):
        with setting("Features", "network", network):
            answer = FetchWeights(to=str(tmp_path / "weights")).answer()
        assert answer.exit_code == 0
        assert f"nothing to fetch: {network} has no public weights" in answer.text
    with setting("Features", "network", "r2plus1d_smal"), pytest.raises(SettingsError, match=r"\[Features\] network:"):
        FetchWeights(to=str(tmp_path / "weights")).answer()
    assert not (tmp_path / "weights").exists()


@pytest.mark.usefixtures("served")
def test_mistakes_get_one_message(project: Project, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Did you mean 'x3d_s'") as caught:
        FetchWeights(to="weights", network="x3ds,r2plus1d_small").answer()
    assert "r2plus1d_small has no public weights" in str(caught.value)
    with pytest.raises(SettingsError, match="either --all or --network"):
        FetchWeights(to="weights", network="x3d_s", all=True).answer()
    (tmp_path / "file").touch()
    with pytest.raises(models.WeightsError, match="Cannot write to the folder"):
        FetchWeights(to=str(tmp_path / "file"), network="x3d_s").answer()
    run = project.luigi("FetchWeights", "--network", "no_such", "--to", "weights")
    assert run.exit_code == 2
    assert "No network is called 'no_such'" in run.output
    assert not (project.folder / "weights").exists()
