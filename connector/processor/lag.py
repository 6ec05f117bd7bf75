"""How far behind the partitions are, and whether their end could be known all the time.

Measured to the last stable offset: what stands behind an open transaction cannot be read yet, and is no lag of ours.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import OffsetSpec

from connector.kafka import clients
from connector.processor.commits import now_micros
from connector.processor.status import PartitionStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from connector.metrics import ProcessorMetrics
    from connector.processor.worker import Worker
    from connector.settings import KafkaSettings

MEASURE_EVERY: Final = 1.0
REQUEST_TIMEOUT: Final = 5.0

OUTAGE: Final = 10 * 1_000_000
"""Without an answer for so long (µs), the partition's leader was away: for the source as well."""

RECONNECT: Final = 20 * 1_000_000
"""Within this time (µs) a source has published what it kept: twice `reconnect.backoff.max.ms` and its longest pause."""


class Measured(NamedTuple):
    """A partition's lag at its last measurement."""

    end: int
    """The last stable offset."""

    messages: int
    seconds: float
    """Age of the oldest record that is not processed."""


class PartitionLag:
    """One partition's: pure, instants in microseconds since the epoch."""

    def __init__(self) -> None:
        self.held_until = 0
        """Until then the partition's end is not taken for silence: after an outage the source has yet to publish."""
        self.latest: Measured | None = None
        self._answered_for: int | None = None
        """The last instant that was answered for."""
        self._caught_up_at = 0
        """The last instant up to which everything was processed; 0: none."""

    def answered(self, asked_at: int, now: int) -> None:
        """A question of `asked_at` was answered: whether Kafka was away before shows in how long ago the last was."""
        if self._answered_for is not None and asked_at - self._answered_for > OUTAGE:
            self.held_until = now + RECONNECT
        self._answered_for = asked_at

    def measured(self, asked_at: int, end: int, position: int, *, waiting: int, processed: int, now: int) -> Measured:
        """The lag at `position` where the last stable offset was `end` at `asked_at`.

        `waiting`, `processed`: when the oldest record that waits, and the last one that was processed, were received;
        0: there is none.
        """
        messages = max(0, end - position)
        if not messages:
            self._caught_up_at = asked_at
        # What is not even fetched came after the last one that was processed, and after there was none.
        oldest = waiting or max(processed, self._caught_up_at)
        seconds = max(0.0, (now - oldest) / 1e6) if messages and oldest else 0.0
        self.latest = Measured(end, messages, seconds)
        return self.latest


class Lag:
    """Keeps the lag gauges, and tells each worker where its partition ends. One thread, nothing blocks."""

    def __init__(self, settings: KafkaSettings, topic: str, metrics: ProcessorMetrics) -> None:
        self._admin = clients.admin(settings)
        self._topic = topic
        self._metrics = metrics
        self._due = 0.0
        self._asked: tuple[int, dict[TopicPartition, Future[object]]] | None = None
        """When the last stable offsets were asked for (µs), and the answers to come."""
        self._partitions: dict[int, PartitionLag] = {}

    def poll(self, workers: Mapping[int, Worker]) -> None:
        """Take the answers, ask again about once a second."""
        if self._asked is not None:
            asked_at, answers = self._asked
            if not all(answer.done() for answer in answers.values()):
                return
            self._asked = None
            for here, answer in answers.items():
                worker = workers.get(here.partition)
                if worker is not None and answer.exception() is None:
                    self._measured(worker, asked_at, int(answer.result().offset))  # type: ignore[attr-defined]
            self._metrics.open_calls.set(sum(worker.open_calls for worker in workers.values()))
            due = min((at for worker in workers.values() if (at := worker.next_deadline) is not None), default=None)
            self._metrics.close_overdue.set(0.0 if due is None else max(0.0, (now_micros() - due) / 1e6))
        if workers and time.monotonic() >= self._due:
            self._due = time.monotonic() + MEASURE_EVERY
            latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
            asked = {TopicPartition(self._topic, partition): latest for partition in workers}
            self._asked = (
                now_micros(),
                self._admin.list_offsets(
                    asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=REQUEST_TIMEOUT
                ),
            )

    def forget(self, partition: int) -> None:
        """The partition is another's."""
        self._partitions.pop(partition, None)
        for gauge in (self._metrics.lag_messages, self._metrics.lag_seconds):
            gauge.remove(self._topic, str(partition))

    def status(self, partition: int, state: str, position: int | None, open_calls: int) -> PartitionStatus:
        """What `/status` tells of a partition, with its lag as it was measured last; for any thread."""
        known = self._partitions.get(partition)
        latest = None if known is None else known.latest
        return PartitionStatus(
            partition=partition,
            state=state,
            position=position,
            end=latest and latest.end,
            lag_messages=latest and latest.messages,
            lag_seconds=latest and latest.seconds,
            open_calls=open_calls,
        )

    def _measured(self, worker: Worker, asked_at: int, end: int) -> None:
        lag, now = self._partitions.setdefault(worker.partition, PartitionLag()), now_micros()
        lag.answered(asked_at, now)
        worker.hold(lag.held_until)  # every time: it may be another worker than the one that went through the outage
        worker.inbox.stable_until(asked_at, end)
        position, waiting = worker.processed, worker.inbox.waiting_since * 1000
        if position is None:  # being taken over
            return
        measured = lag.measured(
            asked_at, end, position, waiting=waiting, processed=worker.last_timestamp * 1000, now=now
        )
        labels = (self._topic, str(worker.partition))
        self._metrics.lag_messages.labels(*labels).set(measured.messages)
        self._metrics.lag_seconds.labels(*labels).set(measured.seconds)
