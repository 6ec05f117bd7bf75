"""Publishing what is pending: group commit.

1. Wait until something is queued.
2. Take whatever is queued, up to a bound: that is the batch. Nothing is waited for: while one transaction commits, the
   next batch gathers.
3. In the stream's own thread: begin, produce the batch, commit; again for as long as Kafka asks for it.
4. Committed: the batch is forgotten, its metrics are counted. Records that Kafka refuses for good are replaced by
   dead letters, a refused dead letter by a gap record, and the batch is sent again.

An error that ends the producer leaves the batch in flight: whether it was committed is asked of the topic, after the
next fence.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from connector.kafka.transactions import RejectedError
from connector.logs import get_logger
from connector.messages import DeadLetter, Message
from connector.source.gaps import Gap
from connector.source.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from connector.kafka.transactions import TransactionalProducer
    from connector.mapping.decoder import Decoder
    from connector.metrics import SourceMetrics
    from connector.source.pending import Outbox
    from connector.source.records import RecordBuilder

log = get_logger(__name__)

MAX_RECORDS: Final = 5000
MAX_BYTES: Final = 16 * 1024 * 1024
"""The largest transaction: it is committed, or sent again, as a whole."""


class Publisher:
    """Empties one stream's outbox into Kafka."""

    def __init__(
        self,
        stream: str,
        outbox: Outbox,
        *,
        builder: RecordBuilder,
        decoder: Decoder,
        metrics: SourceMetrics,
        executor: Executor,
        on_committed: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_committed` is called when a batch has left the outbox for good."""
        self._stream = stream
        self._outbox = outbox
        self._builder = builder
        self._decoder = decoder
        self._metrics = metrics
        self._executor = executor
        self._on_committed = on_committed
        self._clock = clock
        self._publish_seconds = metrics.publish.labels(stream)
        self._published = metrics.records_published.labels(stream)

    async def run(self, producer: TransactionalProducer) -> None:
        """Publish until the outbox is closed and empty; raises as `TransactionalProducer.publish` does."""
        loop = asyncio.get_running_loop()
        while await self._outbox.arrival():
            if not self._outbox.in_flight:
                self._outbox.take(MAX_RECORDS, MAX_BYTES)
            records = [item.record for item in self._outbox.in_flight]
            began = self._clock()
            try:
                await loop.run_in_executor(self._executor, producer.publish, records)
            except RejectedError as error:
                self._replace(error)
            else:
                self.committed(self._outbox.committed(), began)
                self._on_committed()

    def committed(self, batch: list[Pending], began: float) -> None:  # noqa: ARG002 - for those who trace it
        """Count what is committed; its transaction began at `began`, seconds since the epoch."""
        now = self._clock()
        messages = 0
        for item in batch:
            if isinstance(item.origin, Message):
                messages += 1
                self._publish_seconds.observe(max(0.0, now - item.received_at / 1e6))
            elif isinstance(item.origin, DeadLetter):
                self._metrics.dead_letters.labels(self._stream, item.origin.reason).inc()
            else:
                self._metrics.gaps.labels(self._stream, item.origin.reason).inc()
        self._published.inc(messages)

    def _replace(self, error: RejectedError) -> None:
        refused = {id(record) for record in error.records}
        log.error("kafka.records_refused", stream=self._stream, count=len(refused), error=str(error))
        self._outbox.replace_in_flight(
            [self._instead(item, str(error)) if id(item.record) in refused else item for item in self._outbox.in_flight]
        )

    def _instead(self, item: Pending, detail: str) -> Pending:
        """What is published instead of `item`, which Kafka refuses."""
        if isinstance(item.origin, Message):
            letter = self._decoder.dead_letter("encode", detail, item.payload)
            return Pending(
                self._builder.dead_letter(letter, item.received_at), item.received_at, letter, mark=item.mark
            )
        gap = Gap(
            self._stream,
            "too_large",
            detected_at=item.received_at,
            detail=f"a frame of {item.record.size} bytes that Kafka refuses: {detail}",
            fingerprint=item.origin.fingerprint,
        )
        return Pending(self._builder.gap(gap), item.received_at, gap, mark=item.mark)
