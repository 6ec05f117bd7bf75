"""`benzinga-kafka source` and `processor` as child processes: the real thing, as an operator runs it."""

from __future__ import annotations

import http.client
import json
import os
import sys
from typing import TYPE_CHECKING, Final

from connector.embedded.ports import HOST
from connector.embedded.process import ServerProcess
from connector.errors import EmbeddedError

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from connector.embedded.workspace import Workspace

_STOP_SECONDS: Final = 30.0


class Child:
    """Launched, then awaited until `/readyz` says so; gone with this process, however that ends."""

    def __init__(self, name: str, config: Path, workspace: Workspace, stop: threading.Event) -> None:
        """`name`: the command; `stop` ends the wait for readiness."""
        self.name = name
        command = [sys.executable, "-m", "connector", name, "--config", str(config)]
        self._process = ServerProcess(name, command, workspace, self._is_ready, os.environ)
        self._stop = stop
        self.port = 0
        """Of its HTTP server, once it listens."""

    @property
    def running(self) -> bool:
        """Whether it exists."""
        return self._process.running

    @property
    def address(self) -> str:
        """Where its metrics are."""
        return f"{HOST}:{self.port}"

    def launch(self) -> None:
        """Start, without waiting."""
        self._process.launch()

    def wait_ready(self) -> None:
        """Wait until it is ready. Raises EmbeddedError with what it said where it ends instead."""
        try:
            self._process.wait_ready()
        except EmbeddedError as error:
            raise EmbeddedError(self.last_words) from error

    def stop(self) -> int | None:
        """SIGTERM: it commits what is in flight and leaves. Its exit status."""
        self._process.stop(_STOP_SECONDS)
        return self._process.exit_status

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    @property
    def last_words(self) -> str:
        """Why it has ended, as it said itself: its sentences, without its log."""
        lines = self._process.tail().splitlines()
        sentences = [text.removeprefix("Error: ") for text in lines if text and not text.startswith("{")]
        return f"the {self.name} has ended: " + ("\n".join(sentences) or (lines[-1] if lines else "it said nothing"))

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a GET. Raises OSError where it does not answer."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def _is_ready(self, log: str) -> bool:
        if self._stop.is_set():
            return True
        if not self.port:
            self.port = _port(log)
        try:
            return self.port > 0 and self.get("/readyz")[0] == http.client.OK
        except OSError:
            return False


def _port(log: str) -> int:
    """The port named in a log, 0 where there is none yet."""
    for line in log.splitlines():
        if '"http.listening"' in line and line.endswith("}"):
            return int(json.loads(line)["port"])
    return 0
