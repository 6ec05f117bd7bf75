"""Kafka as the measurements need it: topics, their ends, and what is in them for a read_committed reader."""

from __future__ import annotations

import time
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from benchmarks.children import PATIENCE

PARTITIONS: Final = 6

_QUIET: Final = 0.4
"""Seconds without a new record after which a topic counts as complete."""


class Topics:
    """One cluster's topics."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})

    def create(self, name: str) -> None:
        """Create a topic as the source would."""
        topic = NewTopic(name, PARTITIONS, 1, config={"max.message.bytes": str(20 * 1024 * 1024)})
        self._admin.create_topics([topic])[name].result(30)

    def ends(self, name: str) -> tuple[int, int]:
        """The sum of the partitions' last stable offsets, and of their high watermarks."""
        stable, high = (
            self._ends(name, level) for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED)
        )
        return stable, high

    def complete(self, name: str, at_least: int) -> float:
        """Wait until so many are in, all committed, and no more come; when (monotonic) the last commit was seen."""
        deadline = time.monotonic() + PATIENCE
        last, seen = (-1, -1), time.monotonic()
        while True:
            ends, now = self.ends(name), time.monotonic()
            if ends != last:
                last, seen = ends, now
            elif ends[0] == ends[1] and ends[0] >= at_least and now - seen > _QUIET:
                return seen
            if now > deadline:
                raise TimeoutError(f"{name}: {ends} after {PATIENCE:g} s, wanted {at_least}")
            time.sleep(0.02)

    def count(self, name: str) -> tuple[int, int]:
        """Records and different keys, read from the beginning to the end as read_committed."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._servers,
                "group.id": "benchmarks",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        consumer.assign([TopicPartition(name, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
        records, keys, open_ = 0, set(), set(range(PARTITIONS))
        try:
            while open_:
                for message in consumer.consume(1000, 1.0):
                    if (error := message.error()) is None:
                        records += 1
                        keys.add(message.key())
                    elif error.code() == RdKafkaError._PARTITION_EOF:  # noqa: SLF001 - a public constant
                        open_.discard(message.partition())
                    else:
                        raise KafkaException(error)
        finally:
            consumer.close()
        return records, len(keys)

    def _ends(self, name: str, level: IsolationLevel) -> int:
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {TopicPartition(name, partition): latest for partition in range(PARTITIONS)}
        return sum(answer.result().offset for answer in self._admin.list_offsets(asked, isolation_level=level).values())
