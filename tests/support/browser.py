"""A real Chromium without a window, driven by the DevTools protocol: what a person would see of a page."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from websockets.sync.client import connect

if TYPE_CHECKING:
    from pathlib import Path

    from websockets.sync.client import ClientConnection

PATIENCE = 60.0


def executable() -> str | None:
    """Chromium, where there is one."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """A context manager; `open` gives a page."""

    def __init__(self, program: str, folder: Path) -> None:
        """`folder`: for its profile; must be empty."""
        self._folder = folder
        self._arguments = [
            program,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
            "--remote-debugging-port=0",
            f"--user-data-dir={folder}",
            "about:blank",
        ]

        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._stack.callback(self._end)
        port, path = self._address()
        address = f"ws://127.0.0.1:{port}{path}"
        self._socket = self._stack.enter_context(connect(address, max_size=None, compression=None, proxy=None))
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _address(self) -> tuple[str, str]:
        file = self._folder / "DevToolsActivePort"
        deadline = time.monotonic() + PATIENCE
        while not file.exists() or len(lines := file.read_text().splitlines()) < 2:
            assert self._process.poll() is None, f"Chromium has ended with {self._process.returncode}"
            assert time.monotonic() < deadline, "Chromium does not listen"
            time.sleep(0.02)
        return lines[0], lines[1]

    def open(self, url: str, *, width: int, height: int, dark: bool, script: bool = True) -> Page:
        """A new page of this size (CSS pixels), loaded."""
        page = Page(self._socket)
        page.begin(width, height, dark=dark, script=script)
        page.load(url)
        return page


class Page:
    """One tab."""

    _numbers = itertools.count(1)

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._session: str | None = None
        self.complaints: list[str] = []
        """What the console showed as warning or error, exceptions nobody caught, requests that failed."""
        self.loads = 0

    def begin(self, width: int, height: int, *, dark: bool, script: bool) -> None:
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._target = target
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable")
        mobile = width < 500
        self._send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._send("Emulation.setEmulatedMedia", features=[scheme])
        self._send("Emulation.setScriptExecutionDisabled", value=not script)

    def load(self, url: str) -> None:
        before = self.loads
        answer = self._send("Page.navigate", url=url)
        assert "errorText" not in answer, answer
        deadline = time.monotonic() + PATIENCE
        while self.loads == before:
            assert time.monotonic() < deadline, f"{url} does not load"
            self._take(self._receive())

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self._send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until it is true."""
        deadline = time.monotonic() + PATIENCE
        while not self.run(expression):
            assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {expression}"
            time.sleep(0.02)

    def until_loaded(self, times: int) -> None:
        """Wait until the page was loaded so often."""
        deadline = time.monotonic() + PATIENCE
        while self.loads < times:
            assert time.monotonic() < deadline, f"it was loaded {self.loads} times"
            self._take(self._receive())

    def picture(self, *, whole: bool = True) -> bytes:
        """A PNG; `whole`: also what is below the window's edge."""
        answer = self._send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def close(self) -> None:
        session, self._session = self._session, None
        assert session
        self._send("Target.closeTarget", targetId=self._target)

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        self._socket.send(json.dumps({"id": number, "method": method, "params": params, **session}))
        while True:
            message = self._receive()
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self._take(message)

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv(PATIENCE))
        return message

    def _take(self, message: dict[str, Any]) -> None:
        if self._session is None or message.get("sessionId") != self._session:
            return
        params = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self.loads += 1
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "warning", "assert"}:
                self.complaints.append(str(params["args"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"]))
            case "Log.entryAdded" if params["entry"]["level"] in {"error", "warning"}:
                self.complaints.append(params["entry"]["text"])
            case "Network.loadingFailed":
                self.complaints.append(params["errorText"])
