"""Being told to stop: by the scheduler of a cluster (SIGTERM), at the keyboard (SIGINT), or by a lost line (SIGHUP).

Luigi takes an exception in a task for a failure of that task and goes on with the next one. So the process ends in the
handler itself: it stops its children, removes unfinished files, and says in one line what happened. Its forks end with
it even where it is killed and handles nothing.
SIGUSR1 belongs to Luigi, which ends after the present task; until Luigi is ready to, it stops the process like SIGTERM.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from types import FrameType

from tasks.machinery.atomic import remove_unfinished

CHILDREN_SECONDS = 10.0
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


def end_orderly_when_told(what: str) -> None:
    """Have the signals that ask this process, called `what` for people, to stop end it without leaving anything behind.

    A signal that is ignored already, as `nohup` does with SIGHUP, stays so.
    """
    owner = os.getpid()

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        if os.getpid() == owner:
            _stop_children()
        remove_unfinished()
        if os.getpid() == owner:
            name = signal.Signals(number).name
            words = f"\n{what}: stopped by {name}; nothing is lost. Run the same command again to go on from here.\n"
            os.write(2, words.encode())  # the stream may be in the middle of a line of the log
        os._exit(128 + number)

    os.register_at_fork(after_in_child=lambda: _end_with(owner))
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def _end_with(parent: int) -> None:
    """Have the kernel end this fork when its parent ends, in whatever way: one of Luigi's would go on for ever."""
    if sys.platform == "linux" and os.getppid() == parent:
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _stop_children() -> None:
    children = multiprocessing.active_children()
    for child in children:
        if child.pid is not None:
            os.kill(child.pid, signal.SIGTERM)  # Luigi's own `terminate` waits for each, without end
    end = time.monotonic() + CHILDREN_SECONDS
    for child in children:
        child.join(max(0.0, end - time.monotonic()))
        child.kill()
