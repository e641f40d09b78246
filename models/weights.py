"""Where weights come from: which file, its hash, downloading it, and what identifies it in a cache key.

Imports torch only to download, so planning and preflight can ask. `models/checkpoints.py` reads what is in the file.

Throughout this package `weights` is the path of a file, `random:<seed>`, or None for the public weights of the network,
which are looked up in `weights_dir` and downloaded into it when the network is loaded.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.client
import importlib.util
import os
import socket
import sys
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path

from models.errors import ModelsError, WeightsError
from models.own_network import is_own, own_identity
from models.pins import check_pin, check_sums, keep_pin, read_pin
from models.registry import RANDOM_PREFIX, network_spec, published_weights
from models.spec import NO_WEIGHTS, PublicWeights

MAX_SEED = 2**63 - 1
DOWNLOAD_TIMEOUT_SECONDS = 60.0  # of silence, not of the whole download
_BLOCK_BYTES = 1 << 20


def default_weights_dir() -> Path:
    """Return the folder of public weights if none is set: `gestures/weights` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "gestures" / "weights"


def random_seed(weights: str | os.PathLike[str] | None) -> int | None:
    """Return the seed of `random:<seed>`, or None if `weights` is something else.

    Raises:
        WeightsError: The seed is not a whole number from 0 to 2^63 - 1.
    """
    text = "" if weights is None else os.fspath(weights)
    if not text.startswith(RANDOM_PREFIX):
        return None
    digits = text.removeprefix(RANDOM_PREFIX)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19 and int(digits) <= MAX_SEED):
        raise WeightsError(f"weights = '{text}': expected '{RANDOM_PREFIX}' and a whole number from 0 to 2^63 - 1")
    return int(digits)


def weights_path(
    name: str, weights: str | os.PathLike[str] | None = None, weights_dir: str | os.PathLike[str] | None = None
) -> Path:
    """Return where the file of weights is, or where its download will go."""
    if weights is not None:
        return Path(weights).expanduser()
    folder = default_weights_dir() if weights_dir is None else Path(weights_dir).expanduser()
    return folder / _public_weights(name).file_name


def weights_identity(
    name: str,
    weights: str | os.PathLike[str] | None = None,
    weights_dir: str | os.PathLike[str] | None = None,
    hash_file: Callable[[Path], str] | None = None,
) -> str:
    """Return what identifies the weights in a cache key; the same before and after a download.

    `hash_file` returns the SHA-256 of a file, where somebody remembers it.

    Returns:
        `none` where the network has no weights; `random:<seed>`; for a public file `sha256:` and the first 8 hex digits
        of its published hash, also if it is given by its path under its published name (loading refuses other bytes
        under that name); `file:` and its name for a public file without a published hash (`pinned_sha256` has the hash
        of what was downloaded); for any other file `sha256:` and all 64 hex digits; the same of source and weights for
        a network of a person's own.

    Raises:
        UnknownNameError: No network has that name.
        WeightsError: The file cannot be read, the seed is not a number, or the network has no public weights.
    """
    if is_own(name):
        return own_identity(name, own_weights(name, weights))
    if not network_spec(name).has_weights:
        return NO_WEIGHTS
    seed = random_seed(weights)
    if seed is not None:
        return f"{RANDOM_PREFIX}{seed}"
    path = weights_path(name, weights, weights_dir)
    public = _published_as(path) if weights is not None else _public_weights(name)
    return public.identity if public else f"sha256:{_sha256(path, hash_file)}"


def check_weights(
    name: str,
    weights: str | os.PathLike[str] | None = None,
    weights_dir: str | os.PathLike[str] | None = None,
    hash_file: Callable[[Path], str] | None = None,
) -> list[str]:
    """Return what is wrong with the weights, as far as it shows without loading or downloading them; empty if nothing.

    `hash_file` returns the SHA-256 of a file, where somebody remembers it. A public file that is not there yet is not a
    fault: it is downloaded when the network is loaded.
    """
    try:
        if is_own(name):
            own_identity(name, own_weights(name, weights))
            return []
        library = network_spec(name).library
        if library and importlib.util.find_spec(library) is None:
            return [f"{name} needs the library {library}: pip install '.[{library}]'"]
        if network_spec(name).has_weights and random_seed(weights) is None:
            path = weights_path(name, weights, weights_dir)
            if weights is not None or path.exists():
                digest = verify(path, hash_file)
                if weights is None:
                    check_kept(path, digest)
    except ModelsError as error:
        return [str(error)]
    return []


def own_weights(name: str, weights: str | os.PathLike[str] | None) -> Path | None:
    """Return the file of weights of a network of a person's own; None where it has them when it is built.

    Raises:
        WeightsError: Random weights are asked for, which only `build()` could draw.
    """
    if random_seed(weights) is not None:
        raise WeightsError(
            f"weights = '{weights}': the network {name} has the weights that its function gives it; leave weights "
            "empty, or name a file"
        )
    return None if weights is None else Path(weights).expanduser()


