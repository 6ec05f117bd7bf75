"""The processes a measurement consists of: sender, bare parts, reader and the source itself."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import IO, TYPE_CHECKING, Any, Final, Self

from prometheus_client.parser import text_string_to_metric_families

from connector.embedded.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATIENCE: Final = 120.0
"""Seconds for anything; a measurement that takes longer is broken."""


def until(condition: Callable[[], bool], what: str, every: float = 0.02) -> None:
    """Wait for `condition`, asking every `every` seconds. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {PATIENCE:g} s")
        time.sleep(every)


class Child:
    """A Python module as a process that is spoken to in JSON lines; a context manager."""

    def __init__(
        self, *arguments: str, environment: Mapping[str, str] | None = None, errors: IO[str] | None = None
    ) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **(environment or {})},
            text=True,
        )
        self.pid = self.process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def tell(self, line: dict[str, Any]) -> None:
        """Send one line."""
        if self.process.stdin is not None:
            self.process.stdin.write(json.dumps(line) + "\n")
            self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The next line. Raises RuntimeError where the process has ended, TimeoutError where it says nothing."""
        pipe = self.process.stdout
        if pipe is None or not select.select([pipe], [], [], PATIENCE)[0]:
            raise TimeoutError(f"{self.process.args!r}: no answer within {PATIENCE:g} s")
        line = pipe.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r}: ended with {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, line: dict[str, Any]) -> dict[str, Any]:
        """Send a line, and wait for its answer."""
        self.tell(line)
        return self.hear()


class Source(Child):
    """`benzinga-kafka source` with these settings, by their environment variables without `BENZINGA_`."""

    command = "source"

    def __init__(self, settings: Mapping[str, str], log: IO[str] | None = None) -> None:
        self._url = f"http://127.0.0.1:{(port := free_ports(1)[0])}"
        settings = {"HTTP__HOST": "127.0.0.1", "HTTP__PORT": str(port), "LOG__LEVEL": "warning", **settings}
        environment = {f"BENZINGA_{name}": value for name, value in settings.items()}
        super().__init__("connector", self.command, environment=environment, errors=log)

    @property
    def is_ready(self) -> bool:
        """Whether `/readyz` is 200."""
        return self._get("/readyz") is not None

    def ready(self, every: float = 0.02) -> float:
        """Wait for `/readyz` to be 200; seconds since the process was started."""

        def asked() -> bool:
            if self.process.poll() is not None:
                raise RuntimeError(f"the {self.command} ended with {self.process.returncode}")
            try:
                return self.is_ready
            except OSError:
                return False

        until(asked, "ready", every)
        return time.monotonic() - self.started

    def metric(self, name: str, **labels: str) -> float:
        """A sample's value; the sum over all series that have `labels`."""
        families = text_string_to_metric_families(self._get("/metrics") or "")
        found = [
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == f"benzinga_{self.command}_{name}" and labels.items() <= sample.labels.items()
        ]
        return sum(found)

    def _get(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(self._url + path, timeout=5) as response:
                text: str = response.read().decode()
                return text
        except urllib.error.HTTPError as error:
            error.close()
            return None


class Processor(Source):
    """`benzinga-kafka processor`."""

    command = "processor"
