"""Reading back the end of a topic: the topic itself is the state that duplicates are recognised by.

Read as read_committed, so that only what consumers see counts. Values are not decoded.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka.admin import OffsetSpec

from connector.errors import KafkaError
from connector.kafka import clients
from connector.kafka.transactions import StoppedError
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confluent_kafka import Message

    from connector.settings import KafkaSettings

log = get_logger(__name__)

KeepValue: TypeAlias = "Callable[[bytes, int], bool]"


def keep_none(_value: bytes, _timestamp: int) -> bool:
    """No value is kept."""
    return False


BATCH: Final = 1000
OFFSET_TIMEOUT: Final = 10.0
FIRST_GUESS: Final = 2
"""Offsets read back for each record wanted: a transaction of one record takes two, its own and the commit marker's."""

STUCK_AFTER: Final = 15.0
"""Seconds without progress after which a log line says what is waited for."""

FINGERPRINT: Final = "benzinga-fingerprint"


@dataclass(slots=True, frozen=True)
class TailRecord:
    """What is remembered of one committed record."""

    key: str
    fingerprint: bytes
    """16 bytes; empty where the record has none (a foreign one)."""

    timestamp: int
    """Milliseconds since the epoch."""

    event_time_text: str | None
    value: bytes
    """As stored; empty unless it was asked for."""


class TailReader:
    """Reads back the ends of topics; a context manager. Every method blocks."""

    def __init__(self, settings: KafkaSettings, group_id: str, stop: threading.Event | None = None) -> None:
        """`group_id`: shown to the broker, never committed under; `stop` makes a wait give up with StoppedError."""
        self._consumer = clients.consumer(settings, group_id)
        self._admin = clients.admin(settings)
        self._stop = stop or threading.Event()
        self._keep_value: KeepValue = keep_none

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the clients."""
        self._consumer.close()

    def read(
        self, topic: str, partitions: Sequence[int], wanted: int, keep_value: KeepValue = keep_none
    ) -> dict[int, list[TailRecord]]:
        """The last `wanted` committed records of each partition, oldest first.

        Waits for transactions that are still open below the end seen at the start, so that nothing that may yet be
        committed is missed. `keep_value(value, timestamp)` says which values are kept. Raises KafkaError, StoppedError.
        """
        self._keep_value = keep_value
        try:
            return self._read(topic, partitions, wanted)
        except KafkaException as error:
            raise KafkaError(
                f"{topic}: its end cannot be read back: {error.args[0].str()}", code=error.args[0].name()
            ) from error

    def _read(self, topic: str, partitions: Sequence[int], wanted: int) -> dict[int, list[TailRecord]]:
        lows = self._offsets(topic, partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        highs = self._offsets(topic, partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        records: dict[int, list[TailRecord]] = {p: [] for p in partitions}
        span = wanted * FIRST_GUESS
        todo = [p for p in partitions if highs[p] > lows[p]]
        while todo:
            # Few records among many markers and aborted ones: look further back, from scratch, in growing steps.
            starts = {p: max(lows[p], highs[p] - span) for p in todo}
            found = self._read_ranges(topic, {p: (starts[p], highs[p]) for p in todo})
            records.update({p: rows[-wanted:] for p, rows in found.items()})
            todo = [p for p, rows in found.items() if len(rows) < wanted and starts[p] > lows[p]]
            span *= 4
        return records

    def _offsets(self, topic: str, partitions: Sequence[int], spec: OffsetSpec) -> dict[int, int]:
        """The first or last offsets; the last counts what is not committed yet, which a read_committed query hides."""
        asked = {TopicPartition(topic, partition): spec for partition in partitions}
        while True:
            answers = self._admin.list_offsets(
                asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=OFFSET_TIMEOUT
            )
            try:
                return {asked_for.partition: answer.result().offset for asked_for, answer in answers.items()}
            except KafkaException as error:
                if not (error.args[0].retriable() or error.args[0].code() in _PASSING):
                    raise
                if self._stop.wait(0.5):
                    raise StoppedError(f"{topic}: stopped while reading back its end") from error

    def _read_ranges(self, topic: str, ranges: dict[int, tuple[int, int]]) -> dict[int, list[TailRecord]]:
        rows: dict[int, list[TailRecord]] = {p: [] for p in ranges}
        open_ = {p: high for p, (_, high) in ranges.items()}
        self._consumer.assign([TopicPartition(topic, p, start) for p, (start, _) in ranges.items()])
        progress = time.monotonic()
        while open_:
            if self._stop.is_set():
                raise StoppedError(f"{topic}: stopped while reading back its end")
            messages = self._consumer.consume(BATCH, timeout=0.1)
            for message in messages:
                self._take(message, rows, open_)
            if messages:
                progress = time.monotonic()
            elif time.monotonic() - progress > STUCK_AFTER:
                log.warning("kafka.tail_waiting", topic=topic, partitions=sorted(open_))
                progress = time.monotonic()
        self._consumer.unassign()
        return rows

    def _take(self, message: Message, rows: dict[int, list[TailRecord]], open_: dict[int, int]) -> None:
        partition, offset, error = message.partition(), message.offset(), message.error()
        if error is not None and error.code() != RdKafkaError._PARTITION_EOF:  # noqa: SLF001 - a public constant
            if error.fatal() or error.code() in _FINAL:
                raise KafkaException(error)
            return  # librdkafka goes on by itself
        if partition not in open_ or partition is None or offset is None:
            return
        if error is None and offset < open_[partition]:
            rows[partition].append(self._record(message))
        # An end below the high watermark is the last stable offset: a transaction is open, its end is waited for.
        if offset >= open_[partition] - (1 if error is None else 0):
            del open_[partition]

    def _record(self, message: Message) -> TailRecord:
        fingerprint, event_time = b"", None
        headers: Any = message.headers()
        for name, value in headers or ():
            if name == FINGERPRINT and isinstance(value, bytes):
                fingerprint = _from_hex(value)
            elif name == "ce_time" and isinstance(value, bytes):
                event_time = value.decode("utf-8", "replace")
        key = message.key()
        value, timestamp = message.value(), message.timestamp()[1]
        kept = value if isinstance(value, bytes) and self._keep_value(value, timestamp) else b""
        text = key.decode("utf-8", "surrogatepass") if isinstance(key, bytes) else ""
        return TailRecord(text, fingerprint, timestamp, event_time, kept)


def _from_hex(value: bytes) -> bytes:
    try:
        return bytes.fromhex(value.decode("ascii"))
    except ValueError:  # somebody else's record on our topic
        return b""


_PASSING: Final = frozenset(
    {RdKafkaError._TRANSPORT, RdKafkaError._TIMED_OUT, RdKafkaError._ALL_BROKERS_DOWN, RdKafkaError._WAIT_COORD}  # noqa: SLF001
)
_FINAL: Final = frozenset(
    {
        RdKafkaError.TOPIC_AUTHORIZATION_FAILED,
        RdKafkaError.UNKNOWN_TOPIC_OR_PART,
        RdKafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        RdKafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    }
)
