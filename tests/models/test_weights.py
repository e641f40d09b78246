from __future__ import annotations

import hashlib
import http.server
import multiprocessing
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

import models
from models import weights as module
from models.pins import keep_pin
from models.spec import PublicWeights
from models.weights import default_weights_dir, download, find_weights, random_seed

CONTENT = b"as good as weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = "r2plus1d_34_8_kinetics"
PUBLIC = models.network_spec(NAME).public_weights
assert PUBLIC is not None


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/weights.pth")
            self.end_headers()
        elif self.path == "/half.pth":
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:100])
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


@pytest.fixture
def no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # no server there, with internet or without
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


def at(url: str, sha256_prefix: str = SHA256[:8]) -> PublicWeights:
    return PublicWeights(url, sha256_prefix, num_classes=400, licence="MIT", citation="", words="")


def unhashed(url: str, licence: str = "Apache-2.0") -> PublicWeights:
    return PublicWeights(url, "", num_classes=400, licence=licence, citation="", words="")


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("page", ["weights.pth", "elsewhere"])
def test_a_download_lands_complete_and_readable_by_all(address: str, tmp_path: Path, page: str) -> None:
    path = tmp_path / "new" / "folder" / "weights.pth"
    download(at(f"{address}/{page}"), path)
    assert path.read_bytes() == CONTENT
    assert names_in(path.parent) == ["weights.pth"]
    umask_of_a_file = (tmp_path / "served" / "weights.pth").stat().st_mode
    assert path.stat().st_mode == umask_of_a_file


@pytest.mark.parametrize(
    ("page", "sha256_prefix", "reason"),
    [
        ("weights.pth", "00000000", 'expected "00000000", got "' + SHA256),
        ("half.pth", SHA256[:8], f'expected "{SHA256[:8]}", got "'),
        ("absent.pth", SHA256[:8], "404"),
    ],
    ids=["other bytes", "half of it", "not there"],
)
def test_a_download_that_fails_leaves_nothing(
    address: str, tmp_path: Path, page: str, sha256_prefix: str, reason: str
) -> None:
    path = tmp_path / "new" / "weights.pth"
    with pytest.raises(models.WeightsError) as caught:
        download(at(f"{address}/{page}", sha256_prefix), path)
    assert reason in str(caught.value)
    assert f"put the file at {path}" in str(caught.value)
    assert names_in(path.parent) == []


def test_a_server_that_goes_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DOWNLOAD_TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(models.WeightsError, match="timed out"):
        download(at(f"http://127.0.0.1:{silent.getsockname()[1]}/weights.pth"), tmp_path / "weights.pth")
    assert names_in(tmp_path) == []
    assert socket.getdefaulttimeout() is None


