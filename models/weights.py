"""Where weights come from: the public files, their check sums, fetching them, and what identifies them in a cache key.

Imports no torch, so that planning and preflight can ask. What is inside a file is `models/checkpoints.py`'s matter.

`weights` is, everywhere in this package: a file's path; `random:<seed>`; or None for the public weights of the network,
which are looked for in `weights_dir` and fetched into it when they are needed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.client
import os
import tempfile
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from models.errors import ModelsError, WeightsError
from models.registry import network_spec

__all__ = [
    "PUBLIC_WEIGHTS",
    "PublicWeights",
    "WeightsError",
    "check_weights",
    "default_weights_dir",
    "download",
    "find_weights",
    "random_seed",
    "verify",
    "weights_identity",
]

RANDOM_PREFIX = "random:"
MAX_SEED = 2**63 - 1
DOWNLOAD_TIMEOUT_SECONDS = 60.0
_IG65M = "https://github.com/moabitcoin/ig65m-pytorch/releases/download/v1.0.0"
_TORCHVISION = "https://download.pytorch.org/models"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class PublicWeights:
    """A published file of weights; the 8 hex digits at the end of its name begin its SHA-256, as torch.hub has it.

    Attributes:
        file_name: The published name.
        num_classes: Columns of the classifier in it, which is dropped.
        folder: The address that it is published under.
        licence: SPDX identifier under which it was published.
    """

    file_name: str
    num_classes: int
    folder: str = _IG65M
    licence: str = "MIT"

    @property
    def url(self) -> str:
        """Where the file is published."""
        return f"{self.folder}/{self.file_name}"

    @property
    def sha256_prefix(self) -> str:
        """The first 8 hex digits of the file's SHA-256."""
        return Path(self.file_name).stem.rpartition("-")[2]


PUBLIC_WEIGHTS = {
    "r2plus1d_34_8_kinetics": PublicWeights("r2plus1d_34_clip8_ft_kinetics_from_ig65m-0aa0550b.pth", 400),
    "r2plus1d_34_32_kinetics": PublicWeights("r2plus1d_34_clip32_ft_kinetics_from_ig65m-ade133f1.pth", 400),
    "r2plus1d_34_8_ig65m": PublicWeights("r2plus1d_34_clip8_ig65m_from_scratch-9bae36ae.pth", 487),
    "r2plus1d_34_32_ig65m": PublicWeights("r2plus1d_34_clip32_ig65m_from_scratch-449a7af9.pth", 359),
    "resnet_34": PublicWeights("resnet34-b627a593.pth", 1000, _TORCHVISION, "BSD-3-Clause"),
    "wide_resnet_50_2": PublicWeights("wide_resnet50_2-95faca4d.pth", 1000, _TORCHVISION, "BSD-3-Clause"),
}
_PREFIX_OF_FILE = {public.file_name: public.sha256_prefix for public in PUBLIC_WEIGHTS.values()}


