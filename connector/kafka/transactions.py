"""The life of one transactional producer, as a state machine around librdkafka's blocking calls.

    NEW ──fence──▶ READY ──begin──▶ OPEN ──commit──▶ COMMITTING ──▶ READY
                     ▲               │                   │
                     └───ABORTING◀───┴───────────────────┘
    any ──▶ FENCED   another producer has the transactional id: nothing may be published any more
    any ──▶ BROKEN   librdkafka gave this producer up: make a new one, fence, read the tail to learn what was committed
    any ──▶ CLOSED

Which way an error goes is decided by what librdkafka says of it (`fatal`, `txn_requires_abort`, `retriable`), in one
pure function (KIP-98, KIP-360; librdkafka INTRODUCTION.md, "Transactional producer"). Every method blocks: call them
in a thread.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka import KafkaException

from connector.errors import FencedError, KafkaError
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confluent_kafka import Producer, TopicPartition

    from connector.kafka.records import Record

log = get_logger(__name__)

CALL_TIMEOUT: Final = 5.0
"""Seconds one blocking call may take before the stop flag is looked at again; a call that timed out is called again."""

RETRY_MIN: Final = 0.1
RETRY_MAX: Final = 5.0
"""Seconds before the same thing is tried again; doubled each time."""

SPACING: Final = 0.002
"""Seconds between a commit and the next begin. The coordinator writes the markers of a commit after it has answered;
who adds partitions before that is told CONCURRENT_TRANSACTIONS, and librdkafka then waits 20 ms: ours are fewer."""

REPORT_ABOVE: Final = 500_000
"""Bytes above which a record's own delivery report is asked for: brokers refuse records by size."""

REPORT_ALL_AFTER: Final = 3
"""Aborts of one batch after which every record's report is asked for, so that the refused one is found."""


Offsets: TypeAlias = "Callable[[], tuple[list[TopicPartition], object]]"


class State(Enum):
    """Where the producer is in its life."""

    NEW = "new"
    READY = "ready"
    OPEN = "open"
    COMMITTING = "committing"
    ABORTING = "aborting"
    FENCED = "fenced"
    BROKEN = "broken"
    CLOSED = "closed"


_NEXT: Final[dict[State, frozenset[State]]] = {
    State.NEW: frozenset({State.READY, State.FENCED, State.BROKEN, State.CLOSED}),
    State.READY: frozenset({State.OPEN, State.FENCED, State.BROKEN, State.CLOSED}),
    State.OPEN: frozenset({State.COMMITTING, State.ABORTING, State.FENCED, State.BROKEN, State.CLOSED}),
    State.COMMITTING: frozenset({State.READY, State.ABORTING, State.FENCED, State.BROKEN, State.CLOSED}),
    State.ABORTING: frozenset({State.READY, State.FENCED, State.BROKEN, State.CLOSED}),
    State.FENCED: frozenset({State.CLOSED}),
    State.BROKEN: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}


class Action(Enum):
    """What an error asks for."""

    RETRY = "retry"
    ABORT = "abort"
    FENCED = "fenced"
    BROKEN = "broken"


_FENCING_CODES: Final = frozenset(
    {RdKafkaError._FENCED, RdKafkaError.PRODUCER_FENCED, RdKafkaError.INVALID_PRODUCER_EPOCH}  # noqa: SLF001 - a public constant
)


def decide(error: RdKafkaError) -> Action:
    """What to do after `error`: the one place where librdkafka's classes of errors are read."""
    if error.code() in _FENCING_CODES:
        return Action.FENCED
    if error.fatal():
        return Action.BROKEN
    if error.txn_requires_abort():
        return Action.ABORT
    if error.retriable() or error.code() == RdKafkaError._TIMED_OUT:  # noqa: SLF001
        return Action.RETRY
    return Action.BROKEN


class RejectedError(KafkaError):
    """The broker or the client will never take these records (too large, mostly); the transaction was aborted."""

    def __init__(self, records: Sequence[Record], error: RdKafkaError) -> None:
        super().__init__(f"{len(records)} records were refused for good: {error.str()}", code=error.name())
        self.records = list(records)


class StoppedError(KafkaError):
    """The call was given up because the process ends at once."""


