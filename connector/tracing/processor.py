"""Tracing of the processor: from a traced sentence to the commit of what came of it.

A sentence whose record carries a `traceparent` is a span of that trace; the alerts it raises, and the next revision of
its call, carry the span on.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from connector.processor.partition import consumed
from connector.processor.task import Batch, Consumed, PartitionTask
from connector.tracing.context import Place, place_of
from connector.tracing.spans import now_micros

if TYPE_CHECKING:
    from confluent_kafka import Message

    from connector.metrics import ProcessorMetrics
    from connector.tracing.spans import Spans

CALLS: Final = 1000
"""Calls whose last traced sentence is remembered, the last ones of a partition."""


class TracedConsumed(Consumed):
    """A record of `transcripts` that is part of a trace."""

    place: Place


class ProcessorTracing:
    """What takes the place of `consumed` and `PartitionTask` where tracing is on."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    @staticmethod
    def consumed(message: Message) -> Consumed:
        """As `consumed`, with the place in its trace."""
        record, headers = consumed(message), message.headers()
        place = place_of(headers.items() if isinstance(headers, dict) else headers)
        if place is None:
            return record
        return TracedConsumed(record.offset, record.timestamp, record.key, record.value, place)

    def task(self, partition: int, *args: Any, **more: Any) -> PartitionTask:
        """As `PartitionTask`; tells of the traced sentences once what came of them is committed."""
        return TracedTask(self._spans, partition, *args, **more)


class _Processed(NamedTuple):
    """A traced sentence."""

    record: TracedConsumed
    place: Place
    begin: int
    """µs since the epoch."""
    alerts: int


@dataclass(slots=True)
class TracedBatch(Batch):
    """A batch that tells of its traced sentences once it is committed."""

    spans: Spans | None = None
    partition: int = 0
    began: int = 0
    """When its transaction began, µs since the epoch."""

    traced: list[_Processed] = field(default_factory=list)

    def count(self, metrics: ProcessorMetrics, now: int) -> None:
        """Add it to the metrics, and tell its spans: it is committed."""
        Batch.count(self, metrics, now)
        if self.spans is None or not self.traced:
            return
        for record, place, begin, alerts in self.traced:
            self.spans.tell(
                "process transcripts",
                place,
                kind="consumer",
                begin=begin,
                end=now,
                parent=record.place,
                events={"transaction": self.began},
                attributes={
                    "messaging.system": "kafka",
                    "messaging.operation.type": "process",
                    "messaging.destination.partition.id": str(self.partition),
                    "messaging.kafka.offset": record.offset,
                    "messaging.kafka.message.key": record.key.decode("utf-8", "replace"),
                    "benzinga.alerts": alerts,
                },
            )
        places = [one.place for one in self.traced]
        name = "commit processor"
        self.spans.tell_transaction(name, begin=self.began, end=now, of=places, records=len(self.records))


class TracedTask(PartitionTask):
    """Goes on with the traces of the sentences that are part of one."""

    def __init__(self, spans: Spans, partition: int, *args: Any, **more: Any) -> None:
        super().__init__(partition, *args, **more)
        self._spans = spans
        self._number = partition
        self._last: OrderedDict[str, Place] = OrderedDict()
        """By transcript, the last traced sentence."""
        self._traced_batch = self._new_batch()
        self.batch = self._traced_batch

    def add(self, record: Consumed, now: int) -> None:
        """Process the partition's next record into the batch."""
        alerts, published = len(self.batch.alerts), len(self.batch.published)
        super().add(record, now)
        self._go_on(published)
        if isinstance(record, TracedConsumed):
            place = record.place.child()
            raised = self.batch.alerts[alerts:]
            for alert, *_ in raised:
                alert.headers.append(place.header())
            self._traced_batch.traced.append(_Processed(record, place, now, len(raised)))
            self._remember(record.key.decode("utf-8", "replace").rpartition(":")[0], place)

    def due(self, now: int) -> None:
        """Put what is due by now into the batch."""
        published = len(self.batch.published)
        super().due(now)
        self._go_on(published)

    def next_batch(self) -> Batch:
        """The batch as it is; a new one begins."""
        batch, self._traced_batch = self._traced_batch, self._new_batch()
        super().next_batch()
        self.batch = self._traced_batch
        batch.began = now_micros()
        return batch

    def _new_batch(self) -> TracedBatch:
        return TracedBatch(spans=self._spans, partition=self._number)

    def _remember(self, transcript_id: str, place: Place) -> None:
        self._last.pop(transcript_id, None)
        self._last[transcript_id] = place
        if len(self._last) > CALLS:
            self._last.popitem(last=False)

    def _go_on(self, first: int) -> None:
        """Let the revisions published since then carry the trace of their call's last traced sentence."""
        for record, _ in self.batch.published[first:]:
            place = self._last.get(record.key.decode("utf-8", "replace"))
            if place is not None:
                record.headers.append(place.header())
