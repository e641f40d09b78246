"""A child that ends in the midst of a request, at the same moment in every test."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from seizures.processes.child import Child


def end_while_busy(child: Child, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop a child that runs, so that it does not answer, and send it a signal once it has been asked."""
    pid, hear = child.pid, child._hear
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    def send_and_hear() -> tuple[str, Any]:
        monkeypatch.undo()
        os.kill(pid, number)
        os.kill(pid, signal.SIGCONT)
        return hear()

    monkeypatch.setattr(child, "_hear", send_and_hear)