class TransactionalProducer:
    """Publishes batches, each in one transaction; not thread-safe, one call at a time.

    `on_end` hears `committed` or `aborted` once a transaction ended that way.
    """

    def __init__(
        self, make: Callable[[], Producer], transactional_id: str, on_end: Callable[[str], None] = lambda _result: None
    ) -> None:
        self._producer = make()
        self._id = transactional_id
        self._on_end = on_end
        self._stop = threading.Event()
        self._rejected: list[tuple[Record, RdKafkaError]] = []
        self._next_begin = 0.0
        self.state = State.NEW

    def stop(self) -> None:
        """Make a call that is under way give up with StoppedError; from any thread."""
        self._stop.set()

    def close(self) -> None:
        """Drop what is in flight and free the client. A transaction that is open is left for the broker to abort."""
        if self.state is not State.CLOSED:
            self._enter(State.CLOSED)
            self._producer.purge()
            with suppress(KafkaException):  # after a fatal error, that error once more: it was raised where it counted
                self._producer.poll(0)

    def serve(self) -> None:
        """Let the client report what it has to: while nothing is published nobody else asks it."""
        self._producer.poll(0)

    def fence(self) -> None:
        """Take the transactional id: earlier producers that hold it are fenced, their open transaction is aborted.

        Waits as long as it takes for Kafka. Raises FencedError, KafkaError (this producer is broken), StoppedError.
        """
        self._until_done(self._producer.init_transactions, "init_transactions")
        self._enter(State.READY)

    def publish(self, records: Sequence[Record], offsets: Offsets | None = None) -> None:
        """Publish `records` in one transaction, trying again for as long as Kafka lets it.

        `offsets` is asked at every attempt for what is consumed with this transaction: positions and the consumer
        group's metadata as they are then (KIP-447).

        Raises RejectedError (aborted; take those records out), FencedError, StoppedError, or KafkaError: then it is not
        known here whether the transaction was committed, and only the topic can tell.
        """
        aborts = 0
        while not self._attempt(records, offsets, report_all=aborts >= REPORT_ALL_AFTER):
            aborts += 1
            if self._rejected:
                rejected, self._rejected = self._rejected, []
                raise RejectedError([record for record, _ in rejected], rejected[0][1])
            self._pause(min(RETRY_MAX, RETRY_MIN * 2.0 ** min(aborts, 10)))

    def _attempt(self, records: Sequence[Record], offsets: Offsets | None, *, report_all: bool) -> bool:
        """One transaction; False where it was aborted."""
        self._rejected = []
        time.sleep(max(0.0, self._next_begin - time.monotonic()))
        try:
            self._producer.begin_transaction()
            self._enter(State.OPEN)
            for record in records:
                self._produce(record, report=report_all or len(record.value or b"") > REPORT_ABOVE)
            if not self._rejected:
                if offsets is not None:
                    send = partial(self._producer.send_offsets_to_transaction, *offsets())
                    self._until_done(send, "send_offsets_to_transaction")
                self._enter(State.COMMITTING)
                self._until_done(self._producer.commit_transaction, "commit_transaction")
                self._enter(State.READY)
                self._next_begin = time.monotonic() + SPACING
                self._on_end("committed")
                return True
        except KafkaException as error:
            reason: RdKafkaError = error.args[0]
            if decide(reason) is not Action.ABORT:
                raise self._given_up(reason, "transaction") from error
            log.warning("kafka.transaction_aborted", transactional_id=self._id, error=reason.str(), code=reason.name())
        self._abort()
        return False

    def _produce(self, record: Record, *, report: bool) -> None:
        callback = self._reporter(record) if report else None
        while True:
            try:
                self._producer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    record.partition,
                    on_delivery=callback,
                    timestamp=record.timestamp,
                    headers=record.headers,
                )
            except BufferError:  # the client's queue is full: let it drain
                self._check_stop()
                self._producer.poll(0.1)
            except KafkaException as error:
                if error.args[0].code() != RdKafkaError.MSG_SIZE_TOO_LARGE:
                    raise
                self._rejected.append((record, error.args[0]))
                return
            else:
                return

    def _reporter(self, record: Record) -> Callable[[RdKafkaError | None, object], None]:
        def report(error: RdKafkaError | None, _message: object) -> None:
            if error is not None and error.code() in _REJECTIONS:
                self._rejected.append((record, error))

        return report

    def _abort(self) -> None:
        self._enter(State.ABORTING)
        try:
            self._until_done(self._producer.abort_transaction, "abort_transaction")
        except KafkaException as error:  # an abort that asks to be aborted
            raise self._given_up(error.args[0], "abort_transaction") from error
        self._enter(State.READY)
        self._on_end("aborted")

    def _until_done(self, call: Callable[[float], Any], name: str) -> None:
        """Call again and again while the error is one that passes. Raises KafkaException where an abort is due."""
        wait = RETRY_MIN
        said = False
        while True:
            self._check_stop()
            try:
                call(CALL_TIMEOUT)
            except KafkaException as error:
                reason: RdKafkaError = error.args[0]
                action = decide(reason)
                if action is Action.ABORT:
                    raise
                if action is not Action.RETRY:
                    raise self._given_up(reason, name) from error
                if not said:
                    log.warning("kafka.waiting", call=name, transactional_id=self._id, error=reason.str())
                    said = True
                self.serve()
                self._pause(wait)
                wait = min(RETRY_MAX, wait * 2)
            else:
                return

    def _given_up(self, reason: RdKafkaError, call: str) -> KafkaError:
        if decide(reason) is Action.FENCED:
            self._enter(State.FENCED)
            return FencedError(
                f"{self._id}: another producer has taken this transactional id ({reason.str()})", code=reason.name()
            )
        self._enter(State.BROKEN)
        return KafkaError(f"{self._id}: {call} failed for good: {reason.str()}", code=reason.name())

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)
        self._check_stop()

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise StoppedError(f"{self._id}: stopped while waiting for Kafka")

    def _enter(self, state: State) -> None:
        if state not in _NEXT[self.state]:
            raise RuntimeError(f"{self._id}: a producer that is {self.state.value} cannot become {state.value}")
        self.state = state


_REJECTIONS: Final = frozenset(
    {RdKafkaError.MSG_SIZE_TOO_LARGE, RdKafkaError.INVALID_RECORD, RdKafkaError.RECORD_LIST_TOO_LARGE}
)
