"""One assigned partition, from the fence to live, in a thread of its own.

1. Fence: `init_transactions` with the partition's transactional id ends whatever an earlier owner left open, at once.
   (One id a process, as KIP-447 allows, would leave the open transaction of a killed process to its time-out: until
   then no read_committed consumer gets on, and a newcomer's committed offset is not known.)
2. Restore: the partition of `internal.calls`, then the sentences of open calls up to the committed offset.
3. Live: take what has arrived, process it, look at what is due; records and offsets in one transaction.

A worker that has lost the partition is told to `abandon` what it tries. A producer that broke, or was fenced, ends the
worker: its memory is thrown away, for what was committed is not known, and the group makes a new one, which begins at
the committed offset.
"""

from __future__ import annotations

import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException, TopicPartition

from connector.errors import BenzingaKafkaError, FencedError
from connector.kafka import clients
from connector.kafka.registry import RegistryUnavailableError
from connector.kafka.statistics import Watch
from connector.kafka.transactions import StoppedError, TransactionalProducer
from connector.logs import get_logger
from connector.processor.commits import Commits, now_micros
from connector.processor.inbox import Inbox
from connector.processor.partition import Partition
from connector.processor.task import PartitionTask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.metrics import ProcessorMetrics
    from connector.processor.alerts import AlertEngine
    from connector.processor.call import Call
    from connector.processor.outputs import Outputs
    from connector.processor.recent import RecentAlerts
    from connector.processor.task import Consumed
    from connector.settings import Settings

log = get_logger(__name__)

BATCH: Final = 1000
"""Sentences of one transaction, at most. It takes what waits: few when live, so that none waits for others; many when
behind, so that a commit costs each of them little."""

TICK: Final = 1.0
"""Seconds until a worker looks about although nothing happens."""

REGISTRY_AGAIN: Final = 1.0
"""Seconds before the registry is asked again for a schema that a record waits for."""


class State(Enum):
    """Where a worker is in its life."""

    RESTORING = "restoring"
    LIVE = "live"
    FAILED = "failed"
    FENCED = "fenced"
    """Another producer has the partition's transactional id: whose the partition is only the group can tell."""

    STOPPED = "stopped"


