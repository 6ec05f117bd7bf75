"""Reading whole topics for a person: to the end of what is there, on and on, or one record. Nothing is committed.

Close what `scan` and `follow` give where it may not be read to its end (`contextlib.closing`): their consumer lives as
long as they do. Read as read_committed. Values and headers are left as they are.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka.admin import OffsetSpec

from connector.errors import KafkaError
from connector.kafka import clients
from connector.kafka.transactions import StoppedError
from connector.logs import get_logger

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Iterable, Iterator

    from confluent_kafka import Consumer, Message

    from connector.settings import KafkaSettings

log = get_logger(__name__)

POLL: Final = 0.25
"""Seconds until a stop is noticed."""

_TIMEOUT: Final = 10.0

_FINAL: Final = frozenset(
    {
        RdKafkaError.TOPIC_AUTHORIZATION_FAILED,
        RdKafkaError.UNKNOWN_TOPIC_OR_PART,
        RdKafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - a public constant
        RdKafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
        RdKafkaError._AUTHENTICATION,  # noqa: SLF001
    }
)
"""Errors that waiting does not mend."""


def scan(
    settings: KafkaSettings, topic: str, partitions: Iterable[int], stop: threading.Event, *, group_id: str
) -> Generator[Message]:
    """Every committed record, from the first to what is the end now; in order within each partition.

    Waits for transactions that are still open below that end. Raises KafkaError, StoppedError.
    """
    with _consumer(settings, group_id, topic) as consumer:
        ends = _ends(settings, topic, partitions)
        open_ = {partition: end for partition, end in ends.items() if end > 0}
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in open_])
        while open_:
            message = _next(consumer, stop)
            if message is None:
                continue
            partition, offset = _position(message)
            if partition not in open_:
                continue
            is_record = message.error() is None
            if is_record and offset < open_[partition]:
                yield message
            if offset + is_record >= open_[partition]:
                del open_[partition]


def follow(
    settings: KafkaSettings,
    topic: str,
    partitions: Iterable[int],
    stop: threading.Event,
    *,
    group_id: str,
    from_beginning: bool,
) -> Generator[Message]:
    """Every committed record from now on, or from the first; until `stop`. Raises KafkaError."""
    start = OFFSET_BEGINNING if from_beginning else OFFSET_END
    with _consumer(settings, group_id, topic) as consumer:
        consumer.assign([TopicPartition(topic, partition, start) for partition in partitions])
        while True:
            try:
                message = _next(consumer, stop)
            except StoppedError:
                return
            if message is not None and message.error() is None:
                yield message


def read_one(
    settings: KafkaSettings, topic: str, partition: int, offset: int, stop: threading.Event, *, group_id: str
) -> Message | None:
    """The committed record at `offset`, None where there is none. Raises KafkaError, StoppedError."""
    with _consumer(settings, group_id, topic) as consumer:
        end = _ends(settings, topic, [partition])[partition]
        if offset >= end:
            return None
        consumer.assign([TopicPartition(topic, partition, offset)])
        while True:
            message = _next(consumer, stop)
            if message is None:
                continue
            _, found = _position(message)
            if message.error() is None:
                return message if found == offset else None
            if found > offset:
                return None


@contextmanager
def _consumer(settings: KafkaSettings, group_id: str, topic: str) -> Iterator[Consumer]:
    consumer = clients.consumer(settings, group_id)
    try:
        yield consumer
    except KafkaException as error:
        raise KafkaError(f"{topic}: cannot be read: {error.args[0].str()}", code=error.args[0].name()) from error
    finally:
        consumer.close()


def _next(consumer: Consumer, stop: threading.Event) -> Message | None:
    """The next record or end of a partition, None after a while without one. Raises what waiting does not mend."""
    if stop.is_set():
        raise StoppedError("stopped while reading")
    message = consumer.poll(POLL)
    if message is None:
        return None
    error = message.error()
    if error is None or error.code() == RdKafkaError._PARTITION_EOF:  # noqa: SLF001
        return message
    if error.fatal() or error.code() in _FINAL:
        raise KafkaException(error)
    # librdkafka reconnects and goes on by itself.
    log.warning("kafka.reading_interrupted", error=error.str())
    return None


def _position(message: Message) -> tuple[int, int]:
    partition, offset = message.partition(), message.offset()
    if partition is None or offset is None:
        raise RuntimeError("librdkafka gave a record without a position")
    return partition, offset


def _ends(settings: KafkaSettings, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """The offset after the last record of each, committed or not; a read_committed query hides the open ones."""
    latest: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    asked = {TopicPartition(topic, partition): latest for partition in partitions}
    client = clients.admin(settings)  # a name for it: the answers never come where the client is collected before
    answers = client.list_offsets(asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=_TIMEOUT)
    return {asked_for.partition: answer.result().offset for asked_for, answer in answers.items()}
