"""One server as a child process: started and awaited, killed, paused, stopped, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final

from connector.embedded.java import java_environment
from connector.embedded.workspace import GUARD, PYTHON, Workspace
from connector.errors import EmbeddedError
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

log = get_logger(__name__)

_POLL_SECONDS: Final = 0.02
_KILL_SECONDS: Final = 10.0
_TAIL_LINES: Final = 30
_PORT_TAKEN: Final = ("BindException", "Address already in use")


class PortTakenError(EmbeddedError):
    """Somebody else took the port between its choice and the server's start: another port will do."""


class ServerProcess:
    """`command` under the name `name`, its output appended to `<name>.log` in the workspace.

    `is_ready` is called with what the log has got since the start, every few milliseconds, until it returns true.
    `environment`: the child's; by default what a Java child needs and nothing else.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        workspace: Workspace,
        is_ready: Callable[[str], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = workspace.path / f"{name}.log"
        self._command = list(command)
        self._workspace = workspace
        self._is_ready = is_ready
        self._environment = java_environment() if environment is None else environment
        self._guard: subprocess.Popen[str] | None = None
        self._pid = 0
        self._log_start = 0
        self.exit_status: int | None = None
        """Of its last end, 128 + the signal's number where one ended it."""

    @property
    def running(self) -> bool:
        """Whether the process exists, paused or not."""
        return self._guard is not None and self._guard.poll() is None

    @property
    def pid(self) -> int:
        """Its process id. Raises EmbeddedError where it does not run."""
        if not self.running:
            raise EmbeddedError(f"{self.name} is not running; call start() first")
        return self._pid

    def start(self, timeout: float = 60.0) -> None:
        """Launch, and wait up to `timeout` seconds until it is ready. Raises EmbeddedError with the end of its log."""
        self.launch()
        self.wait_ready(timeout)

    def launch(self) -> None:
        """Start without waiting. Raises EmbeddedError where it runs already or cannot be started."""
        if self.running:
            raise EmbeddedError(f"{self.name} is running already")
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._guard = subprocess.Popen(
            [*PYTHON, str(GUARD), "run", str(os.getpid()), str(self.log), *self._command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment,
            cwd=self._workspace.path,
            pass_fds=(self._workspace.lease,),
            start_new_session=True,  # Ctrl-C in the terminal is for this program alone, which then stops its servers
        )
        line = self._guard.stdout.readline() if self._guard.stdout else ""
        if not line:
            self._reap()
            raise EmbeddedError(f"{self.name} did not start:\n{self.tail()}")
        self._pid = int(line)

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait up to `timeout` seconds. Raises EmbeddedError with the end of its log; the process is gone then."""
        deadline = time.monotonic() + timeout
        while not self._is_ready(self._output()):
            if not self.running:
                tail = self.tail()
                kind = PortTakenError if any(text in tail for text in _PORT_TAKEN) else EmbeddedError
                raise kind(f"{self.name} ended while it was starting; the end of its log:\n{tail}")
            if time.monotonic() > deadline:
                tail = self.tail()
                self.kill()
                raise EmbeddedError(f"{self.name} was not ready after {timeout:g} s; the end of its log:\n{tail}")
            time.sleep(_POLL_SECONDS)
        log.debug("embedded.ready", name=self.name, pid=self._pid)

    def wait(self) -> int:
        """Wait until it ends by itself; its exit status, 128 + the signal's number where one ended it."""
        guard = self._guard
        return guard.wait() if guard is not None else 0

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Does nothing where it does not run."""
        self._signal(signal.SIGKILL)
        self._reap()

    def stop(self, timeout: float = 20.0) -> None:
        """SIGTERM and wait up to `timeout` seconds for an orderly end; SIGKILL after that."""
        self._signal(signal.SIGCONT)  # a paused process would not see it
        self._signal(signal.SIGTERM)
        try:
            self._reap(timeout)
        except EmbeddedError:
            log.warning("embedded.stop_timeout", name=self.name, seconds=timeout)
            self.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers. Raises EmbeddedError where it does not run."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `pause`. Raises EmbeddedError where it does not run."""
        os.kill(self.pid, signal.SIGCONT)

    def tail(self, lines: int = _TAIL_LINES) -> str:
        """The last lines of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _output(self) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode("utf-8", errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        # The guard lives as long as the process does and is the one that reaps it, so that while the guard runs the id
        # is not another process's; in the instant between the two ends there may be nobody to signal.
        if self.running:
            try:
                os.kill(self._pid, number)
            except ProcessLookupError:
                log.debug("embedded.gone", name=self.name, pid=self._pid)

    def _reap(self, timeout: float = _KILL_SECONDS) -> None:
        if self._guard is None:
            return
        try:
            self.exit_status = self._guard.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise EmbeddedError(f"{self.name} (process {self._pid}) does not end") from error
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()
        self._guard = None
