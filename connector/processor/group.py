"""The consumer-group side: consumes, hands records to the workers, follows rebalances, measures lag. One thread.

Cooperative rebalancing: a partition that stays is not interrupted. Revoked partitions get one shared deadline in which
their workers end the transaction that is under way; who takes over fences them in any case.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka.admin import OffsetSpec

from connector.errors import KafkaError, TopicError
from connector.kafka import clients
from connector.kafka.topics import TRANSCRIPTS, topic_name
from connector.logs import get_logger
from connector.processor.worker import State, Worker, consumed, now_micros

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from concurrent.futures import Future

    from confluent_kafka import Consumer, Message

    from connector.metrics import ProcessorMetrics
    from connector.settings import Settings

log = get_logger(__name__)

POLL: Final = 0.1
"""Seconds until a stop is noticed, and workers are looked after."""

CONSUME: Final = 500

REVOKE_WITHIN: Final = 5.0
"""Seconds that all revoked workers together have to end; below the session time-out, so that the group goes on."""

MEASURE_EVERY: Final = 1.0

RESTART_AFTER: Final = 2.0
"""Seconds before a worker that failed is made anew."""

_FINAL: Final = frozenset(
    {
        RdKafkaError.TOPIC_AUTHORIZATION_FAILED,
        RdKafkaError.GROUP_AUTHORIZATION_FAILED,
        RdKafkaError.UNKNOWN_TOPIC_OR_PART,
        RdKafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - a public constant
    }
)


class Group:
    """This process's membership in the processor's consumer group."""

    def __init__(self, settings: Settings, metrics: ProcessorMetrics, make_worker: Callable[..., Worker]) -> None:
        """`make_worker(partition, group_id, group_metadata)`: a worker that is not started yet."""
        self.group_id = f"{settings.topics.prefix}.processor"
        self.workers: dict[int, Worker] = {}
        self._topic = topic_name(settings.topics, TRANSCRIPTS)
        self._metrics = metrics
        self._make_worker = make_worker
        membership = {"group.instance.id": settings.processor.instance_id} if settings.processor.instance_id else {}
        self._consumer: Consumer = clients.consumer(
            settings.kafka,
            self.group_id,
            **{
                "session.timeout.ms": int(settings.processor.session_timeout.total_seconds() * 1000),
                "heartbeat.interval.ms": int(settings.processor.session_timeout.total_seconds() * 1000 / 3),
                "partition.assignment.strategy": "cooperative-sticky",
                "queued.max.messages.kbytes": 8_192,
                **membership,
            },
        )
        self._admin = clients.admin(settings.kafka)
        self._paused: set[int] = set()
        self._restart_at: dict[int, float] = {}
        self._measure_at = 0.0
        self._asked: tuple[int, dict[TopicPartition, Future[object]]] | None = None
        """When the last stable offsets were asked for (µs), and the answers to come."""

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Consume until `stop`; then leave the group in order. `beat` is called at every turn, several a second.

        Raises KafkaError where going on makes no sense.
        """
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        try:
            while not stop.is_set():
                beat()
                self._consume()
                self._look_after_workers()
                self._measure()
        except KafkaException as error:
            raise KafkaError(f"{self.group_id}: {error.args[0].str()}", code=error.args[0].name()) from error
        finally:
            self._end_workers(list(self.workers))
            self._consumer.close()

    @property
    def unready(self) -> list[str]:
        """Why the assigned partitions are not all being processed; empty where they are, or none is assigned."""
        return [
            f"transcripts, partition {partition}: {worker.state.value}"
            for partition, worker in sorted(self.workers.copy().items())
            if worker.state is not State.LIVE
        ]

    def _consume(self) -> None:
        first = self._consumer.poll(POLL)
        if first is None:
            return
        by_partition: dict[int, list[Message]] = {}
        for message in (first, *self._consumer.consume(CONSUME, timeout=0)):
            error = message.error()
            if error is not None and error.code() != RdKafkaError._PARTITION_EOF:  # noqa: SLF001
                self._trouble(error)
            else:
                by_partition.setdefault(message.partition() or 0, []).append(message)
        for partition, messages in by_partition.items():
            worker = self.workers.get(partition)
            if worker is None:
                continue  # revoked a moment ago
            worker.put([consumed(message) for message in messages if message.error() is None])
            if messages[-1].error() is not None:
                worker.at_end(messages[-1].offset() or 0)

    def _trouble(self, error: RdKafkaError) -> None:
        if error.code() in _FINAL:
            raise TopicError(f"{self._topic}: {error.str()}; run `benzinga-kafka provision`, or allow READ on it")
        if error.fatal():
            raise KafkaException(error)
        log.warning("processor.consumer_error", error=error.str(), code=error.name())

    def _look_after_workers(self) -> None:
        """Pause where too much waits; make workers that failed anew, from the committed offset on."""
        for partition, worker in list(self.workers.items()):
            here = [TopicPartition(self._topic, partition)]
            if worker.state is State.FAILED:
                self._restart(partition)
            elif worker.is_full and partition not in self._paused:
                self._consumer.pause(here)
                self._paused.add(partition)
            elif partition in self._paused and not worker.is_full:
                self._consumer.resume(here)
                self._paused.discard(partition)

    def _restart(self, partition: int) -> None:
        due = self._restart_at.setdefault(partition, time.monotonic() + RESTART_AFTER)
        if time.monotonic() < due:
            return
        del self._restart_at[partition]
        here = TopicPartition(self._topic, partition)
        [committed] = self._consumer.committed([here], timeout=10)
        here.offset = committed.offset if committed.offset >= 0 else self._beginning(partition)
        self._consumer.seek(here)
        self._start(partition)

    def _beginning(self, partition: int) -> int:
        low, _high = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=10)
        return int(low)

    def _start(self, partition: int) -> None:
        worker = self._make_worker(partition, self.group_id, self._consumer.consumer_group_metadata)
        self.workers[partition] = worker
        worker.start()

    # Rebalances: called from within poll

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = sorted(p.partition for p in partitions)
        log.info("processor.assigned", partitions=numbers)
        consumer.incremental_assign(partitions)
        for number in numbers:
            self._start(number)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = sorted(p.partition for p in partitions)
        log.info("processor.revoked", partitions=numbers)
        self._end_workers(numbers)
        consumer.incremental_unassign(partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = sorted(p.partition for p in partitions)
        log.warning("processor.lost", partitions=numbers)
        self._end_workers(numbers)
        consumer.incremental_unassign(partitions)

    def _end_workers(self, partitions: list[int]) -> None:
        deadline = time.monotonic() + REVOKE_WITHIN
        workers = [worker for number in partitions if (worker := self.workers.pop(number, None)) is not None]
        for worker in workers:
            worker.stop()
        for worker in workers:
            if not worker.join(max(0.0, deadline - time.monotonic())):
                log.warning("processor.worker_cut_off", partition=worker.partition)
        for number in partitions:
            self._paused.discard(number)
            self._restart_at.pop(number, None)
            for gauge in (self._metrics.lag_messages, self._metrics.lag_seconds):
                gauge.remove(self._topic, str(number))

    # Lag

    def _measure(self) -> None:
        """Ask for the partitions' last stable offsets about once a second; tell workers and metrics the answer."""
        if self._asked is not None:
            asked_at, answers = self._asked
            if not all(answer.done() for answer in answers.values()):
                return
            self._asked = None
            for here, answer in answers.items():
                if answer.exception() is None:
                    self._measured(here.partition, asked_at, int(answer.result().offset))  # type: ignore[attr-defined]
        if self.workers and time.monotonic() >= self._measure_at:
            self._measure_at = time.monotonic() + MEASURE_EVERY
            latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
            asked = {TopicPartition(self._topic, partition): latest for partition in self.workers}
            self._asked = (
                now_micros(),
                self._admin.list_offsets(asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=5.0),
            )

    def _measured(self, partition: int, asked_at: int, stable: int) -> None:
        worker = self.workers.get(partition)
        if worker is None:
            return
        worker.stable_until(asked_at, stable)
        lag = max(0, stable - (worker.position or 0))
        seconds = max(0.0, time.time() - worker.oldest_timestamp / 1000) if lag and worker.oldest_timestamp else 0.0
        self._metrics.lag_messages.labels(self._topic, str(partition)).set(lag)
        self._metrics.lag_seconds.labels(self._topic, str(partition)).set(seconds)
        self._metrics.open_calls.set(sum(worker.open_calls for worker in self.workers.values()))
