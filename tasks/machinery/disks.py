"""The disk of the results: who may read what is written there, whether it has links, and that it stays the same one."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
from pathlib import Path

from seizures.errors import SeizuresError

_roots: dict[Path, int] = {}  # device of the folders that must stay where they are; exFAT has no lasting inodes


class DiskGoneError(SeizuresError):
    """The folder of the results is not the one that it was: its disk is no longer there."""


def protect_new_files(*, is_group_writable: bool) -> None:
    """Let only their owner read what this process and its children write; or the group, which may write then, too."""
    os.umask(0o007 if is_group_writable else 0o077)


def make_root(root: Path, *, is_group_writable: bool) -> None:
    """Make the folder of the results, and remember its disk; what is made in it belongs to its group."""
    if not root.exists():
        root.mkdir(parents=True, exist_ok=True)
        if is_group_writable:
            with contextlib.suppress(OSError):  # a disk without owners
                root.chmod(0o2770)
    _roots[root.absolute()] = root.stat().st_dev


def require_same_disk(path: Path) -> None:
    """Refuse to write where a disk was: the empty folder in its place would take everything.

    Raises:
        DiskGoneError: the folder of the results is not there, or on another disk.

    """
    path = path.absolute()
    for root, then in _roots.items():
        if not path.is_relative_to(root):
            continue
        try:
            found = root.stat().st_dev
        except OSError:
            found = None
        if found != then:
            raise DiskGoneError(
                f"{root}: is not the folder that it was when this run began: its disk is no longer there. Nothing is "
                "written in its place. Mount the disk again and run the same command again"
            )


@functools.cache
def has_links(folder: Path) -> bool:
    """Tell whether symbolic links can be made in a folder; exFAT and many network shares have none."""
    # Containers all have a process 1: its id alone would make two of them, or a killed one's rest, look like no links.
    link = folder / f".link.{secrets.token_hex(8)}.tmp"
    try:
        link.symlink_to("nowhere")
    except OSError:
        return False
    link.unlink(missing_ok=True)
    return True
