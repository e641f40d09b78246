"""A page looked at in Debian's headless Firefox, driven by its own remote protocol (Marionette), without a driver."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FIREFOX = shutil.which("firefox-esr")
PATIENCE_SECONDS = 60.0


class Firefox:
    """One open window."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._number = 0
        self._receive()  # its greeting
        self.ask("WebDriver:NewSession", capabilities={})

    def open(self, page: Path, *, width: int, height: int = 900) -> None:
        """Open a file from the disk in a window of about this size, and wait until it is loaded."""
        self.ask("WebDriver:SetWindowRect", width=width, height=height)
        self.ask("WebDriver:Navigate", url=page.absolute().as_uri())

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression gives, in the page."""
        script = (
            f"return window.wrappedJSObject ? window.eval({json.dumps(expression)}) : eval({json.dumps(expression)})"
        )
        return self.ask("WebDriver:ExecuteScript", script=script, args=[])["value"]

    def click(self, x: float, y: float) -> None:
        """Click at a place of the window."""
        moves = [
            {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0, "origin": "viewport"},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        hand = {"type": "pointer", "id": "hand", "parameters": {"pointerType": "mouse"}, "actions": moves}
        self.ask("WebDriver:PerformActions", actions=[hand])

    def press(self, key: str) -> None:
        """Press a key and let go of it."""
        strokes = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self.ask("WebDriver:PerformActions", actions=[{"type": "key", "id": "keys", "actions": strokes}])

    def screenshot(self, path: Path) -> None:
        """Write what the window shows as a PNG."""
        found = self.ask("WebDriver:TakeScreenshot", full=False)
        path.write_bytes(base64.b64decode(found["value"]))

    def ask(self, command: str, **parameters: Any) -> Any:
        """Send one command and return its answer."""
        self._number += 1
        text = json.dumps([0, self._number, command, parameters])
        self._link.sendall(f"{len(text.encode())}:{text}".encode())
        _, number, error, result = self._receive()
        assert number == self._number
        assert error is None, error
        return result

    def _receive(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            size += self._take(1)
        return json.loads(self._take(int(size[:-1])))

    def _take(self, number: int) -> bytes:
        data = b""
        while len(data) < number:
            piece = self._link.recv(number - len(data))
            assert piece, "firefox has ended"
            data += piece
        return data


@contextlib.contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """Start Firefox with a new profile in `folder`, and end it with all of its processes."""
    assert FIREFOX is not None
    profile = folder / "profile"
    profile.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    preferences = {
        "marionette.port": port, "app.update.enabled": False, "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False, "services.settings.server": "data:,#remote-settings-dummy/v1",
        "browser.safebrowsing.malware.enabled": False, "toolkit.telemetry.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False, "media.autoplay.default": 0,
    }  # fmt: skip
    lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in preferences.items()]
    (profile / "user.js").write_text("\n".join(lines))
    process = subprocess.Popen(
        [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", str(profile)],
        env={**os.environ, "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with _connected(port) as link:
            yield Firefox(link)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _connected(port: int) -> socket.socket:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "firefox does not answer"
            time.sleep(0.1)
