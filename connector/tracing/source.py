"""Tracing of the source: from a frame's receipt to its commit.

Whether a message is traced is decided when its record is made, and said in the record's header; what is committed with
such a header is told. Nothing is kept in between: not over a producer that is rebuilt, not over a restart.
"""

from __future__ import annotations

from random import random
from typing import TYPE_CHECKING, Any

from connector.source.publisher import Publisher
from connector.source.records import RecordBuilder
from connector.tracing.context import HEADER, new_place, place_of

if TYPE_CHECKING:
    from connector.kafka.records import Record
    from connector.messages import Message
    from connector.source.pending import Pending
    from connector.tracing.spans import Spans


class SourceTracing:
    """What takes the place of `RecordBuilder` and `Publisher` where tracing is on."""

    def __init__(self, spans: Spans, sample_ratio: float) -> None:
        """`sample_ratio`: of the messages, how many are traced; from 0 to 1."""
        self._spans = spans
        self._sample_ratio = sample_ratio

    def builder(self, *args: Any, **more: Any) -> RecordBuilder:
        """As `RecordBuilder`; some of its messages carry a `traceparent`."""
        return TracedRecords(self._sample_ratio, *args, **more)

    def publisher(self, *args: Any, **more: Any) -> Publisher:
        """As `Publisher`; tells of those once they are committed."""
        return TracedPublisher(self._spans, *args, **more)


class TracedRecords(RecordBuilder):
    """Begins a trace at some of the messages."""

    def __init__(self, sample_ratio: float, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._sample_ratio = sample_ratio

    def message(
        self, message: Message, partition: int, value: bytes, received_at: int, *, replayed: bool, redriven: bool
    ) -> Record:
        """The record of `message`."""
        record = super().message(message, partition, value, received_at, replayed=replayed, redriven=redriven)
        if random() < self._sample_ratio:  # noqa: S311 - a sample, no secret
            record.headers.append(new_place().header())
        return record


class TracedPublisher(Publisher):
    """Tells of the messages that carry a `traceparent`, and of their transaction."""

    def __init__(self, spans: Spans, stream: str, *args: Any, **more: Any) -> None:
        super().__init__(stream, *args, **more)
        self._spans = spans
        self._name = stream

    def committed(self, batch: list[Pending], began: float) -> None:
        """The batch, whose transaction began at `began` (seconds since the epoch), is committed."""
        super().committed(batch, began)
        traced = [item for item in batch if item.record.headers and item.record.headers[-1][0] == HEADER]
        if not traced:
            return
        begin, end = int(began * 1e6), int(self._clock() * 1e6)
        places = []
        for item in traced:
            record = item.record
            place = place_of(record.headers)
            if place is None:
                continue
            places.append(place)
            self._spans.tell(
                f"publish {self._name}",
                place,
                kind="producer",
                begin=item.received_at,
                end=end,
                events={"transaction": begin},
                attributes={
                    "messaging.system": "kafka",
                    "messaging.operation.type": "send",
                    "messaging.destination.name": record.topic,
                    "messaging.destination.partition.id": str(record.partition),
                    "messaging.kafka.message.key": record.key.decode("utf-8", "replace"),
                    "benzinga.stream": self._name,
                },
            )
        self._spans.tell_transaction(f"commit {self._name}", begin=begin, end=end, of=places, records=len(batch))
