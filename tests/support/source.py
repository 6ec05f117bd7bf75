"""`benzinga-kafka source` and `processor` as processes of their own, as an operator runs them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from pathlib import Path

READY_SECONDS = 60.0
HTTP_OK = 200


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class SourceProcess:
    """Started, killed, stopped and asked by a test; its log goes to a file."""

    command = "source"

    def __init__(self, folder: Path, **settings: str) -> None:
        """`settings`: environment variables without `BENZINGA_`."""
        self.port = free_port()
        self.log = folder / f"{self.command}-{self.port}.log"
        self._environment = os.environ | {f"BENZINGA_{name}": value for name, value in settings.items()}
        self._environment |= {"BENZINGA_HTTP__HOST": "127.0.0.1", "BENZINGA_HTTP__PORT": str(self.port)}
        self._environment.setdefault("BENZINGA_SOURCE__JOURNAL__DIR", str(folder / f"journal-{self.port}"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.running:
            self.kill()

    @property
    def environment(self) -> dict[str, str]:
        """For another command with the same settings."""
        return dict(self._environment)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "connector", self.command], env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self, timeout: float = 30.0) -> int:
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        return self.process.wait(timeout)

    def wait(self, timeout: float = 60.0) -> int:
        return self.process.wait(timeout)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def until_ready(self, timeout: float = READY_SECONDS) -> None:
        self.until(lambda: self.get("/readyz")[0] == 200, timeout)

    def until(self, predicate: Any, timeout: float = 60.0) -> None:
        deadline = time.monotonic() + timeout
        while not predicate():
            assert self.running, f"the {self.command} ended with {self.process.returncode}:\n{self.log_tail()}"
            assert time.monotonic() < deadline, f"not within {timeout:g} s:\n{self.log_tail()}"
            time.sleep(0.02)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples with this name whose labels include `labels`; 0 where there are none."""
        total = 0.0
        status, text = self.get("/metrics")
        for family in text_string_to_metric_families(text if status == HTTP_OK else ""):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    total += sample.value
        return total

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """The log's lines, of this event where one is named."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if not name or line["event"] == name]

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text().splitlines()[-lines:])


class ProcessorProcess(SourceProcess):
    """`benzinga-kafka processor`."""

    command = "processor"
