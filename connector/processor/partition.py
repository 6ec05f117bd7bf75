"""What Kafka holds for one partition of `transcripts`: read when it is taken over, and when a closed call is asked for.

Every method blocks, and ends with StoppedError once `stop` is set; KafkaException and KafkaError where Kafka refuses.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException, TopicPartition

from connector.errors import KafkaError
from connector.kafka import clients
from connector.kafka.scan import Scanner
from connector.kafka.topics import OPEN_CALLS, TRANSCRIPTS, topic_name
from connector.logs import get_logger
from connector.processor.task import Consumed

if TYPE_CHECKING:
    import threading

    from confluent_kafka import Message

    from connector.processor.task import PartitionTask
    from connector.settings import Settings

log = get_logger(__name__)

COMMITTED_TIMEOUT: Final = 10.0
"""Seconds to wait for the group's coordinator."""


class Partition:
    """One partition of `transcripts`, and that of `internal.calls` with the same number."""

    def __init__(self, number: int, settings: Settings, group_id: str, stop: threading.Event) -> None:
        self.number = number
        self.source = topic_name(settings.topics, TRANSCRIPTS)
        self._entries = topic_name(settings.topics, OPEN_CALLS)
        self._settings = settings
        self._group_id = group_id
        self._stop = stop

    def restore(self, task: PartitionTask) -> tuple[int, int]:
        """Bring a new task to where the group's position is (the steps are `connector.processor.joiner`'s).

        Behind the fence only: before it an earlier owner may still commit. Returns that position, and how many records
        were read again.
        """
        with closing(self._scanner()) as scanner:
            for value in self._last_entries(scanner):
                task.restore(value)
            low, high = scanner.bounds(self.source, [self.number])[self.number]
            position = self._position(low, high)
            start = task.joiner.replay_from
            if start is None or start >= position:
                return position, 0
            for name in task.joiner.cut(low):
                log.warning("processor.call_cut_by_retention", partition=self.number, transcript_id=name)
            replayed = 0
            for message in scanner.read(self.source, {self.number: (max(start, low), position)}):
                task.replay(consumed(message))
                replayed += 1
        return position, replayed

    def read_back(self, first: int, last: int) -> list[Consumed] | None:
        """The records from offset `first` to `last`, both included; None where retention has taken the first."""
        with closing(self._scanner()) as scanner:
            if scanner.bounds(self.source, [self.number])[self.number][0] > first:
                return None
            return [consumed(message) for message in scanner.read(self.source, {self.number: (first, last + 1)})]

    def _last_entries(self, scanner: Scanner) -> list[bytes]:
        """The last value of every key of `internal.calls`."""
        entries: dict[bytes, bytes] = {}
        for message in scanner.read(self._entries, scanner.bounds(self._entries, [self.number])):
            key, value = message.key(), message.value()
            if not isinstance(key, bytes):
                continue
            if isinstance(value, bytes):
                entries[key] = value
            else:
                entries.pop(key, None)
        return list(entries.values())

    def _position(self, low: int, high: int) -> int:
        """Where to go on: the group's position, or the beginning where it has none that is there."""
        committed = self._committed()
        if committed is None:
            return low
        if committed > high:
            log.error("processor.position_beyond_end", partition=self.number, committed=committed, end=high)
            return low
        return max(committed, low)

    def _committed(self) -> int | None:
        consumer = clients.consumer(self._settings.kafka, self._group_id)
        try:
            [position] = consumer.committed([TopicPartition(self.source, self.number)], timeout=COMMITTED_TIMEOUT)
        except KafkaException as error:
            raise KafkaError(f"{self._group_id}: its position cannot be read: {error.args[0].str()}") from error
        finally:
            consumer.close()
        return position.offset if position.offset >= 0 else None

    def _scanner(self) -> Scanner:
        return Scanner(self._settings.kafka, f"{self._group_id}.restore", self._stop)


def consumed(message: Message) -> Consumed:
    """A consumer's message as a task takes it."""
    key, value = message.key(), message.value()
    return Consumed(
        message.offset() or 0,
        message.timestamp()[1],
        key if isinstance(key, bytes) else b"",
        value if isinstance(value, bytes) else b"",
    )
