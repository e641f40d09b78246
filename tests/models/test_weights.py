from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import models
from models.weights import PUBLIC_WEIGHTS, default_weights_dir, download, find_weights, random_seed

CONTENT = b"as good as weights" * 1000
NAME = "r2plus1d_34_8_kinetics"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/weights.pth")
            self.end_headers()
        else:
            super().do_GET()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Serve a folder with one file over HTTP on this machine."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "weights.pth").write_bytes(CONTENT)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


fetch = partial(download, schemes=("http",), timeout_seconds=10)


@pytest.mark.parametrize("page", ["weights.pth", "elsewhere"])
def test_a_download_lands_whole_and_verified(address: str, tmp_path: Path, page: str) -> None:
    path = tmp_path / "new" / "folder" / "weights.pth"
    fetch(f"{address}/{page}", path, hashlib.sha256(CONTENT).hexdigest()[:8])
    assert path.read_bytes() == CONTENT
    assert [found.name for found in path.parent.iterdir()] == ["weights.pth"]
    assert path.stat().st_mode & 0o444 == 0o444


def test_a_download_of_other_bytes_is_not_kept(address: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / "weights.pth"
    with pytest.raises(models.WeightsError, match=r"not 00000000\.\.\.: it was not kept"):
        fetch(f"{address}/weights.pth", path, "00000000")
    assert list(path.parent.iterdir()) == []


def test_a_download_that_fails_leaves_nothing(address: str, tmp_path: Path) -> None:
    with pytest.raises(models.WeightsError, match="404"):
        fetch(f"{address}/absent.pth", tmp_path / "new" / "weights.pth", "00000000")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_only_https_is_fetched(address: str, tmp_path: Path, scheme: str) -> None:
    url = f"{address}/weights.pth" if scheme == "http" else (tmp_path / "served" / "weights.pth").as_uri()
    with pytest.raises(models.WeightsError, match=f"'{scheme}', wanted https"):
        download(url, tmp_path / "new" / "weights.pth", "")
    assert list((tmp_path / "new").iterdir()) == []


def test_public_weights_that_cannot_be_fetched_say_which_file_goes_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody answers there, whatever the network
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(models.WeightsError) as caught:
        models.load_network(NAME, weights_dir=tmp_path)
    public = PUBLIC_WEIGHTS[NAME]
    for part in (public.url, str(tmp_path / public.file_name), "weights_dir", "random:0"):
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_published_names_end_in_the_digits_that_are_checked() -> None:
    prefixes = {name: public.sha256_prefix for name, public in PUBLIC_WEIGHTS.items()}
    assert prefixes == {
        "r2plus1d_34_8_kinetics": "0aa0550b",
        "r2plus1d_34_32_kinetics": "ade133f1",
        "r2plus1d_34_8_ig65m": "9bae36ae",
        "r2plus1d_34_32_ig65m": "449a7af9",
        "resnet_34": "b627a593",
        "wide_resnet_50_2": "95faca4d",
    }
    assert all(
        public.url.startswith("https://github.com/moabitcoin/")
        for name, public in PUBLIC_WEIGHTS.items()
        if name.startswith("r2plus1d")
    )


def test_a_file_that_bears_a_published_name_must_be_it(tmp_path: Path) -> None:
    path = tmp_path / PUBLIC_WEIGHTS[NAME].file_name
    path.write_bytes(CONTENT)
    for weights, folder in ((None, tmp_path), (path, None)):
        faults = models.check_weights(NAME, weights, folder)
        assert len(faults) == 1
        assert str(path) in faults[0]
        assert "0aa0550b" in faults[0]
        with pytest.raises(models.WeightsError, match="another file"):
            find_weights(NAME, weights, folder)


def test_weights_that_are_not_fetched_yet_are_no_fault_and_have_their_identity(tmp_path: Path) -> None:
    assert models.check_weights(NAME, weights_dir=tmp_path) == []
    assert models.weights_identity(NAME, weights_dir=tmp_path) == "sha256:0aa0550b"
    assert models.weights_identity(NAME, tmp_path / PUBLIC_WEIGHTS[NAME].file_name) == "sha256:0aa0550b"
    assert list(tmp_path.iterdir()) == []


def test_the_identity_of_an_own_file_follows_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    path.write_bytes(CONTENT)
    assert models.weights_identity("r2plus1d_small", path) == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    path.write_bytes(CONTENT + b"!")
    assert (
        models.weights_identity("r2plus1d_small", str(path)) == f"sha256:{hashlib.sha256(CONTENT + b'!').hexdigest()}"
    )


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pth").touch()
    for found, reason in (("absent.pth", "No such file"), ("empty.pth", "empty"), ("", "folder")):
        path = tmp_path / found
        (fault,) = models.check_weights("r2plus1d_small", path)
        assert str(path) in fault
        assert reason in fault
        with pytest.raises(models.WeightsError, match=reason):
            models.load_network("r2plus1d_small", path)


def test_the_small_network_has_no_public_weights() -> None:
    (fault,) = models.check_weights("r2plus1d_small")
    assert "random:0" in fault
    with pytest.raises(models.WeightsError, match="no public weights"):
        models.load_network("r2plus1d_small")


def test_an_unknown_network_is_a_fault() -> None:
    assert "Did you mean" in models.check_weights("r2plus1d_tiny", "random:0")[0]


@pytest.mark.parametrize("text", ["random:", "random:-1", "random:1.5", "random:x", "random:²", f"random:{2**63}"])
def test_a_seed_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(models.WeightsError, match="whole number"):
        random_seed(text)
    assert len(models.check_weights("r2plus1d_small", text)) == 1


def test_a_seed_has_one_spelling() -> None:
    assert models.weights_identity("r2plus1d_small", "random:007") == "random:7"
    assert random_seed(f"random:{2**63 - 1}") == 2**63 - 1
    assert random_seed("weights.pth") is random_seed(None) is None


def test_the_default_folder_is_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_weights_dir() == tmp_path / "gestures" / "weights"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_weights_dir() == tmp_path / ".cache" / "gestures" / "weights"
