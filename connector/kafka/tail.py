"""Reading back the end of a topic: the topic itself is the state that duplicates are recognised by.

Read as read_committed, so that only what consumers see counts. Values are not decoded.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from confluent_kafka import KafkaException

from connector.errors import KafkaError
from connector.kafka.scan import Scanner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confluent_kafka import Message

    from connector.settings import KafkaSettings

KeepValue: TypeAlias = "Callable[[bytes, int], bool]"


def keep_none(_value: bytes, _timestamp: int) -> bool:
    """No value is kept."""
    return False


MARKERS: Final = 2
"""Offsets read back for each record wanted: a transaction of one record takes two, the second for its marker."""

MANY: Final = 4
"""Times as far for each further look: records that lie behind many aborted ones, or markers."""

FINGERPRINT: Final = "benzinga-fingerprint"
REPLAYED: Final = "benzinga-replayed"
REDRIVEN: Final = "benzinga-redriven"


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

    replayed: bool = False
    """Whether it did not arrive live: in the settle window after a `replay`, or it was redriven."""


class TailReader:
    """Reads back the ends of topics; a context manager. Every method blocks."""

    def __init__(self, settings: KafkaSettings, group_id: str, stop: threading.Event | None = None) -> None:
        """`group_id`: shown to the broker, never committed under; `stop` makes a wait give up with StoppedError."""
        self._scanner = Scanner(settings, group_id, stop or threading.Event())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._scanner.close()

    def read(
        self, topic: str, partitions: Sequence[int], wanted: int, keep_value: KeepValue = keep_none
    ) -> dict[int, list[TailRecord]]:
        """The last `wanted` committed records of each partition, oldest first.

        `keep_value(value, timestamp)` says which values are kept. Raises KafkaError, StoppedError.
        """
        try:
            return self._read(topic, partitions, wanted, keep_value)
        except KafkaException as error:
            raise KafkaError(
                f"{topic}: its end cannot be read back: {error.args[0].str()}", code=error.args[0].name()
            ) from error

    def _read(
        self, topic: str, partitions: Sequence[int], wanted: int, keep_value: KeepValue
    ) -> dict[int, list[TailRecord]]:
        bounds = self._scanner.bounds(topic, partitions)
        records: dict[int, list[TailRecord]] = {partition: [] for partition in partitions}
        offsets = 1
        # Piece by piece towards the beginning, so that little more is read than is wanted.
        while True:
            ranges = {
                partition: (max(low, high - offsets * (wanted - len(records[partition]))), high)
                for partition, (low, high) in bounds.items()
                if low < high and len(records[partition]) < wanted
            }
            if not ranges:
                return records
            found: dict[int, deque[TailRecord]] = {partition: deque(maxlen=wanted) for partition in ranges}
            for message in self._scanner.read(topic, ranges):
                found[message.partition() or 0].append(_record(message, keep_value))
            for partition, rows in found.items():
                records[partition] = [*rows, *records[partition]][-wanted:]
                bounds[partition] = (bounds[partition][0], ranges[partition][0])
            offsets = MARKERS if offsets == 1 else offsets * MANY


def _record(message: Message, keep_value: KeepValue) -> TailRecord:
    fingerprint, event_time, replayed = b"", None, False
    headers: Any = message.headers()
    for name, value in headers or ():
        if name == FINGERPRINT and isinstance(value, bytes):
            fingerprint = _from_hex(value)
        elif name == "ce_time" and isinstance(value, bytes):
            event_time = value.decode("utf-8", "replace")
        elif name in {REPLAYED, REDRIVEN}:
            replayed = True
    key = message.key()
    value, timestamp = message.value(), message.timestamp()[1]
    kept = value if isinstance(value, bytes) and keep_value(value, timestamp) else b""
    text = key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else ""
    return TailRecord(text, fingerprint, timestamp, event_time, kept, replayed)


def _from_hex(value: bytes) -> bytes:
    try:
        return bytes.fromhex(value.decode("ascii"))
    except ValueError:  # somebody else's record on our topic
        return b""
