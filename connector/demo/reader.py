"""What is really in Kafka: committed records, read and decoded as any consumer does."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from connector.demo.calls_board import AlertSeen, CallSeen
from connector.demo.describe import dead_letter_line, gap_line, line
from connector.kafka import clients
from connector.kafka.decoding import AvroValues
from connector.kafka.reading import scan
from connector.kafka.registry import Registry
from connector.kafka.topics import ALERTS, CALLS, DEAD_LETTERS, GAPS, topic_name
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from confluent_kafka import Message

    from connector.settings import Settings

_POLL: Final = 0.1
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """A committed record."""

    topic: str
    """Without the prefix."""

    stream: str
    """Whose it is, also on `gaps` and `dead-letters`."""

    received_at: float
    """When its frame left the socket, seconds since the epoch."""

    text: str
    """What it says, in one line."""


News: TypeAlias = Seen | CallSeen | AlertSeen


@dataclass(frozen=True, slots=True)
class Read:
    """A committed record with all it holds."""

    key: str
    headers: dict[str, str]
    value: Any
    """Decoded; of a dead letter the bytes."""


class Reader:
    """Follows all the connector's topics in a thread of its own until closed."""

    def __init__(self, settings: Settings, tell: Callable[[News], None]) -> None:
        """`tell` is called in the reader's thread."""
        self._settings = settings
        self._tell = tell
        self._names = {
            topic_name(settings.topics, name): name for name in (*STREAMS, GAPS, DEAD_LETTERS, CALLS, ALERTS)
        }
        self._avro = AvroValues(Registry(settings.schema_registry))
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-reader", daemon=True)
        self.error: BaseException | None = None
        """What ended it, where that was not `close`."""

    def start(self) -> None:
        """Begin with the oldest record. Every topic must exist."""
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def all_of(self, name: str) -> Iterator[Read]:
        """Every committed record of a topic, from the first to what is the end now. Not for the thread."""
        topic = topic_name(self._settings.topics, name)
        partitions = self._partitions()[topic]
        for message in scan(self._settings.kafka, topic, partitions, threading.Event(), group_id="demo.verify"):
            value = message.value()
            raw = value if isinstance(value, bytes) else b""
            key = message.key()
            yield Read(
                key=key.decode() if isinstance(key, bytes) else "",
                headers=_headers(message),
                value=raw if name == DEAD_LETTERS else self._avro.decode(raw),
            )

    def _partitions(self) -> dict[str, list[int]]:
        found = clients.admin(self._settings.kafka).list_topics(timeout=10).topics
        return {topic: sorted(found[topic].partitions) for topic in self._names}

    def _run(self) -> None:
        try:
            consumer = clients.consumer(self._settings.kafka, "demo.view")
            try:
                consumer.assign(
                    [
                        TopicPartition(topic, partition, OFFSET_BEGINNING)
                        for topic, partitions in self._partitions().items()
                        for partition in partitions
                    ]
                )
                while not self._closing.is_set():
                    for message in consumer.consume(_BATCH, _POLL):
                        if message.error() is None:
                            self._tell(self._seen(message))
            finally:
                consumer.close()
        except Exception as error:  # noqa: BLE001 - whoever watches raises it
            self.error = error

    def _seen(self, message: Message) -> News:
        name = self._names[str(message.topic())]
        value = message.value()
        raw = value if isinstance(value, bytes) else b""
        headers = _headers(message)
        received_at = message.timestamp()[1] / 1000
        if name == DEAD_LETTERS:
            return Seen(name, headers.get("stream", ""), received_at, dead_letter_line(headers, raw))
        decoded = self._avro.decode(raw)
        if name == CALLS:
            return CallSeen(decoded)
        if name == ALERTS:
            return AlertSeen(decoded)
        if name == GAPS:
            return Seen(name, decoded["stream"], received_at, gap_line(decoded))
        return Seen(name, name, received_at, line(name, decoded))


def _headers(message: Message) -> dict[str, str]:
    pairs: Any = message.headers()
    return {name: value.decode("utf-8", "replace") for name, value in pairs or () if isinstance(value, bytes)}
