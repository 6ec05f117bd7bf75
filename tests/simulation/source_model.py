"""The real `Pipeline` and the real journal between the two models: every step is chosen, and so is every crash.

A step is a turn of the event loop. A crash comes between two, or within one: then what that turn took from the socket
was not received. Where there are several disks, a crash may move the stream to another one, and back again later.
"""

from __future__ import annotations

import random
import sqlite3
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry

from connector.journal import files
from connector.journal.journal import Journal
from connector.messages import Frame
from connector.metrics import SourceMetrics
from connector.settings import Settings
from connector.source import restore
from connector.source.pipeline import Pipeline
from connector.source.records import RecordBuilder
from connector.streams import STREAMS
from tests.simulation.model import ModelFeed, ModelKafka, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from connector.source.restore import Restored

SECOND: Final = 1_000_000
PARTITIONS: Final = 2
OUTBOX_BYTES: Final = 4_000
"""Of a few messages: what follows spills to disk."""

JUMPS: Final = 0.1
JUMP: Final = 600 * SECOND

JOURNAL_BYTES: Final = 1_000
"""Less than a replay and what goes with it: reading stops now and then."""

SETTINGS: Final = Settings(processor={"grace": "5s"})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Variant:
    """What a run is about."""

    stream: str = "news"
    order: str = "old-first"
    new_ids: bool = False
    interleaved: bool = False
    clock_jumps: bool = False
    disks: int = 1
    """0: without a journal."""


@dataclass
class Read:
    """One frame that was taken from the socket."""

    frame: Sent
    connection: int
    at: int
    """Microseconds since the epoch."""


@cache
def _metrics(stream: str) -> SourceMetrics:
    return SourceMetrics(CollectorRegistry(), [stream])


@cache
def _builder(stream: str) -> RecordBuilder:
    topics = {f"benzinga.{name}": PARTITIONS for name in (stream, "gaps", "dead-letters")}
    return RecordBuilder(STREAMS[stream], SETTINGS.topics, topics, {stream: 7, "gaps": 8})


