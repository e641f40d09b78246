"""A temporary folder of which nothing stays, also where the process that made it is killed."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

_REMOVE_AT_THE_END = 'cat > /dev/null; rm -rf -- "$1"'  # `cat` ends when nobody holds the other end of its input


@contextlib.contextmanager
def scratch_folder(beside: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder that is removed when the block ends, or soon after this process was killed.

    It is in the system's temporary folder, or beside a path that something in it is to be renamed to.
    """
    if beside is None:
        folder = tempfile.mkdtemp(prefix="gestures-")
    else:
        folder = tempfile.mkdtemp(prefix=".", dir=beside.absolute().parent)
    remover = subprocess.Popen(
        ["/bin/sh", "-c", _REMOVE_AT_THE_END, "sh", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # what ends all of this session leaves it alone
    )
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        assert remover.stdin is not None
        remover.stdin.close()
        remover.wait()
