"""One owned stream, from the fence to live: the order that the guarantee rests on (contract §4).

    FENCING ──▶ READING_TAIL ──▶ PUBLISHING ──▶ STOPPED
       ▲                             │
       └────── the producer broke ───┤
                                     └──▶ TAKEN_OVER   another process fenced us: socket closed, nothing is written

The feed connects only once the tail and the journal are read for the first time; a producer that is rebuilt later goes
through the fence and the tail again while the feed goes on, and the tail tells whether the batch in flight was
committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from connector.errors import FencedError, JournalError, KafkaError
from connector.feed.connection import Feed
from connector.feed.market_hours import active_seconds, is_active
from connector.kafka import clients
from connector.kafka.claims import claim_record, last_claim, release_record
from connector.kafka.records import rfc_3339
from connector.kafka.statistics import Watch
from connector.kafka.transactions import StoppedError, TransactionalProducer
from connector.logs import get_logger
from connector.source.pipeline import Pipeline
from connector.source.publisher import Publisher
from connector.source.records import RecordBuilder
from connector.source.restore import Restored, restore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.journal import Entry
    from connector.metrics import SourceMetrics
    from connector.settings import Settings
    from connector.streams import Stream
    from connector.tracing.source import SourceTracing

log = get_logger(__name__)

REBUILD_MIN: Final = 1.0
REBUILD_MAX: Final = 30.0
"""Seconds before a broken producer is made anew; doubled each time, back to the least after a while of quiet."""

REBUILD_QUIET: Final = 60.0

CLAIM_DELAY: Final = 2.0
"""Seconds a fenced process waits before it reads who claimed the stream: the other one claims right after its fence."""

RELEASE_WITHIN: Final = 2.0
"""Seconds the record has that says the stream is free."""

TICK: Final = 1.0

T = TypeVar("T")


class State(Enum):
    """Where a stream is in its life; how its socket is, `Feed.state` tells."""

    WAITING = "waiting"
    FENCING = "fencing"
    READING_TAIL = "reading_tail"
    PUBLISHING = "publishing"
    TAKEN_OVER = "taken_over"
    STOPPED = "stopped"


class _Untraced:
    """The parts where nothing is traced; else `SourceTracing` has them."""

    builder = RecordBuilder
    publisher = Publisher


class StreamSource:
    """Owns one stream: its producer, its state in Kafka, its socket."""

    def __init__(
        self,
        stream: Stream,
        settings: Settings,
        metrics: SourceMetrics,
        *,
        partitions: Mapping[str, int],
        schema_ids: Mapping[str, int],
        cluster: str,
        instance: str,
        tracing: SourceTracing | None = None,
    ) -> None:
        """`partitions`: by topic; `schema_ids`: by schema name; `cluster`: Kafka's id of itself.

        `instance`: this process's name in claims and logs; `tracing`: where it is on.
        """
        self.stream = stream
        self.state = State.WAITING
        self.since = time.time_ns() // 1000
        """When `state` was entered, microseconds since the epoch."""
        self.owner: str | None = None
        """The instance that took the stream over from us."""
        self._settings = settings
        self._cluster = cluster
        self._metrics = metrics
        self._instance = instance
        self._transactional_id = f"{settings.topics.prefix}.{stream.name}"
        parts = tracing or _Untraced
        self._builder = parts.builder(stream, settings.topics, partitions, schema_ids)
        # One thread: a producer's calls never overlap.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"kafka-{stream.name}")
        self._halt = threading.Event()
        self._producer: TransactionalProducer | None = None
        self._pipeline = Pipeline(stream, settings, self._builder, metrics)
        self.intake, self.outbox = self._pipeline.intake, self._pipeline.outbox
        self._publisher = parts.publisher(
            stream.name,
            self.outbox,
            builder=self._builder,
            decoder=self._pipeline.decoder,
            metrics=metrics,
            executor=self._executor,
            on_committed=self._pipeline.committed,
        )
        self.feed = Feed(stream, settings, self.intake, metrics)
        self._feed_task: asyncio.Task[None] | None = None
        self._refilling: asyncio.Task[None] | None = None
        self._stopping = False
        name = stream.name
        metrics.pending_messages.labels(name).set_function(lambda: self.unpublished)
        metrics.pending_oldest.labels(name).set_function(self._oldest_age)
        metrics.expected_active.labels(name).set_function(lambda: float(is_active(time.time())))
        metrics.silence.labels(name).set_function(self._silence)
        metrics.silence_limit.labels(name).set(self.feed.idle_limit)
        metrics.journal_bytes.labels(name).set_function(lambda: self._pipeline.backlog.size)
        metrics.journal_max_bytes.labels(name).set(settings.source.journal.max_bytes)
        self._watch = Watch(metrics.kafka, f"source.{name}")

    @property
    def unpublished(self) -> int:
        """Messages, dead letters and gaps that are received and not committed."""
        return self._pipeline.pending

    @property
    def journalled(self) -> bool:
        """Whether what is unpublished outlives this process."""
        return self._pipeline.backlog.journal is not None

    def _oldest_age(self) -> float:
        oldest = self.outbox.oldest
        return 0.0 if oldest is None else max(0.0, time.time() - oldest / 1e6)

    def _silence(self) -> float:
        """Market time since the last news, in seconds; of a stream that is not ours nothing is expected."""
        news_at = self._pipeline.admission.news_at
        if self.state is not State.PUBLISHING or not news_at:
            return 0.0
        return active_seconds(news_at / 1e6, time.time())

    @property
    def owned(self) -> bool:
        """Whether it is this process that has the stream, or is taking it."""
        return self.state in {State.FENCING, State.READING_TAIL, State.PUBLISHING}

    @property
    def starting(self) -> str | None:
        """What has to be done in Kafka before the stream runs, None where nothing is left; the feed does not matter."""
        if self.state in {State.WAITING, State.FENCING, State.READING_TAIL}:
            return f"{self.stream.name}: {self.state.value.replace('_', ' ')}"
        return None

    @property
    def unready(self) -> str | None:
        """Why this stream is not as it should be, None where it is."""
        if self.state is State.TAKEN_OVER:
            return f"{self.stream.name}: taken over by {self.owner}"
        if self.state is not State.PUBLISHING:
            return f"{self.stream.name}: {self.state.value.replace('_', ' ')}"
        if self.intake.refused_status is not None:
            return f"{self.stream.name}: the feed refuses the API key ({self.intake.refused_status})"
        if (trouble := self._pipeline.backlog.trouble) is not None:
            return f"{self.stream.name}: {trouble}"
        return None

    def status(self) -> dict[str, Any]:
        """What a person asks first, as JSON values; instants as RFC 3339."""
        feed, intake = self.feed, self.intake
        return {
            "state": self.state.value,
            "since": rfc_3339(self.since),
            "owner": self._instance if self.owned else self.owner,
            "taken_over_by": self.owner,
            "feed": {"state": feed.state.value, "since": rfc_3339(feed.since), "detail": feed.detail or None},
            "last_message_at": rfc_3339(intake.last_received_at) if intake.last_received_at else None,
            "pending": {"messages": self.unpublished, "bytes": self.outbox.bytes, "oldest_seconds": self._oldest_age()},
            "gaps": [
                {
                    "reason": gap.reason,
                    "detected_at": rfc_3339(gap.detected_at),
                    "transcript_id": gap.transcript_id,
                    "detail": gap.detail,
                }
                for gap in reversed(intake.last_gaps.copy())
            ],
            "journal": {"bytes": self._pipeline.backlog.size, "max_bytes": self._settings.source.journal.max_bytes},
        }

    async def run(self) -> None:
        """Own the stream until stopped or taken over.

        Raises JournalError, and KafkaError only where going on makes no sense.
        """
        ticking = asyncio.create_task(self._tick())
        self._refilling = asyncio.create_task(self._pipeline.refill())
        wait = REBUILD_MIN
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._life()
                    break
                except StoppedError:
                    break
                except FencedError as error:
                    if await self._is_taken_over(error):
                        break
                except KafkaError as error:
                    if time.monotonic() - began > REBUILD_QUIET:
                        wait = REBUILD_MIN
                    log.warning("stream.rebuilding", stream=self.stream.name, error=str(error), wait_seconds=wait)
                    self._metrics.transactions.labels(self.stream.name, "failed").inc()
                    await self._in_thread(partial(self._halt.wait, wait))
                    wait = min(REBUILD_MAX, wait * 2)
        finally:
            ticking.cancel()
            self._refilling.cancel()
            await self._end()

    async def take_in(self, entries: Sequence[Entry]) -> bool:
        """Take in what another process has handed over; True once our journal has it."""
        return self.state is State.PUBLISHING and not self._stopping and self._pipeline.take_in(entries)

    async def stop(self) -> None:
        """Finish what is in flight: close the socket, publish what is pending, let `run` return."""
        self._stopping = True
        await self.feed.close()
        self._pipeline.close()

    def halt(self) -> None:
        """Stop at once; what is pending stays uncommitted."""
        self._halt.set()
        if self._producer is not None:
            self._producer.stop()
        self.outbox.close()

    async def _life(self) -> None:
        """One producer's life, from its fence to its end."""
        self._enter(State.FENCING)
        await self._in_thread(self._close_producer)
        producer = TransactionalProducer(
            lambda: clients.producer(self._settings.kafka, self._transactional_id, self._watch),
            self._transactional_id,
            self._count_transaction,
        )
        self._producer = producer
        if self._halt.is_set():
            producer.stop()
        await self._in_thread(producer.fence)
        claim = claim_record(self._settings, self.stream.name, self._instance)
        await self._in_thread(lambda: producer.publish([claim]))
        self._enter(State.READING_TAIL)
        await self._in_thread(partial(self._open_journal, asyncio.get_running_loop()))
        # Not kept in a variable: it is tens of megabytes, and this frame lives as long as the producer.
        await self._pipeline.restore(await self._in_thread(self._restore))
        self._metrics.owned.labels(self.stream.name).set(1)
        self._enter(State.PUBLISHING)
        if self._feed_task is None and not self._stopping:
            self._feed_task = asyncio.create_task(self.feed.run(), name=f"source-{self.stream.name}")
        await self._publish(producer)
        if not self._halt.is_set():
            # A courtesy to whoever comes next: an end does not wait for it for as long as Kafka is away.
            giving_up = asyncio.get_running_loop().call_later(RELEASE_WITHIN, producer.stop)
            release = release_record(self._settings, claim)
            await self._in_thread(lambda: producer.publish([release]))
            giving_up.cancel()

    async def _publish(self, producer: TransactionalProducer) -> None:
        """Publish until the outbox is closed; an error of the feed's side ends it as well, it is a fault of ours."""
        publishing = asyncio.create_task(self._publisher.run(producer))
        waiting = {publishing, *(task for task in (self._feed_task, self._refilling) if task is not None)}
        try:
            while not publishing.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            publishing.result()
        finally:
            if not publishing.done():
                publishing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await publishing

    def _open_journal(self, loop: asyncio.AbstractEventLoop) -> None:
        """Once; without it only where the settings allow that."""
        if self._pipeline.backlog.journal is not None:
            return
        try:
            self._pipeline.open_journal(self._cluster, loop.call_soon)
        except JournalError as error:
            if self._settings.source.journal.required:
                raise
            log.critical("journal.not_opened", stream=self.stream.name, error=str(error))

    def _restore(self) -> Restored:
        restored = restore(self._settings, self.stream, self._builder, self._halt)
        count = sum(map(len, restored.messages.values()))
        log.info("stream.tail_read", stream=self.stream.name, records=count)
        return restored

    async def _is_taken_over(self, error: FencedError) -> bool:
        """After a fence: whether another instance has claimed the stream since, or we were told to end."""
        self._metrics.transactions.labels(self.stream.name, "fenced").inc()
        log.warning("stream.fenced", stream=self.stream.name, error=str(error))
        try:
            claim = await self._in_thread(self._other_claim)
        except StoppedError:
            return True  # halted meanwhile: whoever did that has heard of the other one before us
        if claim is None:
            return False
        self.owner = claim
        self._enter(State.TAKEN_OVER)
        log.warning("stream.taken_over", stream=self.stream.name, by=claim, unpublished=self.unpublished)
        return True

    def _other_claim(self) -> str | None:
        """The instance that claimed the stream after us; waits until Kafka can tell."""
        while not self._halt.wait(CLAIM_DELAY):
            try:
                claim = last_claim(self._settings, self.stream.name, self._halt)
            except StoppedError:
                raise
            except KafkaError as error:
                log.warning("stream.claim_unknown", stream=self.stream.name, error=str(error))
            else:
                if claim is None or claim.released_at is not None:
                    return None
                return claim.instance if claim.instance != self._instance else None
        raise StoppedError(f"{self.stream.name}: stopped while fenced")

    async def _end(self) -> None:
        await self.feed.close()
        if self._feed_task is not None:
            await asyncio.gather(self._feed_task, return_exceptions=True)
        self._metrics.owned.labels(self.stream.name).set(0)
        if self.state is not State.TAKEN_OVER:
            self._enter(State.STOPPED)
        await self._in_thread(self._close_producer)
        self._pipeline.backlog.close()
        self._executor.shutdown(wait=False)

    def _serve_producer(self) -> None:
        if self._producer is not None:
            self._producer.serve()

    def _close_producer(self) -> None:
        if self._producer is not None:
            self._producer.close()
            self._producer = None
            self._watch.closed()

    def _count_transaction(self, result: str) -> None:
        self._metrics.transactions.labels(self.stream.name, result).inc()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            if self.state is State.PUBLISHING:
                self._pipeline.tick(time.time_ns() // 1000)
            if self._producer is not None and not self.outbox.in_flight:
                await self._in_thread(self._serve_producer)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def _enter(self, state: State) -> None:
        if state is not self.state:
            log.info("stream.state", stream=self.stream.name, state=state.value)
            self.state = state
            self.since = time.time_ns() // 1000
