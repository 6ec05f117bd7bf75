"""Everything there is to be broken: feed, brokers, registry, sources, processors, and a proxy on every way between."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from connector.embedded import EmbeddedKafka, EmbeddedRegistry, running
from connector.simulator import ReplayBehaviour, SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator
from connector.streams import STREAMS
from tests.chaos.proxy import Proxy, Way
from tests.chaos.traffic import Feeder
from tests.support.calls import write_rules
from tests.support.source import ProcessorProcess, SourceProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "bz.production0123456789abcdef"  # made up
PREFIX = "chaos"
PARTITIONS = 3
IDLE_SECONDS = 25.0

COMMON = {
    "FEED__TOKEN": TOKEN,
    "TOPICS__PREFIX": PREFIX,
    "TOPICS__PARTITIONS": str(PARTITIONS),
    "SOURCE__SETTLE": "500ms",
    "SOURCE__HEARTBEAT__INTERVAL": "2s",
    "SOURCE__HEARTBEAT__TIMEOUT": "2s",
    "SOURCE__BACKOFF__MIN": "100ms",
    "SOURCE__BACKOFF__MAX": "1s",
    "SOURCE__BACKOFF__STABLE_AFTER": "5s",
    "SOURCE__BACKOFF__REFUSED": "1s",
    "SOURCE__OWNERSHIP__SESSION_TIMEOUT": "3s",
    "PROCESSOR__SESSION_TIMEOUT": "3s",
    "PROCESSOR__GRACE": "500ms",
    "PROCESSOR__IDLE_TIMEOUT": f"{IDLE_SECONDS:g}s",
    # What was sent into a way that went half-open is given up, and asked for again, before anybody loses patience.
    "KAFKA__OPTIONS": '{"socket.timeout.ms": 10000, "reconnect.backoff.max.ms": 1000}',
    "LOG__FORMAT": "json",
    "LOG__LEVEL": "info",
}


@dataclass
class Member:
    """One source or processor, and its own ways to the feed and to Kafka."""

    process: SourceProcess
    kafka_way: Way
    feed_way: Way | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held by whoever kills, stops or pauses it."""

    down: bool = False
    """Whether it is away on purpose."""

    exits: list[int] = field(default_factory=list)
    """Exit codes of orderly ends."""


@dataclass
class World:
    """A context manager; ready when entered, with the traffic not begun."""

    folder: Path
    seed: int
    streams: list[str] = field(default_factory=lambda: list(STREAMS))
    broker_count: int = 1
    source_count: int = 1
    processor_count: int = 1

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def _open(self) -> None:
        enter = self._stack.enter_context
        self.proxy = enter(Proxy())
        self.feed = enter(
            ThreadedSimulator(
                SimulatorSettings(
                    token=TOKEN,
                    seed=self.seed,
                    refusal_delay=0.2,
                    slot_release=1.0,
                    ping_interval=1.0,
                    ping_timeout=2.0,
                    replay=ReplayBehaviour(),
                )
            )
        )
        names = [f"S{n}" for n in range(self.source_count)] + [f"P{n}" for n in range(self.processor_count)]
        ways = {name: self.proxy.way(self.broker_count) for name in names}
        self.kafka, self.registry = enter(
            running(
                EmbeddedKafka(
                    brokers=self.broker_count,
                    config={"num.network.threads": "1", "num.io.threads": "4"},
                    listeners=dict.fromkeys(names, "PLAINTEXT"),
                    heap_mb=384,
                    advertised={name: way.ports for name, way in ways.items()},
                ),
                EmbeddedRegistry(),
            )
        )
        for name, way in ways.items():
            way.lead_to(self.kafka.ports_of(name))
        rules = write_rules(self.folder / "rules.yaml")
        self.sources = [self._source(ways[name]) for name in names if name.startswith("S")]
        self.processors = [self._processor(ways[name], rules) for name in names if name.startswith("P")]
        self._stack.callback(self._kill_all)
        self.feeder = self.feed.call(lambda simulator: Feeder(simulator, self.streams, self.seed))
        command = [sys.executable, "-m", "connector", "provision"]
        subprocess.run(command, env=self.members[0].process.environment, check=True, capture_output=True)
        for member in self.members:
            member.process.start()
        for member in self.members:
            member.process.until_ready()
        for stream in self.streams:
            self.feed.wait(lambda simulator, stream=stream: simulator.connected(stream))
        if "transcripts" in self.streams:
            self.feed.wait(lambda simulator: simulator.subscribed())

    @property
    def members(self) -> list[Member]:
        return [*self.sources, *self.processors]

    def topic(self, name: str) -> str:
        return f"{PREFIX}.{name}"

    def events(self, name: str) -> Iterator[dict[str, object]]:
        """The log lines of this event, of every process."""
        for member in self.members:
            yield from member.process.events(name)

    def _settings(self, way: Way) -> dict[str, str]:
        return COMMON | {
            "FEED__STREAMS": "[" + ", ".join(f'"{stream}"' for stream in self.streams) + "]",
            "KAFKA__BOOTSTRAP_SERVERS": ",".join(f"127.0.0.1:{port}" for port in way.ports),
            "SCHEMA_REGISTRY__URL": self.registry.url,
            "TOPICS__REPLICATION_FACTOR": "3" if self.broker_count >= 3 else "1",
        }

    def _source(self, way: Way) -> Member:
        feed_way = self.proxy.way()
        feed_way.lead_to([int(self.feed.url.rpartition(":")[2])])
        settings = self._settings(way) | {"FEED__URL": f"ws://127.0.0.1:{feed_way.ports[0]}"}
        return Member(SourceProcess(self.folder, **settings), way, feed_way)

    def _processor(self, way: Way, rules: dict[str, str]) -> Member:
        settings = self._settings(way) | rules | {"FEED__URL": "ws://127.0.0.1:1"}
        return Member(ProcessorProcess(self.folder, **settings), way)

    def _kill_all(self) -> None:
        for member in self.members:
            if member.process.running:
                member.process.kill()
