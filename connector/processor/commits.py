"""What a partition's transactions hold: the records of a batch, and the position that the batch leads to.

One that was aborted is sent again as it is, with the group's metadata as they are then: a member that has lost the
partition is refused (KIP-447) until it learns of its loss. A record that Kafka refuses for good is replaced by a dead
letter. What a batch counts for reaches the metrics once it is committed, never before.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import TopicPartition

from connector.kafka.records import rfc_3339
from connector.kafka.transactions import RejectedError
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.kafka.records import Record
    from connector.kafka.transactions import TransactionalProducer
    from connector.metrics import ProcessorMetrics
    from connector.processor.outputs import Outputs
    from connector.processor.recent import RecentAlerts
    from connector.processor.task import Batch, PartitionTask

log = get_logger(__name__)

POSITIONS_EVERY: Final = 1.0
"""Seconds after which a position is committed although nothing was produced."""


def now_micros() -> int:
    """Now, µs since the epoch."""
    return time.time_ns() // 1000


class Commits:
    """One partition's transactions."""

    def __init__(
        self,
        source: TopicPartition,
        *,
        outputs: Outputs,
        metrics: ProcessorMetrics,
        recent: RecentAlerts,
        group_metadata: Callable[[], object],
    ) -> None:
        """`group_metadata`: the consumer group's, as it is now."""
        self._source = source
        self._outputs = outputs
        self._metrics = metrics
        self._recent = recent
        self._group_metadata = group_metadata
        self._uncommitted_since: float | None = None

    def moved(self) -> None:
        """The position has moved, and has to be committed sooner or later."""
        if self._uncommitted_since is None:
            self._uncommitted_since = time.monotonic()

    def commit(self, producer: TransactionalProducer, task: PartitionTask, position: int, *, force: bool) -> bool:
        """Commit the task's batch with `position`, whether there was something to commit.

        A position alone is committed now and then, or by `force`. Raises as `TransactionalProducer.publish`.
        """
        since = self._uncommitted_since
        due = since is not None and (force or time.monotonic() - since >= POSITIONS_EVERY)
        if not task.batch.records and not due:
            return False
        batch = task.next_batch()
        records = batch.records

        def offsets() -> tuple[list[TopicPartition], object]:
            return [TopicPartition(self._source.topic, self._source.partition, position)], self._group_metadata()

        while True:
            try:
                producer.publish(records, offsets)
            except RejectedError as error:
                records = self._without(records, error, batch)
            else:
                break
        self._uncommitted_since = None
        batch.count(self._metrics, now_micros())
        if batch.alerts:
            self._recent.committed([alert for _, alert in batch.alerts])
        return True

    def _without(self, records: list[Record], error: RejectedError, batch: Batch) -> list[Record]:
        """`records` with a dead letter in the place of each that Kafka refuses for good: a call that grew too large."""
        partition = self._source.partition
        log.error("processor.records_refused", partition=partition, count=len(error.records), error=str(error))
        refused = {id(record) for record in error.records}
        kept = [record for record in records if id(record) not in refused]
        now = now_micros()
        for record in error.records:
            if record.topic == self._outputs.dead_letters:
                continue  # it cannot be kept; it is in the source topic
            detail = f"{record.size} bytes for {record.topic}, key {record.key.decode()}: {error}"
            kept.append(self._outputs.dead_letter(record.key, "encode", detail, rfc_3339(now), now))
            batch.refused(record)
        return kept