class SourceModel:
    """A feed, a source and a Kafka; `step` lets one thing happen."""

    def __init__(self, seed: int, variant: Variant) -> None:
        self.dice = random.Random(f"{variant}/{seed}")
        self.variant = variant
        self.stream = STREAMS[variant.stream]
        self.kafka = ModelKafka()
        self.feed = ModelFeed(self.dice, self.stream.has_replay, variant.order, variant.new_ids, variant.interleaved)
        self.now = time.time_ns() // 1000
        self.sent_at: list[int] = []
        self.connected_at: list[int] = []
        self.received: list[Read] = []
        """What was taken from the socket by a turn that came to its end."""
        self.steps: list[str] = []
        self.crashes = 0
        self._turn: list[Read] = []
        self._disks = [_disk() for _ in range(variant.disks)]
        self._disk = 0
        self._deferred: list[Callable[[], None]] = []
        self.pipeline = self._started()

    def step(self) -> None:
        """One thing happens."""
        self.now += SECOND
        if self.variant.clock_jumps and self.dice.random() < JUMPS:
            self.now += self.dice.randint(-JUMP, JUMP)
        steps: list[tuple[int, Callable[[], None]]] = [
            (8, self.publish),
            (8, self.read),
            (1, self.repeat),
            (2, self.connect),
            (2, self.settle),
            (1, self.disconnect),
            (6, self.commit),
            (1, self.commit_unheard),
            (1, self.rebuild),
            (2, self.refill),
            (1, self.tick),
            (1, self.crash),
            (1, self.crash_after_commit),
        ]
        act = self.dice.choices([act for _, act in steps], [weight for weight, _ in steps])[0]
        self.steps.append(act.__name__)
        act()
        if self.dice.random() < 0.02:
            self.steps.append("crash within the turn")
            self.crash(within=True)
        self.end_turn()

    def end_turn(self) -> None:
        """What the turn has journalled is on disk."""
        while self._deferred:
            self._deferred.pop(0)()
        self.received += self._turn
        self._turn = []

    # The feed

    def publish(self) -> None:
        for _ in range(self.dice.randint(1, 3)):
            self.feed.publish()
        self._note_sent()

    def repeat(self) -> None:
        self.feed.repeat()

    def connect(self) -> None:
        if not self.feed.connected:
            self.feed.connect()
            self.connected_at.append(self.now)
            self.pipeline.intake.connected(self.now, replaying=self.stream.has_replay)
            if self.stream.has_replay:
                self.feed.replay()
                self._note_sent()

    def disconnect(self) -> None:
        if self.feed.connected:
            self.feed.disconnect()
            self.pipeline.intake.disconnected(self.now, "closed", "")

    def read(self) -> None:
        for _ in range(self.dice.randint(1, 4)):
            if self.feed.on_the_way and not self.pipeline.intake.full:
                frame = self.feed.on_the_way.popleft()
                self.now += 2000  # a sentence's version is known by the millisecond of its receipt
                self.pipeline.intake.receive(Frame(frame.payload, self.now))
                self._turn.append(Read(frame, len(self.connected_at) - 1, self.now))

    def settle(self) -> None:
        if self.feed.connected and self.stream.has_replay and not self.feed.on_the_way:
            self.pipeline.intake.settled(self.now)

    # Kafka

    def commit(self) -> None:
        """A transaction, or some of them, one after the other."""
        for _ in range(self.dice.randint(1, 3)):
            if self._produce():
                self.pipeline.outbox.committed()
                self.pipeline.committed()

    def commit_unheard(self) -> None:
        """Committed, and the producer broke before it heard of it."""
        if self._produce():
            self.rebuild()

    def rebuild(self) -> None:
        """The producer broke; whether its transaction was committed, the topic tells."""
        if self.pipeline.outbox.in_flight or len(self.pipeline.outbox):
            self._run(self.pipeline.restore(self._restored()))

    def refill(self) -> None:
        self.pipeline.backlog.refill()

    def tick(self) -> None:
        self.now += 5 * SECOND
        self.pipeline.tick(self.now)

    # Ends

    def crash(self, *, within: bool = False) -> None:
        """kill -9; `within` the turn: what it did is not on disk."""
        self.crashes += 1
        if within:
            self._deferred.clear()
            self._turn = []
        else:
            self.end_turn()
        self.feed.disconnect()
        self._disk = self.dice.randrange(max(1, len(self._disks)))
        self.pipeline = self._started()

    def crash_after_commit(self) -> None:
        if self._produce():
            self.crash()

    def finish(self) -> None:
        """No fault any more: everything that is owed is published, from every disk."""
        for disk in range(max(1, len(self._disks))):
            self.end_turn()
            self.feed.disconnect()
            self._disk = disk
            self.pipeline = self._started()
            self.now += SECOND
            self.connect()
            while self.feed.on_the_way:
                self.read()
                self._drain()
            self.settle()
            self._drain()
            self.now += 10 * SECOND
            self.pipeline.tick(self.now)
            self._drain()
        self.end_turn()

    def left(self) -> int:
        """What is still pending after `finish`."""
        return self.pipeline.pending + sum(self._size(disk) for disk in self._disks)

    def _drain(self) -> None:
        while self.pipeline.pending:
            self.commit()
            self.pipeline.backlog.refill()
            self.end_turn()
        self.end_turn()

    def _produce(self) -> bool:
        outbox = self.pipeline.outbox
        if not outbox.in_flight:
            if not len(outbox):
                return False
            outbox.take(self.dice.randint(1, 5), 10_000)
        self.kafka.commit([item.record for item in outbox.in_flight])
        return True

    def _started(self) -> Pipeline:
        """A new process, on its disk."""
        pipeline = Pipeline(self.stream, SETTINGS, _builder(self.stream.name), _metrics(self.stream.name))
        if self._disks:
            disk = self._disks[self._disk]
            pipeline.outbox._max_bytes = OUTBOX_BYTES
            pipeline.backlog.journal = Journal(
                self.stream.name, disk, max_bytes=JOURNAL_BYTES, defer=self._deferred.append
            )
        self._run(pipeline.restore(self._restored()))
        return pipeline

    def _restored(self) -> Restored:
        tail: Any = self.kafka
        return restore._restore(SETTINGS, self.stream, _builder(self.stream.name), tail)

    def _note_sent(self) -> None:
        self.sent_at += [self.now] * (len(self.feed.sent) - len(self.sent_at))

    @staticmethod
    def _size(disk: sqlite3.Connection) -> int:
        count: int = disk.execute("SELECT count(*) FROM rows").fetchone()[0]
        return count

    @staticmethod
    def _run(work: Coroutine[Any, Any, None]) -> None:
        """To its end; it waits for nothing but its turn."""
        try:
            while True:
                work.send(None)
        except StopIteration:
            return


def _disk() -> sqlite3.Connection:
    disk = sqlite3.connect(":memory:", isolation_level=None)
    disk.executescript(files._SCHEMA)
    return disk
