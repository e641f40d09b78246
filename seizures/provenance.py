"""Where a result comes from: versions, commit, device. Nothing here names a host, a person or a folder."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

PACKAGE = "gestures"
DISTRIBUTIONS = (
    "torch",
    "torchvision",
    "pytorchvideo",
    "av",
    "h5py",
    "numpy",
    "pandas",
    "scikit-learn",
    "luigi",
)


def collect(device: str = "cpu") -> dict[str, Any]:
    """Return what made a result, ready for JSON and safe to hand to another lab.

    Args:
        device: the torch device that computes; for a CUDA device, its model and CUDA's version are added.

    Returns:
        `versions` (library to version), `code` (commit or release), `device`, `platform` (system and processor kind).

    """
    return {
        "versions": versions(),
        "code": code_version(),
        "device": device_name(device),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that are installed, without importing any of them."""
    found = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        version = _distribution_version(name)
        if version is not None:
            found[name] = version
    return found


@functools.cache
def code_version() -> str:
    """Return the commit of this code, with `-dirty` if tracked files differ from it; the release if not a checkout."""
    # A copy inside another project's checkout (its .venv, say) must not borrow that project's commit.
    if _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return release()
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return release() if not commit else f"{commit}-dirty" if changes else commit


def release() -> str:
    """Return the name and the release of this software."""
    return f"{PACKAGE} {_distribution_version(PACKAGE) or '(not installed)'}"


@functools.cache
def reader_versions() -> dict[str, str]:
    """Return the versions of what reads films: this software, PyAV, and the libraries of ffmpeg that it is built on."""
    found = {PACKAGE: release(), "av": _distribution_version("av") or ""}
    with contextlib.suppress(ImportError):  # which is told where a film is to be read
        import av  # needed only where a film was left out

        found |= {name: ".".join(map(str, version)) for name, version in sorted(av.library_versions.items())}
    return found


def device_name(device: str) -> str:
    """Return the device for a person to read: `cpu`, or the model of the GPU and the version of CUDA."""
    if not device.startswith("cuda"):
        return device
    import torch  # heavy, and needed only where a GPU has computed

    return f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"


def _distribution_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    """Run git beside this file; None where git, the checkout or the answer is missing."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
