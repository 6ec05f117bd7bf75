"""Runs `benzinga-kafka` as an operator would, and holds every run to what none may do."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.embedded import EmbeddedKafka, EmbeddedRegistry

TOKEN = "bz.production0123456789abcdef"  # made up
_TIMEOUT = 60


@dataclass
class Result:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class CommandLine:
    """Runs with an environment of its own; whatever a run prints has neither a traceback nor a secret in it."""

    env: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=lambda: [TOKEN])

    def __call__(self, *args: str, **env: str) -> Result:
        done = subprocess.run(
            _argv(args), env=self._environment(env), capture_output=True, timeout=_TIMEOUT, check=False
        )
        return self._result(done.returncode, done.stdout, done.stderr)

    def start(self, *args: str, **env: str) -> subprocess.Popen[bytes]:
        """A run that goes on."""
        environment = self._environment(env) | {"PYTHONFAULTHANDLER": "1"}
        return subprocess.Popen(_argv(args), bufsize=0, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self, process: subprocess.Popen[bytes], number: int = signal.SIGINT) -> Result:
        """Send a signal and wait."""
        process.send_signal(number)
        out, err = process.communicate(timeout=_TIMEOUT)
        return self._result(process.returncode, out, err)

    def with_env(self, **env: str) -> CommandLine:
        """The same with more settings."""
        return CommandLine(self.env | env, self.secrets)

    def _environment(self, env: dict[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BENZINGA_")}
        return inherited | self.env | env

    def _result(self, code: int, out: bytes, err: bytes) -> Result:
        result = Result(code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
        assert "Traceback" not in result.err, result.err
        for secret in self.secrets:
            assert secret not in result.out + result.err
        return result


def read_line(process: subprocess.Popen[bytes]) -> bytes:
    """The next line of a run that goes on; one that is silent for too long has to show its stacks."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], _TIMEOUT)[0]:
        process.send_signal(signal.SIGABRT)
        raise AssertionError(process.communicate()[1].decode())
    return process.stdout.readline()


def _argv(args: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "connector", *args]


def settings_env(kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str) -> dict[str, str]:
    """What leads a command to the embedded servers."""
    return {
        "BENZINGA_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "BENZINGA_SCHEMA_REGISTRY__URL": registry.url,
        "BENZINGA_TOPICS__PREFIX": prefix,
        "BENZINGA_TOPICS__PARTITIONS": "2",
        "BENZINGA_TOPICS__REPLICATION_FACTOR": "1",
        "BENZINGA_FEED__STREAMS": '["news", "transcripts"]',
        "BENZINGA_FEED__TOKEN": TOKEN,
        "BENZINGA_HTTP__PORT": "0",
    }
