"""How far behind the partitions are, and whether their end could be known all the time.

Measured to the last stable offset: what stands behind an open transaction cannot be read yet, and is no lag of ours.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import OffsetSpec

from connector.kafka import clients
from connector.processor.status import PartitionStatus
from connector.processor.worker import now_micros

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


class Lag:
    """Keeps the lag gauges, and tells each worker where its partition ends. One thread, nothing blocks."""

    def __init__(self, settings: KafkaSettings, topic: str, metrics: ProcessorMetrics) -> None:
        self._admin = clients.admin(settings)
        self._topic = topic
        self._metrics = metrics
        self._due = 0.0
        self._asked: tuple[int, dict[TopicPartition, Future[object]]] | None = None
        """When the last stable offsets were asked for (µs), and the answers to come."""
        self._answered: dict[int, int] = {}
        """By partition, the last instant (µs) that was answered for."""
        self._latest: dict[int, tuple[int, int, float]] = {}
        """By partition: its last stable offset, and the lag in messages and seconds."""
        self._caught_up: dict[int, int] = {}
        """By partition, the last instant (µs) up to which everything was processed."""

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
        self._answered.pop(partition, None)
        self._caught_up.pop(partition, None)
        self._latest.pop(partition, None)
        for gauge in (self._metrics.lag_messages, self._metrics.lag_seconds):
            gauge.remove(self._topic, str(partition))

    def status(self, partition: int, state: str, position: int | None, open_calls: int) -> PartitionStatus:
        """What `/status` tells of a partition, with its lag as it was measured last; for any thread."""
        end, messages, seconds = self._latest.get(partition, (None, None, None))
        return PartitionStatus(
            partition=partition,
            state=state,
            position=position,
            end=end,
            lag_messages=messages,
            lag_seconds=seconds,
            open_calls=open_calls,
        )

    def _measured(self, worker: Worker, asked_at: int, stable: int) -> None:
        partition = worker.partition
        before = self._answered.get(partition)
        if before is not None and asked_at - before > OUTAGE:
            worker.hold(now_micros() + RECONNECT)
        self._answered[partition] = asked_at
        worker.stable_until(asked_at, stable)
        processed, waiting_since = worker.processed, worker.waiting_since / 1e3
        if processed is None:  # being taken over
            return
        lag = max(0, stable - processed)
        if not lag:
            self._caught_up[partition] = asked_at
        # What is not even fetched came after the last one that was processed, and after there was none.
        oldest = waiting_since or max(worker.last_timestamp / 1e3, self._caught_up.get(partition, 0) / 1e6)
        labels = (self._topic, str(partition))
        self._metrics.lag_messages.labels(*labels).set(lag)
        seconds = max(0.0, time.time() - oldest) if lag and oldest else 0.0
        self._metrics.lag_seconds.labels(*labels).set(seconds)
        self._latest[partition] = stable, lag, seconds