def test_several_processes_may_download_the_same_file(address: str, tmp_path: Path) -> None:
    path, context = tmp_path / "new" / "weights.pth", multiprocessing.get_context("spawn")
    others = [context.Process(target=download, args=(at(f"{address}/weights.pth"), path)) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join(timeout=120)
    assert [other.exitcode for other in others] == [0, 0]
    assert path.read_bytes() == CONTENT
    assert names_in(path.parent) == ["weights.pth"]


def test_public_weights_are_downloaded_once_into_weights_dir(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_public_weights", lambda _: at(f"{address}/weights.pth"))
    folder = tmp_path / "lab"
    assert find_weights(NAME, weights_dir=folder) == folder / "weights.pth"
    (tmp_path / "served" / "weights.pth").unlink()
    assert find_weights(NAME, weights_dir=folder).read_bytes() == CONTENT


@pytest.mark.usefixtures("no_internet")
def test_without_internet_the_message_says_which_file_goes_where(tmp_path: Path) -> None:
    with pytest.raises(models.WeightsError) as caught:
        models.load_network(NAME, weights_dir=tmp_path)
    for part in (PUBLIC.url, f"put the file at {tmp_path / PUBLIC.file_name}", "weights_dir", "random:0"):
        assert part in str(caught.value)
    assert names_in(tmp_path) == []


def test_a_file_that_bears_a_published_name_must_be_it(tmp_path: Path) -> None:
    path = tmp_path / PUBLIC.file_name
    path.write_bytes(CONTENT)
    for weights, folder in ((None, tmp_path), (path, None)):
        faults = models.check_weights(NAME, weights, folder)
        assert len(faults) == 1
        assert str(path) in faults[0]
        assert "0aa0550b" in faults[0]
        with pytest.raises(models.WeightsError, match="another file"):
            find_weights(NAME, weights, folder)


def test_weights_that_are_not_downloaded_yet_are_not_a_fault_and_have_their_identity(tmp_path: Path) -> None:
    assert models.check_weights(NAME, weights_dir=tmp_path) == []
    assert models.weights_identity(NAME, weights_dir=tmp_path) == "sha256:0aa0550b"
    assert models.weights_identity(NAME, tmp_path / PUBLIC.file_name) == "sha256:0aa0550b"
    assert names_in(tmp_path) == []


def test_the_identity_of_an_own_file_follows_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    path.write_bytes(CONTENT)
    assert models.weights_identity("r2plus1d_small", path) == f"sha256:{SHA256}"
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


def test_a_file_without_a_published_hash_is_pinned_by_its_first_download(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = unhashed(f"{address}/weights.pth")
    monkeypatch.setattr(module, "_public_weights", lambda _: public)
    monkeypatch.setattr(
        module, "network_spec", lambda _: SimpleNamespace(public_weights=public, has_weights=True, library="")
    )
    folder, served = tmp_path / "lab", tmp_path / "served" / "weights.pth"
    before = models.weights_identity("any", weights_dir=folder)
    assert module.pinned_sha256("any", weights_dir=folder) == ""
    path = find_weights("any", weights_dir=folder)
    assert (folder / "weights.pth.sha256").read_text() == f"{SHA256}  weights.pth\n"
    assert module.pinned_sha256("any", weights_dir=folder) == SHA256
    assert models.weights_identity("any", weights_dir=folder) == before == "file:weights.pth"  # so the keys stay
    assert models.check_weights("any", weights_dir=folder) == []
    # Given by its path, a file is known by its bytes: nobody vouches for its name.
    assert models.weights_identity("any", path) == f"sha256:{SHA256}"
    assert module.pinned_sha256("any", path) == ""

    path.write_bytes(CONTENT + b"!")
    (fault,) = models.check_weights("any", weights_dir=folder)
    assert f"expected SHA-256 {SHA256[:8]}..., that of the first download (kept in weights.pth.sha256)" in fault
    with pytest.raises(models.WeightsError, match="that of the first download"):
        find_weights("any", weights_dir=folder)

    path.unlink()  # the publisher has another file now: it does not even arrive
    served.write_bytes(CONTENT + b"?")
    with pytest.raises(models.WeightsError, match=f'expected "{SHA256}"'):
        find_weights("any", weights_dir=folder)
    assert names_in(folder) == ["weights.pth.sha256"]


def test_a_file_put_there_by_hand_is_pinned_when_it_is_used_and_not_when_it_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = unhashed("https://example.org/weights.pth")
    monkeypatch.setattr(module, "_public_weights", lambda _: public)
    (tmp_path / "weights.pth").write_bytes(CONTENT)
    assert models.check_weights("x3d_s", weights_dir=tmp_path) == []
    assert names_in(tmp_path) == ["weights.pth"]
    find_weights("x3d_s", weights_dir=tmp_path)
    assert sorted(names_in(tmp_path)) == ["weights.pth", "weights.pth.sha256"]
    (tmp_path / "weights.pth.sha256").write_text("what is this")
    with pytest.raises(models.WeightsError, match="expected the 64 hex digits"):
        find_weights("x3d_s", weights_dir=tmp_path)


def test_a_hash_that_cannot_be_kept_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(CONTENT)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("models.pins.write_whole", refuse)
    with pytest.raises(models.WeightsError, match=r"sha256sum weights\.pth > weights\.pth\.sha256"):
        keep_pin(path, SHA256)


@pytest.mark.parametrize(("licence", "is_said"), [("CC-BY-NC-4.0", True), ("MIT", False)])
def test_a_licence_that_forbids_commercial_use_is_said_before_the_download(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], licence: str, is_said: bool
) -> None:
    with pytest.raises(models.WeightsError):  # said before: here nothing arrives
        download(unhashed(f"{address}/absent.pth", licence), tmp_path / "absent.pth")
    wanted = f"absent.pth: {licence}, no commercial use. From {address}/absent.pth\n"
    assert capsys.readouterr().err == (wanted if is_said else "")