def default_weights_dir() -> Path:
    """Return the folder of public weights when none is set: `gestures/weights` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "gestures" / "weights"


def random_seed(weights: str | os.PathLike[str] | None) -> int | None:
    """Return the seed of `random:<seed>`, None when `weights` is something else.

    Raises:
        WeightsError: The seed is not a whole number from 0 to 2^63 - 1.
    """
    text = "" if weights is None else os.fspath(weights)
    if not text.startswith(RANDOM_PREFIX):
        return None
    digits = text.removeprefix(RANDOM_PREFIX)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19 and int(digits) <= MAX_SEED):
        raise WeightsError(f"weights = '{text}': wanted '{RANDOM_PREFIX}' and a whole number from 0 to 2^63 - 1")
    return int(digits)


def weights_identity(
    name: str, weights: str | os.PathLike[str] | None = None, weights_dir: str | os.PathLike[str] | None = None
) -> str:
    """Return what stands for the weights in a cache key; it is the same before and after a download.

    Returns:
        `random:<seed>`; `sha256:<first 8 hex digits>`, the published ones, for a public file (also when it is given by
        its path, under its published name: loading refuses other bytes under that name); else `sha256:<64 hex digits>`.

    Raises:
        UnknownNameError: No network is called `name`.
        WeightsError: The file cannot be read, the seed is no number, or the network has no public weights.
    """
    network_spec(name)
    seed = random_seed(weights)
    if seed is not None:
        return f"{RANDOM_PREFIX}{seed}"
    path = _local_path(name, weights, weights_dir)
    return f"sha256:{_PREFIX_OF_FILE.get(path.name) or _sha256(path)}"


def check_weights(
    name: str, weights: str | os.PathLike[str] | None = None, weights_dir: str | os.PathLike[str] | None = None
) -> list[str]:
    """Return what is wrong with the weights, as far as can be told without loading or fetching them; empty if nothing.

    A public file that is not there yet is no fault: it is fetched when the network is loaded.
    """
    try:
        network_spec(name)
        if random_seed(weights) is None:
            path = _local_path(name, weights, weights_dir)
            if weights is not None or path.exists():
                verify(path)
    except ModelsError as error:
        return [str(error)]
    return []


def find_weights(
    name: str, weights: str | os.PathLike[str] | None = None, weights_dir: str | os.PathLike[str] | None = None
) -> Path:
    """Return the verified file of weights, fetching a public one that is not there yet.

    Raises:
        WeightsError: It is not there, cannot be fetched, or its SHA-256 is another.
    """
    path = _local_path(name, weights, weights_dir)
    if weights is None and not path.exists():
        public = PUBLIC_WEIGHTS[name]
        try:
            download(public.url, path, public.sha256_prefix)
        except WeightsError as error:
            raise WeightsError(
                f"{error} For a machine without internet: fetch that address elsewhere and put the file at {path}, "
                f"or set weights_dir to its folder, or weights to '{RANDOM_PREFIX}0' to try the software."
            ) from error
    verify(path)
    return path


def download(
    url: str,
    path: str | os.PathLike[str],
    sha256_prefix: str,
    *,
    schemes: tuple[str, ...] = ("https",),
    timeout_seconds: float = DOWNLOAD_TIMEOUT_SECONDS,
) -> None:
    """Fetch `url` to `path`, which appears whole and verified or not at all.

    Args:
        url: Address of the file.
        path: Where it goes; its folder is made.
        sha256_prefix: First hex digits of the SHA-256 that it must have.
        schemes: What the address, also after redirection, may begin with.
        timeout_seconds: How long the other side may be silent.

    Raises:
        WeightsError: It cannot be fetched or written, or has another SHA-256.
    """
    path = Path(path)
    partial: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            digest = _copy(url, file, schemes, timeout_seconds)
        if not digest.startswith(sha256_prefix):
            raise WeightsError(f"{url} has SHA-256 {digest[:8]}..., not {sha256_prefix}...: it was not kept.")
        Path(partial).chmod(0o644)  # mkstemp's own mode would keep the file from a lab's other users
        Path(partial).replace(path)
        partial = None
    except (OSError, ValueError, http.client.HTTPException) as error:  # URLError is an OSError
        raise WeightsError(f"Cannot fetch {url} to {path}: {error}.") from error
    finally:
        if partial is not None:
            with contextlib.suppress(OSError):
                Path(partial).unlink()


def verify(path: Path) -> None:
    """Check that the file can be read and, when it bears a published name, that it is the published file.

    Raises:
        WeightsError: It is not there, is no file or is empty, cannot be read, or has another SHA-256.
    """
    digest = _sha256(path)
    wanted = _PREFIX_OF_FILE.get(path.name)
    if wanted is not None and not digest.startswith(wanted):
        raise WeightsError(
            f"{path} has SHA-256 {digest[:8]}..., the published file of that name {wanted}...: it is damaged or "
            "another file. Remove it, and it is fetched again; or give a file of your own another name."
        )


def _local_path(name: str, weights: str | os.PathLike[str] | None, weights_dir: str | os.PathLike[str] | None) -> Path:
    """Return where the file of weights is, or would be once it is fetched."""
    if weights is not None:
        return Path(weights).expanduser()
    if name not in PUBLIC_WEIGHTS:
        raise WeightsError(
            f"{name} has no public weights: set weights to '{RANDOM_PREFIX}0' (or another seed) or to a file."
        )
    folder = default_weights_dir() if weights_dir is None else Path(weights_dir).expanduser()
    return folder / PUBLIC_WEIGHTS[name].file_name


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file in 64 hex digits, read once per process while its size and time stay."""
    try:
        status = path.stat()
        if not path.is_file() or status.st_size == 0:
            raise WeightsError(f"Weights {path}: wanted a file of weights, found {_kind(path)}.")
        return _sha256_of(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        hint = f"give the path of a file, or '{RANDOM_PREFIX}<seed>'"
        raise WeightsError(f"Cannot read the weights {path}: {error.strerror or error}; {hint}.") from error


@functools.lru_cache(maxsize=32)
def _sha256_of(path: Path, _size: int, _modified_ns: int) -> str:
    # Size and time are there for the cache: a file that changed is read again.
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _kind(path: Path) -> str:
    return "an empty file" if path.is_file() else "a folder or something else"


def _copy(url: str, file: IO[bytes], schemes: tuple[str, ...], timeout_seconds: float) -> str:
    """Copy what `url` holds into `file`; return its SHA-256."""
    _refuse_scheme(url, schemes)
    digest = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=timeout_seconds) as response:
        _refuse_scheme(response.url, schemes)
        while block := response.read(_BLOCK_BYTES):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _refuse_scheme(url: str, schemes: tuple[str, ...]) -> None:
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme not in schemes:
        raise ValueError(f"{url} begins with '{scheme}', wanted {' or '.join(schemes)}")
