"""One assigned partition, from the fence to live, in a thread of its own.

1. Fence: `init_transactions` with the partition's transactional id ends whatever an earlier owner left open, at once.
   (One id a process, as KIP-447 allows, would leave the open transaction of a killed process to its time-out: until
   then no read_committed consumer gets on, and a newcomer's committed offset is not known.)
2. Restore: the partition of `internal.calls`, then the sentences of open calls up to the committed offset.
3. Live: take what has arrived, process it, look at what is due; records and offsets in one transaction.

A transaction that was aborted is sent again as it is. A producer that broke ends the worker: the group makes a new one,
which begins at the committed offset.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import closing
from enum import Enum
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException, TopicPartition

from connector.errors import BenzingaKafkaError, KafkaError
from connector.kafka import clients
from connector.kafka.records import rfc_3339
from connector.kafka.scan import Scanner
from connector.kafka.topics import OPEN_CALLS, TRANSCRIPTS, topic_name
from connector.kafka.transactions import RejectedError, StoppedError, TransactionalProducer
from connector.logs import get_logger
from connector.processor.task import Consumed, PartitionTask

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable

    from confluent_kafka import Message

    from connector.kafka.records import Record
    from connector.metrics import ProcessorMetrics
    from connector.processor.alerts import AlertEngine
    from connector.processor.outputs import Outputs
    from connector.settings import Settings

log = get_logger(__name__)

BATCH: Final = 500
"""Sentences of one transaction, at most."""

QUEUE: Final = 5000
"""Sentences that may wait; above it the partition is paused."""

OFFSETS_EVERY: Final = 1.0
"""Seconds after which positions are committed although nothing was produced."""

TICK: Final = 1.0
COMMITTED_TIMEOUT: Final = 10.0


class State(Enum):
    """Where a worker is in its life."""

    RESTORING = "restoring"
    LIVE = "live"
    FAILED = "failed"
    STOPPED = "stopped"


def now_micros() -> int:
    """Now, µs since the epoch."""
    return time.time_ns() // 1000


class Worker:
    """Owns one partition of `transcripts` until stopped."""

    def __init__(
        self,
        partition: int,
        settings: Settings,
        metrics: ProcessorMetrics,
        *,
        outputs: Outputs,
        alerts: AlertEngine,
        schema_id: int,
        schema_of: Callable[[int], str],
        group_id: str,
        group_metadata: Callable[[], object],
    ) -> None:
        """`group_metadata`: the consumer group's, as it is now; `schema_of`: a schema's text by its id."""
        self.partition = partition
        self.state = State.RESTORING
        self.position: int | None = None
        """The next offset, once something is known of it."""
        self.last_timestamp = 0
        """Of the last record processed, ms since the epoch."""
        self._settings = settings
        self._metrics = metrics
        self._outputs = outputs
        self._group_id = group_id
        self._group_metadata = group_metadata
        self._source = topic_name(settings.topics, TRANSCRIPTS)
        self._entries = topic_name(settings.topics, OPEN_CALLS)
        self._id = f"{settings.topics.prefix}.processor.{partition}"
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._queue: deque[Consumed] = deque()
        self._read_to: int | None = None
        self._end: tuple[int, int] | None = None
        """An instant (µs) and the last stable offset the partition had then."""
        self._producer: TransactionalProducer | None = None
        self._uncommitted_since: float | None = None
        self._task = PartitionTask(
            partition,
            settings.processor,
            outputs,
            schema_id=schema_id,
            schema_of=schema_of,
            read_back=self._read_back,
            alerts=alerts,
        )
        self._thread = threading.Thread(target=self._run, name=f"partition-{partition}", daemon=True)

    # For the group, from its thread

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, records: Iterable[Consumed]) -> None:
        """Hand over what was consumed, in order."""
        with self._changed:
            self._queue.extend(records)
            self._changed.notify()

    def at_end(self, offset: int) -> None:
        """The consumer has handed over everything below `offset`: behind the last record there are only markers."""
        with self._changed:
            self._read_to = offset
            self._changed.notify()

    def stable_until(self, instant: int, offset: int) -> None:
        """At `instant` (µs) the partition's last stable offset was `offset`."""
        with self._changed:
            self._end = (instant, offset)
            self._changed.notify()

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be consumed for now."""
        return len(self._queue) >= QUEUE

    @property
    def oldest_timestamp(self) -> int:
        """Of the oldest record that waits, or else of the last one processed; ms since the epoch."""
        try:
            return self._queue[0].timestamp
        except IndexError:
            return self.last_timestamp

    @property
    def open_calls(self) -> int:
        """How many calls are open."""
        return self._task.joiner.open_calls

    def stop(self) -> None:
        """Let it end after the transaction that is under way."""
        with self._changed:
            self._stop.set()
            self._changed.notify()

    def join(self, timeout: float) -> bool:
        """Wait for its end, at most so many seconds; then give a waiting call up. Whether it ended by itself."""
        self._thread.join(timeout)
        if not self._thread.is_alive():
            return True
        if self._producer is not None:
            self._producer.stop()
        self._thread.join(timeout)
        return False

    # In its own thread

    def _run(self) -> None:
        try:
            self._own()
        except StoppedError:
            self.state = State.STOPPED
        except BenzingaKafkaError as error:
            self.state = State.STOPPED if self._stop.is_set() else State.FAILED
            log.warning("processor.partition_failed", partition=self.partition, error=str(error))
        except Exception:
            self.state = State.FAILED
            log.exception("processor.partition_fault", partition=self.partition)
        else:
            self.state = State.STOPPED
        finally:
            if self._producer is not None:
                self._producer.close()

    def _own(self) -> None:
        producer = TransactionalProducer(
            lambda: clients.producer(self._settings.kafka, self._id),
            self._id,
            lambda result: self._metrics.transactions.labels(result).inc(),
        )
        self._producer = producer
        producer.fence()
        self._restore()
        self.state = State.LIVE
        while not self._stop.is_set():
            self._step(producer, self._next())
        self._commit(producer, force=True)

    def _next(self) -> list[Consumed]:
        """Wait for records, a deadline, or a stop."""
        with self._changed:
            if not self._queue and not self._stop.is_set():
                self._changed.wait(self._patience())
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        return [] if self._stop.is_set() else batch

    def _patience(self) -> float:
        deadline = self._task.joiner.next_deadline()
        if deadline is None:
            return TICK
        return min(TICK, max(0.01, (deadline - now_micros()) / 1e6))

    def _step(self, producer: TransactionalProducer, records: list[Consumed]) -> None:
        now = now_micros()
        for record in records:
            self._task.add(record, now)
            self.position = record.offset + 1
            self.last_timestamp = record.timestamp
        if records and self._uncommitted_since is None:
            self._uncommitted_since = time.monotonic()
        self._note_end()
        self._task.due(now)
        self._commit(producer, force=False)

    def _note_end(self) -> None:
        with self._changed:
            if self._queue:
                return
            end = self._end
            if self._read_to is not None and (self.position is None or self._read_to > self.position):
                self.position = self._read_to
        if end is not None and self.position is not None and self.position >= end[1]:
            self._task.joiner.read_until(end[0])

    def _commit(self, producer: TransactionalProducer, *, force: bool) -> None:
        """Commit the batch with the position it leads to; a position alone only now and then."""
        batch = self._task.next_batch()
        since = self._uncommitted_since
        due = since is not None and (force or time.monotonic() - since >= OFFSETS_EVERY)
        if not batch.records and not due:
            batch.count(self._metrics, now_micros())
            return
        records = batch.records
        while True:
            try:
                producer.publish(records, self._offsets if self.position is not None else None)
            except RejectedError as error:
                records = self._without(records, error, batch.dead_letters)
            else:
                break
        self._uncommitted_since = None
        batch.count(self._metrics, now_micros())

    def _without(self, records: list[Record], error: RejectedError, counted: Counter[str]) -> list[Record]:
        """`records` with a dead letter in the place of each that Kafka refuses for good: a call that grew too large."""
        refused = {id(record) for record in error.records}
        log.error("processor.records_refused", partition=self.partition, count=len(refused), error=str(error))
        kept = [record for record in records if id(record) not in refused]
        now = now_micros()
        for record in error.records:
            if record.topic == self._outputs.dead_letters:
                continue  # it cannot be kept; it is in the source topic
            detail = f"a record of {record.size} bytes for {record.topic}, key {record.key.decode()}: {error}"
            kept.append(self._outputs.dead_letter(record.key, "encode", detail, rfc_3339(now), now))
            counted["encode"] += 1
        return kept

    def _offsets(self) -> tuple[list[TopicPartition], object]:
        position = self.position
        if position is None:
            raise RuntimeError(f"partition {self.partition}: nothing was consumed that could be committed")
        return [TopicPartition(self._source, self.partition, position)], self._group_metadata()

    def _restore(self) -> None:
        """Take the partition over: the steps are `connector.processor.joiner`'s."""
        began = time.monotonic()
        joiner = self._task.joiner
        with closing(self._scanner()) as scanner:
            self._restore_entries(scanner)
            start, committed = joiner.replay_from, self._committed()
            replayed = 0
            if start is not None and committed is not None and committed > start:
                low = self._low(scanner)
                for name in joiner.cut(low):
                    log.warning("processor.call_cut_by_retention", partition=self.partition, transcript_id=name)
                for message in scanner.read(self._source, {self.partition: (max(start, low), committed)}):
                    self._task.replay(consumed(message))
                    replayed += 1
        if committed is not None and self.position is None:
            self.position = committed
        log.info(
            "processor.partition_restored",
            partition=self.partition,
            open_calls=joiner.open_calls,
            records=replayed,
            seconds=round(time.monotonic() - began, 3),
        )

    def _restore_entries(self, scanner: Scanner) -> None:
        """Hand over the last entry of every transcript."""
        entries: dict[bytes, bytes] = {}
        bounds = scanner.bounds(self._entries, [self.partition])
        for message in scanner.read(self._entries, bounds):
            key, value = message.key(), message.value()
            if not isinstance(key, bytes):
                continue
            if isinstance(value, bytes):
                entries[key] = value
            else:
                entries.pop(key, None)
        for value in entries.values():
            self._task.restore(value)

    def _committed(self) -> int | None:
        """The group's position, None where it never had one. Known for sure only behind the fence."""
        consumer = clients.consumer(self._settings.kafka, self._group_id)
        try:
            [position] = consumer.committed([TopicPartition(self._source, self.partition)], timeout=COMMITTED_TIMEOUT)
        except KafkaException as error:
            raise KafkaError(f"{self._group_id}: its position cannot be read: {error.args[0].str()}") from error
        finally:
            consumer.close()
        return position.offset if position.offset >= 0 else None

    def _read_back(self, first: int, last: int) -> list[Consumed] | None:
        """The partition's records from `first` to `last`, None where retention has taken the first."""
        with closing(self._scanner()) as scanner:
            if self._low(scanner) > first:
                return None
            return [consumed(message) for message in scanner.read(self._source, {self.partition: (first, last + 1)})]

    def _low(self, scanner: Scanner) -> int:
        return scanner.bounds(self._source, [self.partition])[self.partition][0]

    def _scanner(self) -> Scanner:
        return Scanner(self._settings.kafka, f"{self._group_id}.restore", self._stop)


def consumed(message: Message) -> Consumed:
    """A consumer's message as a worker takes it."""
    key, value = message.key(), message.value()
    return Consumed(
        message.offset() or 0,
        message.timestamp()[1],
        key if isinstance(key, bytes) else b"",
        value if isinstance(value, bytes) else b"",
    )
