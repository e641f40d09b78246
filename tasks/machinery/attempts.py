"""Videos that kill the process that reads them: each attempt leaves a mark while it lasts; two dead marks are enough.

A mark is removed when the attempt ends in any orderly way: done, failed, or told to stop. One whose process is gone
says that the process was killed from outside (out of memory) or crashed, and the one thing that it was doing was this
video. A restart of the machine does not count.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from seizures.errors import VideoError
from tasks.machinery.run_lock import is_alive, is_of_earlier_boot, own_name, presence, read_presence

MAX_KILLS = 2


class QuarantineError(VideoError):
    """Reading a video ended the process twice; it is not tried again."""


@contextlib.contextmanager
def attempt(folder: Path, name: str, remedy: str) -> Iterator[None]:
    """Mark in `folder` that this process attempts `name` as long as the block lasts.

    Args:
        folder: of the marks of all attempts.
        name: what is attempted; another file or setting is another name.
        remedy: what to do to have it tried again as it is, for the message.

    Raises:
        QuarantineError: two earlier attempts were killed; their marks are removed.

    """
    marks = killed_attempts(folder, name)
    if len(marks) >= MAX_KILLS:
        ends = " and ".join(_told(path) for path in marks)
        _forget(marks)
        raise QuarantineError(
            f"killed the process {len(marks)} times ({ends}): out of memory, a decoder crash, or kill -9. "
            f"Repair the video or set use = skip; to try it again as it is, {remedy}"
        )
    with presence(folder / f"{name}@{own_name()}.json", attempt=name):
        yield
    _forget(marks)


def killed_attempts(folder: Path, name: str) -> list[Path]:
    """Return the marks of attempts at `name` whose process was killed, oldest first; remove those of earlier boots."""
    killed = []
    for path in folder.glob(f"{name}@*.json"):
        found = read_presence(path)
        if found is None or is_alive(path, found):
            continue
        if is_of_earlier_boot(found):
            _forget([path])
        else:
            killed.append((str(found["since"]), path))
    return [path for _, path in sorted(killed)]


def _told(path: Path) -> str:
    found = read_presence(path)
    return f"{found['since'][:19].replace('T', ' ')} on {found['host']}" if found else path.name


def _forget(marks: list[Path]) -> None:
    for path in marks:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
