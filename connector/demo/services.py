"""Everything the demo needs, started side by side and ended together."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self

from connector.demo import configuration
from connector.demo.child import Child
from connector.embedded import EmbeddedKafka, EmbeddedRegistry
from connector.embedded.install import cancel, progress
from connector.embedded.workspace import Workspace
from connector.errors import BenzingaKafkaError
from connector.logs import add_secret
from connector.settings import load
from connector.simulator import SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from connector.settings import Settings

_LOOK_EVERY: Final = 0.2
_HISTORY: Final = 1000
"""Frames a stream keeps in memory; the record file has all."""

_SUBSCRIBED_SECONDS: Final = 30.0


class StoppedEarlyError(BenzingaKafkaError):
    """A signal came before anything had begun."""


class Services:
    """A context manager: all is up inside; on exit all is gone, files too."""

    def __init__(self, base: dict[str, Any], say: Callable[[str], None], stop: threading.Event) -> None:
        """`base`: of the user's settings; `say` is told what is being waited for; `stop` ends the start."""
        self._base = base
        self._say = say
        self._stop = stop
        self._stack = ExitStack()
        self.kafka = EmbeddedKafka()
        self.registry = EmbeddedRegistry()
        self.token = f"bz.demo{secrets.token_hex(12)}"

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def _open(self) -> None:
        add_secret(self.token)
        self._stack.callback(self.kafka.close)
        self._stack.callback(self.registry.close)
        self._start_servers()
        workspace = Workspace()
        self._stack.callback(workspace.close)
        self.record: Path = workspace.path / "sent.jsonl"
        simulator = SimulatorSettings(token=self.token, record=self.record, history=_HISTORY)
        self.feed = self._stack.enter_context(ThreadedSimulator(simulator))
        self.config = configuration.write(
            workspace.path,
            self._base,
            token=self.token,
            addresses=configuration.Addresses(self.feed.url, self.kafka.bootstrap_servers, self.registry.url),
        )
        self.settings: Settings = load(self.config)
        self._say("Starting source and processor: fence, topics' ends, schemas ...")
        self.source = Child("source", self.config, workspace, self._stop)
        self.processor = Child("processor", self.config, workspace, self._stop)
        for child in self.children:
            self._stack.callback(child.kill)
            child.launch()
        for child in self.children:
            child.wait_ready()
        self._check_stopped()

    @property
    def children(self) -> tuple[Child, Child]:
        """The connector's processes, in the order in which they are stopped."""
        return self.source, self.processor

    def _start_servers(self) -> None:
        began = time.monotonic()
        with ThreadPoolExecutor(2, thread_name_prefix="demo") as pool:
            starting: list[Future[Any]] = [pool.submit(self.kafka.open), pool.submit(self.registry.open)]
            try:
                while wait(starting, _LOOK_EVERY).not_done:
                    if self._stop.is_set():
                        self._say("Stopping once the files being fetched are there; Ctrl-C again stops at once ...")
                        break
                    self._say(_progress() or "Starting Apache Kafka and the schema registry ...")
            finally:
                if self._stop.is_set():
                    cancel()
        self._check_stopped()
        for done in starting:
            done.result()
        self._say(f"Kafka and the registry are up after {time.monotonic() - began:.1f} s.")

    def _check_stopped(self) -> None:
        if self._stop.is_set():
            raise StoppedEarlyError("stopped while the demo was starting; nothing was sent")


def _progress() -> str:
    parts = []
    for name in ("kafka", "registry"):
        found = progress(name)
        if found is not None:
            there, size = found
            parts.append(f"{name} {there / 1e6:.0f} of {size / 1e6:.0f} MB")
    return f"Downloading, the first time only: {', '.join(parts)}" if parts else ""
