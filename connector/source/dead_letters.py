"""What `dead-letters` and `internal.redriven` hold, as objects.

A dead letter is known by its place, `<partition>:<offset>`. `internal.redriven` has one record for each that was
redriven, under that place as key: whether it was is asked of the topic alone, however long ago it was.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from connector.kafka import clients, topics
from connector.kafka.reading import scan
from connector.kafka.records import Record
from connector.kafka.tail import FINGERPRINT
from connector.mapping.times import rfc_3339_nanos

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Iterable

    from confluent_kafka import Message

    from connector.settings import Settings


class Place(NamedTuple):
    """Where a dead letter is."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Letter:
    """One record of `dead-letters`; None where its header is missing."""

    place: Place
    stream: str | None
    reason: str | None
    detail: str | None
    received_at: int
    """Microseconds since the epoch, UTC."""

    fingerprint: str
    redacted: bool
    payload: bytes

    @classmethod
    def of(cls, message: Message) -> Letter:
        """Read a record; one that another program wrote is read as far as it goes."""
        pairs: Any = message.headers()
        headers = {name: (value or b"").decode("utf-8", "replace") for name, value in pairs or ()}
        value = message.value()
        payload = value if isinstance(value, bytes) else b""
        nanos = rfc_3339_nanos(headers.get("received-at", ""))
        return cls(
            Place(message.partition() or 0, message.offset() or 0),
            headers.get("stream"),
            headers.get("reason"),
            headers.get("detail"),
            message.timestamp()[1] * 1000 if nanos is None else nanos // 1000,
            headers.get(FINGERPRINT) or blake2b(payload, digest_size=16).hexdigest(),
            headers.get("redacted") == "true",
            payload,
        )


class Mark(msgspec.Struct, frozen=True):
    """That a dead letter was redriven."""

    stream: str
    message_id: str
    outcome: Literal["published", "duplicate"]
    redriven_at: int
    """Microseconds since the epoch, UTC."""

    fingerprint: str
    """Of the dead letter: in a topic that was made anew, the same place is another letter's."""


Marks = dict[Place, Mark]


def mark_record(settings: Settings, letter: Letter, mark: Mark) -> Record:
    """The record that says so."""
    return Record(
        topics.topic_name(settings.topics, topics.REDRIVEN),
        0,
        str(letter.place).encode(),
        msgspec.json.encode(mark),
        [("content-type", b"application/json")],
        mark.redriven_at // 1000,
    )


def read_letters(settings: Settings, partitions: Iterable[int], stop: threading.Event) -> Generator[Letter]:
    """Every dead letter of these partitions, oldest first in each. Raises KafkaError, StoppedError."""
    topic = topics.topic_name(settings.topics, topics.DEAD_LETTERS)
    group_id = f"{settings.topics.prefix}.redrive"
    with closing(scan(settings.kafka, topic, partitions, stop, group_id=group_id)) as messages:
        yield from map(Letter.of, messages)


def read_marks(settings: Settings, stop: threading.Event) -> Marks:
    """Everything that was redriven; nothing where the topic is not there yet. Raises KafkaError, StoppedError."""
    topic = topics.topic_name(settings.topics, topics.REDRIVEN)
    marks: Marks = {}
    if topic not in topics.describe(clients.admin(settings.kafka)):
        return marks
    group_id = f"{settings.topics.prefix}.redrive"
    with closing(scan(settings.kafka, topic, [0], stop, group_id=group_id)) as messages:
        for message in messages:
            key, value = message.key(), message.value()
            if isinstance(key, bytes) and isinstance(value, bytes):
                partition, _, offset = key.decode().partition(":")
                marks[Place(int(partition), int(offset))] = msgspec.json.decode(value, type=Mark)
    return marks


def is_marked(letter: Letter, marks: Marks) -> bool:
    """Whether `letter` was redriven."""
    mark = marks.get(letter.place)
    return mark is not None and mark.fingerprint == letter.fingerprint
