"""Reading ranges of offsets to their end, as read_committed: what restoring state is made of."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka.admin import OffsetSpec

from connector.kafka import clients
from connector.kafka.transactions import StoppedError
from connector.logs import get_logger

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

    from confluent_kafka import Consumer, Message
    from confluent_kafka.admin import AdminClient

    from connector.settings import KafkaSettings

log = get_logger(__name__)

BATCH: Final = 500
OFFSET_TIMEOUT: Final = 10.0
POLL: Final = 0.1
"""Seconds between two looks at the stop flag."""

STUCK_AFTER: Final = 15.0
"""Seconds without progress after which a log line says what is waited for."""

_PASSING: Final = frozenset(
    {
        RdKafkaError._TRANSPORT,  # noqa: SLF001 - public constants
        RdKafkaError._TIMED_OUT,  # noqa: SLF001
        RdKafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        RdKafkaError._WAIT_COORD,  # noqa: SLF001
        # A topic made a moment ago, or a leader that moves: not called retriable where offsets are asked for.
        RdKafkaError.NOT_LEADER_FOR_PARTITION,
        RdKafkaError.LEADER_NOT_AVAILABLE,
    }
)
_FINAL: Final = frozenset(
    {
        RdKafkaError.TOPIC_AUTHORIZATION_FAILED,
        RdKafkaError.UNKNOWN_TOPIC_OR_PART,
        RdKafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        RdKafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    }
)


class Scanner:
    """Where partitions begin and end, and what lies between two offsets. Every method blocks.

    Raises KafkaException where Kafka refuses, StoppedError once `stop` is set.
    """

    def __init__(self, settings: KafkaSettings, group_id: str, stop: threading.Event) -> None:
        """`group_id` is shown to the broker; nothing is ever committed under it."""
        self._make = partial(clients.consumer, settings, group_id)
        self._consumer: Consumer = self._make()
        self._admin: AdminClient = clients.admin(settings)
        self._stop = stop

    def close(self) -> None:
        """Free the clients."""
        self._consumer.close()

    def bounds(self, topic: str, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        """The first offset of each partition, and the one after its last: what is not committed yet counts as well."""
        self._meet(self._admin, topic)
        lows = self._offsets(topic, partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        highs = self._offsets(topic, partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        return {partition: (lows[partition], highs[partition]) for partition in partitions}

    def read(self, topic: str, ranges: Mapping[int, tuple[int, int]]) -> Iterator[Message]:
        """The committed records of each partition from its first offset up to, not including, its second.

        In order within a partition. A transaction that is open below the second offset is waited for, so that nothing
        that may yet be committed is missed.
        """
        ends = {partition: end for partition, (start, end) in ranges.items() if end > start}
        positions = {partition: ranges[partition][0] for partition in ends}
        self._assign(topic, positions)
        progress = time.monotonic()
        while ends:
            if self._stop.is_set():
                raise StoppedError(f"{topic}: stopped while it was read back")
            first = self._consumer.poll(POLL)
            if first is None:
                if time.monotonic() - progress > STUCK_AFTER:
                    self._begin_again(topic, {partition: positions[partition] for partition in ends}, ends)
                    progress = time.monotonic()
                continue
            progress = time.monotonic()
            for message in (first, *self._consumer.consume(BATCH, timeout=0)):
                if message.error() is None:
                    positions[message.partition() or 0] = (message.offset() or 0) + 1
                if self._is_wanted(message, ends):
                    yield message
        self._consumer.unassign()

    def _assign(self, topic: str, positions: Mapping[int, int]) -> None:
        if positions:
            self._meet(self._consumer, topic)
        self._consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in positions.items()])

    def _begin_again(self, topic: str, positions: Mapping[int, int], ends: Mapping[int, int]) -> None:
        """Nothing has come for long: say what is waited for, and ask with a new client, whose view is not old.

        Where `stable` stays below the end, a transaction is open there, and no client gets past it (KIP-664 has a tool
        for one that no coordinator knows any more).
        """
        stable = self._offsets(topic, list(positions), OffsetSpec.latest(), IsolationLevel.READ_COMMITTED)  # type: ignore[no-untyped-call]
        log.warning(
            "kafka.scan_waiting", topic=topic, partitions=sorted(ends), positions=positions, ends=ends, stable=stable
        )
        self._consumer.close()
        self._consumer = self._make()
        self._assign(topic, positions)

    @staticmethod
    def _is_wanted(message: Message, ends: dict[int, int]) -> bool:
        """Whether `message` is a record of its range; takes a partition that is read to its end out of `ends`."""
        partition, offset, error = message.partition(), message.offset(), message.error()
        if error is not None and error.code() != RdKafkaError._PARTITION_EOF:  # noqa: SLF001 - a public constant
            if error.fatal() or error.code() in _FINAL:
                raise KafkaException(error)
            return False  # librdkafka goes on by itself
        end = ends.get(partition) if partition is not None else None
        if end is None or partition is None or offset is None:
            return False
        # The end of a partition below its high watermark is the last stable offset: what is open there is waited for.
        if offset >= (end if error is not None else end - 1):
            del ends[partition]
        return error is None and offset < end

    def _meet(self, client: AdminClient | Consumer, topic: str) -> None:
        """Wait until `client` knows who leads the topic.

        Where that is not known yet when an offset or a partition is asked for, because the first connection does not
        stand, librdkafka comes back to it one second later (a consumer) or three (an admin client).
        """
        while True:
            try:
                client.list_topics(topic, timeout=OFFSET_TIMEOUT)
            except KafkaException as error:
                self._pass(error, topic)
            else:
                return

    def _pass(self, error: KafkaException, topic: str) -> None:
        """Wait a moment after an error that passes; raise any other."""
        if not (error.args[0].retriable() or error.args[0].code() in _PASSING):
            raise error
        if self._stop.wait(0.5):
            raise StoppedError(f"{topic}: stopped while it was read back") from error

    def _offsets(
        self,
        topic: str,
        partitions: Sequence[int],
        spec: OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    ) -> dict[int, int]:
        # A query by the read_committed consumer would answer with the last stable offset.
        asked = {TopicPartition(topic, partition): spec for partition in partitions}
        while True:
            answers = self._admin.list_offsets(asked, isolation_level=isolation, request_timeout=OFFSET_TIMEOUT)
            try:
                return {asked_for.partition: answer.result().offset for asked_for, answer in answers.items()}
            except KafkaException as error:
                self._pass(error, topic)
