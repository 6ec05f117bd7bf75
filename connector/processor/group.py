"""The consumer-group side: consumes, hands records to the workers, follows rebalances. One thread.

Cooperative rebalancing: a partition that stays is not interrupted. Revoked partitions get one shared deadline in which
their workers end the transaction that is under way; who takes over fences them in any case. Lost ones (the group has
gone on without us) get none: whatever they still try is refused.

A worker that broke is made anew, but never while the partition may be another's, since a new one fences whoever has it.
A member that was cut off or stopped for longer than the session learns of its loss in `poll`, within moments of
running again, and at the latest one session time-out after the last heartbeat that was answered.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka import KafkaException, TopicPartition

from connector.errors import ConfigurationError, KafkaError, TopicError
from connector.kafka import clients
from connector.kafka.statistics import Watch
from connector.kafka.topics import TRANSCRIPTS, topic_name
from connector.logs import get_logger
from connector.processor.lag import Lag
from connector.processor.partition import consumed
from connector.processor.restarts import Restarts
from connector.processor.worker import BROKEN, State, Worker

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from confluent_kafka import Consumer, Message

    from connector.metrics import ProcessorMetrics
    from connector.processor.call import Call
    from connector.processor.status import PartitionStatus
    from connector.processor.task import Consumed
    from connector.settings import Settings, TopicsSettings

log = get_logger(__name__)

POLL: Final = 0.1
"""Seconds until a stop is noticed, and workers are looked after."""

CONSUME: Final = 500

HEARTBEATS: Final = 12
"""In a session time-out: with a heartbeat a member hears of a rebalance, so they set how long a hand-over takes."""

REVOKE_WITHIN: Final = 5.0
"""Seconds that all revoked workers together have to end."""

ABANDON_WITHIN: Final = 1.0
"""Seconds that abandoned workers have: a call into librdkafka may take longer, but nothing comes of it any more."""

MEMBERSHIP_EVERY: Final = 1.0
"""Seconds between two looks at the group's metadata without a rebalance."""

STALL: Final = 1.0
"""Seconds between two turns after which the process was stopped, or starved: what it believes may be old."""

_FINAL: Final = frozenset(
    {
        RdKafkaError.TOPIC_AUTHORIZATION_FAILED,
        RdKafkaError.GROUP_AUTHORIZATION_FAILED,
        RdKafkaError.UNKNOWN_TOPIC_OR_PART,
        RdKafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - a public constant
    }
)


def group_id(topics: TopicsSettings) -> str:
    """The consumer group of every processor with this prefix."""
    return f"{topics.prefix}.processor"


