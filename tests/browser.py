"""A page looked at in Debian's headless Chromium, driven over a pipe (Chrome DevTools Protocol), without a driver."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")
PHONE_WIDTH = 360
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE_SECONDS = 60.0


def show_whole(folder: Path, page: Path, *, width: int, num_pictures: int) -> None:
    """Open a page, all of it unfolded, and check that it asks nobody, complains of nothing, and is not too wide."""
    with browser(folder) as chromium:
        chromium.open(page, width=width)
        chromium.value("document.querySelectorAll('details').forEach(item => item.open = true)")
        assert chromium.requests() == [page.as_uri()]
        assert chromium.complaints() == []
        drawn = chromium.value("[...document.images].map(image => image.complete && image.naturalWidth > 0)")
        assert drawn == [True] * num_pictures
        assert chromium.value("document.documentElement.scrollWidth") <= width


class Browser:
    """One open page: what it asked for, what it complained of, and what it says of itself."""

    def __init__(self, commands: int, answers: int) -> None:
        self.commands, self.answers = commands, answers
        self.events: list[dict[str, Any]] = []
        self._read = b""
        self._number = 0
        self._session = ""

    def open(self, page: Path, *, width: int, height: int = 900, scripts: bool = True) -> None:
        """Open a file from the disk in a window of this size, in CSS pixels, and wait until it is loaded."""
        self._session = ""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        phone = width < 700
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        if not scripts:
            self.ask("Emulation.setScriptExecutionDisabled", value=True)
        self.events.clear()
        self.ask("Page.navigate", url=page.absolute().as_uri())
        self._wait_for("Page.loadEventFired")

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression gives, in the page."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        return self.ask("Runtime.evaluate", **asked)["result"].get("value")

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for since it was opened, itself included, without inline data."""
        sent = [event["params"] for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [item["request"]["url"] for item in sent if not item["request"]["url"].startswith("data:")]

    def complaints(self) -> list[str]:
        """Return what was written to the console, and every error and refusal of the browser."""
        methods = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Network.loadingFailed")
        return [json.dumps(event["params"]) for event in self.events if event["method"] in methods]

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Write the whole page, or what the window shows of it, as a PNG."""
        found = self.ask("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        path.write_bytes(base64.b64decode(found["data"]))

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """Move, press or release the mouse, or turn its wheel (`mouseMoved`, `mousePressed`, ...), in CSS pixels."""
        if kind in ("mousePressed", "mouseReleased"):
            more = {"button": "left", "clickCount": 1, **more}
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x: float, y: float) -> None:
        """Click at a place of the window."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.mouse(kind, x, y)

    def press(self, key: str, **more: Any) -> None:
        """Press a key and let go of it, by the name that the page is told (`ArrowLeft`, `a`)."""
        text = {"text": key} if len(key) == 1 else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **more)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, **more)

    def dress(self, *, dark: bool = False, still: bool = True) -> None:
        """Ask for a light or dark page, and for one without transitions."""
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        listed = [{"name": name, "value": value} for name, value in features.items()]
        self.ask("Emulation.setEmulatedMedia", features=listed)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its answer; events on the way are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _wait_for(self, method: str) -> None:
        while not any(event["method"] == method for event in self.events):
            self._next()

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while b"\0" not in self._read:
            ready, _, _ = select.select([self.answers], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "chromium does not answer"
            piece = os.read(self.answers, 1 << 20)
            assert piece, "chromium has ended"
            self._read += piece
        text, _, self._read = self._read.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium with a new profile in `folder`, and end it with all of its processes."""
    assert CHROMIUM is not None
    from_us, commands = os.pipe()
    answers, to_us = os.pipe()
    # Chromium reads commands from descriptor 3 and answers on 4; the shell puts them there whatever is open here.
    script = f'exec "$@" 3<&{from_us} 4>&{to_us}'
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", CHROMIUM, *OPTIONS, f"--user-data-dir={folder / 'profile'}"],
        pass_fds=(from_us, to_us),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(from_us)
    os.close(to_us)
    try:
        yield Browser(commands, answers)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(commands)
        os.close(answers)