def find_weights(
    name: str, weights: str | os.PathLike[str] | None = None, weights_dir: str | os.PathLike[str] | None = None
) -> Path:
    """Return the path of a file of weights whose hash was checked, downloading a public one that is not there yet.

    Raises:
        UnknownNameError: No network has that name.
        WeightsError: The file is missing, cannot be downloaded, or has the wrong SHA-256.
    """
    path = weights_path(name, weights, weights_dir)
    if weights is None and not path.exists():
        download(_public_weights(name), path)
    digest = verify(path)
    if weights is None:
        check_kept(path, digest)
        if not _public_weights(name).sha256_prefix:
            keep_pin(path, digest)
    return path


def pinned_sha256(
    name: str, weights: str | os.PathLike[str] | None = None, weights_dir: str | os.PathLike[str] | None = None
) -> str:
    """Return the 64 hex digits that were kept of a public file without a published hash; empty for all other weights.

    Raises:
        UnknownNameError: No network has that name.
        WeightsError: What was kept cannot be read.
    """
    public = None if is_own(name) else network_spec(name).public_weights
    if weights is not None or public is None or public.sha256_prefix:
        return ""
    return read_pin(weights_path(name, weights, weights_dir))


def download(public: PublicWeights, path: Path) -> None:
    """Download public weights to `path`, which appears complete and with the right hash, or not at all.

    `torch.hub` writes to a temporary file of its own beside `path` and renames it once the hash is right, so several
    processes may download the same file at once. Where the weights' licence forbids commercial use, a line on stderr
    says so before.

    Raises:
        WeightsError: The file cannot be downloaded or written, or has the wrong SHA-256. The message says which file to
            put where on a machine without internet.
    """
    import torch.hub

    expected = public.sha256_prefix or read_pin(path) or None
    if public.forbids_commercial_use:
        print(
            f"{public.file_name}: {public.licence}, no commercial use. From {public.url}", file=sys.stderr, flush=True
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _socket_timeout(DOWNLOAD_TIMEOUT_SECONDS):
            torch.hub.download_url_to_file(public.url, str(path), hash_prefix=expected, progress=sys.stderr.isatty())
    except (OSError, RuntimeError, http.client.HTTPException) as error:  # URLError is an OSError
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it holds the connection
        raise WeightsError(
            f"Cannot download {public.url} to {path}: {error}. On a machine without internet, download that address "
            f"elsewhere and put the file at {path}, or set weights_dir to its folder; or set weights to "
            f"'{RANDOM_PREFIX}0' to try the software."
        ) from error


def verify(path: Path, hash_file: Callable[[Path], str] | None = None) -> str:
    """Check that the file can be read and, if it bears a published name, that it is the published file.

    Returns:
        Its SHA-256, 64 hex digits.

    Raises:
        WeightsError: It is missing, not a file, empty, unreadable, or has the wrong SHA-256.
    """
    digest, public = _sha256(path, hash_file), _published_as(path)
    if public and not digest.startswith(public.sha256_prefix):
        raise WeightsError(
            f"{path}: expected SHA-256 {public.sha256_prefix}..., as published under that name, got {digest[:8]}...: "
            "it is damaged or another file. Delete it to download it again, or rename it if the weights are your own."
        )
    return digest


def check_kept(path: Path, sha256: str) -> None:
    """Check the SHA-256 of a public file against `SHA256SUMS` beside it and, if none was published, against its pin.

    Raises:
        WeightsError: They differ.
    """
    if not _published_as(path):
        check_pin(path, sha256)
    check_sums(path, sha256)


def _public_weights(name: str) -> PublicWeights:
    public = network_spec(name).public_weights
    if public is None:
        raise WeightsError(
            f"{name} has no public weights: set weights to '{RANDOM_PREFIX}0' (or another seed) or to a file."
        )
    return public


def _published_as(path: Path) -> PublicWeights | None:
    """Return the public weights with a published hash whose file name `path` bears."""
    return next(
        (public for public in published_weights() if public.sha256_prefix and public.file_name == path.name), None
    )


def _sha256(path: Path, hash_file: Callable[[Path], str] | None = None) -> str:
    """Return the SHA-256 of a file as 64 hex digits, read once per process unless its size or time changes."""
    try:
        status = path.stat()
        if not path.is_file() or status.st_size == 0:
            found = "an empty file" if path.is_file() else "a folder or something else"
            raise WeightsError(f"Weights {path}: expected a file of weights, found {found}.")
        return hash_file(path) if hash_file else _sha256_of(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        hint = f"give the path of a file, or '{RANDOM_PREFIX}<seed>'"
        raise WeightsError(f"Cannot read the weights {path}: {error.strerror or error}; {hint}.") from error


@functools.lru_cache(maxsize=32)
def _sha256_of(path: Path, _size: int, _modified_ns: int) -> str:
    # Size and time are part of the cache key: a file that changed is read again.
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Let new sockets give up after this much silence: `torch.hub` sets no timeout, and would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