BROKEN: Final = frozenset({State.FAILED, State.FENCED})


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
        recent: RecentAlerts,
        schema_id: int,
        schema_of: Callable[[int], str],
        group_id: str,
        group_metadata: Callable[[], object],
        make_task: Callable[..., PartitionTask] = PartitionTask,
    ) -> None:
        """`group_metadata`: the consumer group's, as it is now; `schema_of`: a schema's text by its id."""
        self.partition = partition
        self.state = State.RESTORING
        self.processed: int | None = None
        """The next offset, once it is known: everything before it was processed, and what came of it is committed."""
        self.resume_from: int | None = None
        """Not behind the offset at which a successor has to begin; None while nothing was consumed or is known."""
        self.last_timestamp = 0
        """Of the last record processed; ms since the epoch, 0: none yet."""
        self.next_deadline: int | None = None
        """When the next call is to be closed, µs since the epoch; in the past while it waits for what is unread."""
        self.inbox = Inbox()
        self._settings = settings
        self._metrics = metrics
        self._id = f"{settings.topics.prefix}.processor.{partition}"
        self._stop = threading.Event()
        self._position = 0
        """As `processed`, with what the transaction under way holds."""
        self._hold_until = 0
        self._registry_said = False
        self._producer: TransactionalProducer | None = None
        self._watch = Watch(metrics.kafka, f"processor.{partition}")
        self._kafka = Partition(partition, settings, group_id, self._stop)
        self._commits = Commits(
            TopicPartition(self._kafka.source, partition),
            outputs=outputs,
            metrics=metrics,
            recent=recent,
            group_metadata=group_metadata,
        )
        self._task = make_task(
            partition,
            settings.processor,
            outputs,
            schema_id=schema_id,
            schema_of=schema_of,
            read_back=self._kafka.read_back,
            alerts=alerts,
        )
        self._thread = threading.Thread(target=self._run, name=f"partition-{partition}", daemon=True)

    # For the group, from its thread

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, records: Sequence[Consumed]) -> None:
        """Hand over what was consumed, in order; what is below the committed offset is passed over."""
        if self.resume_from is None and records:
            self.resume_from = records[0].offset
        self.inbox.put(records)

    def hold(self, until: int) -> None:
        """Do not take the partition's end for silence before `until` (µs): the source could not publish."""
        self._hold_until = until

    @property
    def open_calls(self) -> int:
        """How many calls are open."""
        return self._task.joiner.open_calls

    def calls(self) -> list[Call]:
        """The open calls, which go on meanwhile: to be read, value by value."""
        return self._task.joiner.open_now()

    def stop(self) -> None:
        """Let it end after the transaction that is under way."""
        self._stop.set()
        self.inbox.wake()
        if self.state is State.RESTORING:
            self.abandon()

    def abandon(self) -> None:
        """Make it give up what it waits for: the partition is another's, or the time is up."""
        self._stop.set()
        if self._producer is not None:
            self._producer.stop()

    def join(self, timeout: float) -> bool:
        """Wait for its end, at most so many seconds: whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # In its own thread

    def _run(self) -> None:
        state = State.STOPPED
        try:
            self._own()
        except StoppedError:
            pass  # whoever has the partition next begins at the committed offset
        except FencedError as error:
            state = State.FENCED
            log.warning("processor.partition_fenced", partition=self.partition, error=str(error))
        except (BenzingaKafkaError, KafkaException) as error:
            state = State.FAILED
            log.warning("processor.partition_failed", partition=self.partition, error=str(error))
        except Exception:
            state = State.FAILED
            log.exception("processor.partition_fault", partition=self.partition)
        finally:
            self.inbox.close()
            self.state = State.STOPPED if self._stop.is_set() else state
            if self._producer is not None:
                self._producer.close()
                self._watch.closed()

    def _own(self) -> None:
        producer = TransactionalProducer(
            lambda: clients.producer(self._settings.kafka, self._id, self._watch),
            self._id,
            lambda result: self._metrics.transactions.labels(result).inc(),
        )
        self._producer = producer
        if self._stop.is_set():
            return
        producer.fence()
        self._restore()
        self.state = State.LIVE
        while not self._stop.is_set():
            self._step(producer, self.inbox.take(BATCH, self._patience(), self._stop))
            producer.serve()
        self._commit(producer, force=True)

    def _restore(self) -> None:
        began = time.monotonic()
        position, replayed = self._kafka.restore(self._task)
        self._position = self.processed = self.resume_from = position
        log.info(
            "processor.partition_restored",
            partition=self.partition,
            offset=position,
            open_calls=self.open_calls,
            records=replayed,
            seconds=round(time.monotonic() - began, 3),
        )

    def _patience(self) -> float:
        """Seconds until the next deadline, about."""
        deadline = self.next_deadline = self._task.joiner.next_deadline()
        if deadline is None:
            return TICK
        return min(TICK, max(0.01, (deadline - now_micros()) / 1e6))

    def _step(self, producer: TransactionalProducer, records: list[Consumed]) -> None:
        now = now_micros()
        self._add(records, now)
        self._note_end()
        self._task.due(now)
        self._commit(producer, force=False)
        self.processed = self._position
        self.inbox.done()

    def _add(self, records: list[Consumed], now: int) -> None:
        for index, record in enumerate(records):
            if record.offset < self._position:  # consumed before it was known that a predecessor had processed it
                continue
            try:
                self._task.add(record, now)
            except RegistryUnavailableError as error:
                if not self._registry_said:
                    log.warning("processor.registry_waiting", partition=self.partition, error=str(error))
                    self._registry_said = True
                self.inbox.give_back(records[index:], REGISTRY_AGAIN)
                return
            self._registry_said = False
            self._position = record.offset + 1
            self.last_timestamp = record.timestamp
            self._commits.moved()

    def _note_end(self) -> None:
        end = self.inbox.end()
        if end is None:
            return
        self._position = max(self._position, end.read_to)
        self._task.joiner.hold(self._hold_until)
        if end.stable is not None and self._position >= end.stable[1]:
            self._task.joiner.read_until(end.stable[0])

    def _commit(self, producer: TransactionalProducer, *, force: bool) -> None:
        if self._commits.commit(producer, self._task, self._position, force=force):
            self.resume_from = self._position