class Group:
    """This process's membership in the processor's consumer group."""

    def __init__(
        self,
        settings: Settings,
        metrics: ProcessorMetrics,
        make_worker: Callable[..., Worker],
        take: Callable[[Message], Consumed] = consumed,
    ) -> None:
        """`make_worker(partition, group_id, group_metadata)`: a worker that is not started yet.

        `take`: what a worker gets of a consumed message.
        """
        self._take = take
        self._joined = False
        self.group_id = group_id(settings.topics)
        self.workers: dict[int, Worker] = {}
        self._topic = topic_name(settings.topics, TRANSCRIPTS)
        self._metrics = metrics
        self._make_worker = make_worker
        self._session = settings.processor.session_timeout.total_seconds()
        self._instance_id = settings.processor.instance_id
        membership = {"group.instance.id": self._instance_id} if self._instance_id else {}
        self._consumer: Consumer = clients.consumer(
            settings.kafka,
            self.group_id,
            **{
                **Watch(metrics.kafka, "processor").configuration(),
                "session.timeout.ms": int(self._session * 1000),
                "heartbeat.interval.ms": int(self._session * 1000 / HEARTBEATS),
                "partition.assignment.strategy": "cooperative-sticky",
                "fetch.message.max.bytes": 1024 * 1024,
                "queued.max.messages.kbytes": 8_192,
                **membership,
            },
        )
        self._membership: object = None
        """The consumer group's metadata, for the workers. They must not ask the consumer: a call from another thread
        waits until nobody polls, and that may be never."""
        self._membership_due = 0.0
        self._lag = Lag(settings.kafka, self._topic, metrics)
        self._paused: set[int] = set()
        self._restarts = Restarts(self._session)
        self._turned_at = time.monotonic()

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Consume until `stop`; then leave the group in order. `beat` is called at every turn, several a second.

        Raises KafkaError or ConfigurationError where going on makes no sense.
        """
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        try:
            while not stop.is_set():
                beat()
                self._consume()
                self._note_membership()
                self._look_after_workers()
                self._lag.poll(self.workers)
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

    @property
    def starting(self) -> list[str]:
        """What the first assignment still waits for; empty once it is over, also where it gave us nothing."""
        if not self._joined:
            return [f"{self.group_id} is being joined"]
        return [
            f"transcripts, partition {partition}: {worker.state.value}"
            for partition, worker in sorted(self.workers.copy().items())
            if worker.state is State.RESTORING
        ]

    def partitions(self) -> list[PartitionStatus]:
        """What `/status` tells of the assigned partitions; for any thread."""
        return [
            self._lag.status(worker.partition, worker.state.value, worker.processed, worker.open_calls)
            for _, worker in sorted(self.workers.copy().items())
        ]

    def open_calls(self) -> list[tuple[int, list[Call]]]:
        """Each partition's open calls; for any thread that only reads, and knows that they go on."""
        return [(partition, worker.calls()) for partition, worker in self.workers.copy().items()]

    def _consume(self) -> None:
        first = self._consumer.poll(POLL)
        if first is None:
            return
        records: defaultdict[int, list[Consumed]] = defaultdict(list)
        ends: dict[int, int] = {}
        for message in (first, *self._consumer.consume(CONSUME, timeout=0)):
            error, partition = message.error(), message.partition() or 0
            if error is None:
                records[partition].append(self._take(message))
                if ends:
                    ends.pop(partition, None)
            elif error.code() == RdKafkaError._PARTITION_EOF:  # noqa: SLF001 - a public constant
                ends[partition] = message.offset() or 0
            else:
                self._trouble(error)
        # Where there is no worker, the partition was revoked a moment ago.
        for partition, some in records.items():
            if (worker := self.workers.get(partition)) is not None:
                worker.put(some)
        for partition, offset in ends.items():
            if (worker := self.workers.get(partition)) is not None:
                worker.inbox.at_end(offset)

    def _trouble(self, error: RdKafkaError) -> None:
        if error.code() in _FINAL:
            raise TopicError(f"{self._topic}: {error.str()}; run `benzinga-kafka provision`, or allow READ on it")
        if error.code() == RdKafkaError.INVALID_SESSION_TIMEOUT:
            raise ConfigurationError(
                [
                    (
                        f"processor.session_timeout: the brokers refuse {self._session:g} s; set one between their "
                        "group.min.session.timeout.ms and group.max.session.timeout.ms"
                    )
                ]
            )
        if error.fatal() or error.code() == RdKafkaError._FATAL:  # noqa: SLF001
            hint = (
                f"; processor.instance_id {self._instance_id} must be this process's alone" if self._instance_id else ""
            )
            raise KafkaError(f"{self.group_id}: {error.str()}{hint}", code=error.name())
        log.warning("processor.consumer_error", error=error.str(), code=error.name())

    # Workers

    def _look_after_workers(self) -> None:
        """Pause where too much waits; make workers that broke anew, from the committed offset on."""
        now = time.monotonic()
        stalled, self._turned_at = now - self._turned_at > STALL, now
        for partition, worker in list(self.workers.items()):
            if worker.state in BROKEN:
                self._restart(worker, now, stalled=stalled)
            elif worker.inbox.is_full and partition not in self._paused:
                self._consumer.pause([TopicPartition(self._topic, partition)])
                self._paused.add(partition)
            elif partition in self._paused and worker.inbox.has_room:
                self._resume([partition])

    def _resume(self, partitions: Iterable[int]) -> None:
        paused = self._paused.intersection(partitions)
        self._consumer.resume([TopicPartition(self._topic, partition) for partition in paused])
        self._paused -= paused

    def _restart(self, worker: Worker, now: float, *, stalled: bool) -> None:
        """Begin again where the broken worker's committed work ends, once the partition is known to be ours still."""
        partition, at = worker.partition, worker.resume_from
        fenced = worker.state is State.FENCED
        if not self._restarts.is_due(partition, at, now, fenced=fenced, stalled=stalled):
            return
        try:
            if at is not None:
                self._consumer.seek(TopicPartition(self._topic, partition, at))
        except KafkaException as error:
            log.warning("processor.seek_failed", partition=partition, error=error.args[0].str())
            self._restarts.postpone(partition, now)
        else:
            self._restarts.begun(partition)
            self._start(partition)

    def _start(self, partition: int) -> None:
        worker = self._make_worker(partition, self.group_id, lambda: self._membership)
        self.workers[partition] = worker
        worker.start()

    def _end_workers(self, partitions: list[int], *, lost: bool = False) -> None:
        workers = [worker for number in partitions if (worker := self.workers.pop(number, None)) is not None]
        for worker in workers:
            worker.stop()
        deadline = time.monotonic() + (0.0 if lost else REVOKE_WITHIN)
        late = [worker for worker in workers if not worker.join(max(0.0, deadline - time.monotonic()))]
        for worker in late:
            worker.abandon()
        deadline = time.monotonic() + ABANDON_WITHIN
        for worker in late:
            if not worker.join(max(0.0, deadline - time.monotonic())):
                log.warning("processor.worker_cut_off", partition=worker.partition)
        for number in partitions:
            self._restarts.forget(number)
            self._lag.forget(number)
        self._metrics.open_calls.set(sum(worker.open_calls for worker in self.workers.values()))

    def _note_membership(self, *, now: bool = False) -> None:
        """The generation changes with the callbacks of a rebalance; a look now and then costs nothing."""
        if now or time.monotonic() >= self._membership_due:
            self._membership = self._consumer.consumer_group_metadata()
            self._membership_due = time.monotonic() + MEMBERSHIP_EVERY

    # Rebalances: called from within poll

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = sorted(p.partition for p in partitions)
        log.info("processor.assigned", partitions=numbers)
        self._note_membership(now=True)
        consumer.incremental_assign(partitions)
        for number in numbers:
            self._start(number)
        self._joined = True

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("processor.revoked", partitions=sorted(p.partition for p in partitions))
        self._note_membership(now=True)  # with the new generation the last transaction of what goes is still taken
        self._give_up(consumer, partitions, lost=False)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.warning("processor.lost", partitions=sorted(p.partition for p in partitions))
        self._give_up(consumer, partitions, lost=True)

    def _give_up(self, consumer: Consumer, partitions: list[TopicPartition], *, lost: bool) -> None:
        numbers = [p.partition for p in partitions]
        self._end_workers(numbers, lost=lost)
        self._resume(numbers)  # a pause would outlive the assignment
        consumer.incremental_unassign(partitions)
