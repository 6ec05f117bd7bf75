"""Frames that one process has received and another one publishes: both ends of `internal.handover`. One thread.

    a journal's rows of a stream that is another's ──▶ internal.handover ──▶ the owner's intake ──▶ its own journal

The owner takes a record in like a frame of its own, and remembers how far it has come as a committed offset of the
group `<prefix>.handover`, once its journal holds what it took. Read twice it changes nothing: the windows know it.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, Final, Protocol

from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition

from connector.errors import JournalError, KafkaError
from connector.kafka import clients
from connector.kafka.claims import claim_partition
from connector.kafka.topics import HANDOVER, topic_name
from connector.kafka.transactions import StoppedError
from connector.logs import get_logger
from connector.source.leftovers import entry_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from confluent_kafka import Consumer, Message

    from connector.journal import Entry
    from connector.settings import Settings

log = get_logger(__name__)

POLL: Final = 0.5
"""Seconds until a stop, or a change of ownership, is noticed."""

BATCH: Final = 200

OFFSETS_WITHIN: Final = 10.0
"""Seconds for the committed offsets."""

TAKEN_WITHIN: Final = 30.0
"""Seconds that an owner has to take a batch in; afterwards it is offered again."""

SETTLED: Final = 5.0
"""Seconds that a stream must have been another's, or nobody's, before what we hold of it is given away: a rebalance may
just be giving it to us."""

AGAIN: Final = 30.0
"""Seconds before what could not be given is tried again."""


class Owned(Protocol):
    """A stream of this process, as the handover sees it; asked from the handover's thread."""

    @property
    def publishing(self) -> bool:
        """Whether the stream is ours, fenced, and read back: what is handed over can be taken in."""

    @property
    def is_ours(self) -> bool:
        """Whether the stream is ours, or something of it still runs here."""

    async def take_in(self, entries: list[Entry]) -> bool:
        """Take entries in, in the event loop; True once our journal has them."""


class Handover:
    """Gives and takes for all streams of this process. `run` in a thread."""

    def __init__(
        self,
        settings: Settings,
        streams: Mapping[str, Owned],
        give: Callable[[str, threading.Event], int],
        loop: asyncio.AbstractEventLoop,
        stop: threading.Event,
    ) -> None:
        """`give(stream, stop)` hands over what our journals hold of it (`leftovers.give`), and blocks."""
        self._streams = streams
        self._give = give
        self._loop = loop
        self._stop = stop
        self._topic = topic_name(settings.topics, HANDOVER)
        self._group = f"{settings.topics.prefix}.handover"
        self._settings = settings
        self._followed: dict[int, str] = {}
        self._due = dict.fromkeys(streams, time.monotonic() + SETTLED)
        """When what we may hold of a stream is looked at; nothing is looked for where it is missing."""

    def run(self) -> None:
        """Go on until stopped."""
        consumer = clients.consumer(
            self._settings.kafka,
            self._group,
            **{"enable.partition.eof": False, "fetch.wait.max.ms": 500, "queued.min.messages": 10},
        )
        try:
            while not self._stop.is_set():
                try:
                    self._follow(consumer)
                    self._take(consumer)
                except KafkaException as error:
                    log.warning("handover.not_read", error=error.args[0].str(), code=error.args[0].name())
                    self._stop.wait(POLL)
                self._give_leftovers()
        finally:
            consumer.close()

    # Taking

    def _follow(self, consumer: Consumer) -> None:
        """Read the partitions of the streams that are ours, from where the last owner has stopped."""
        wanted = {claim_partition(name): name for name, stream in self._streams.items() if stream.publishing}
        gone = [TopicPartition(self._topic, number) for number in self._followed.keys() - wanted.keys()]
        if gone:
            consumer.incremental_unassign(gone)
        if new := [TopicPartition(self._topic, number) for number in wanted.keys() - self._followed.keys()]:
            for partition in consumer.committed(new, timeout=OFFSETS_WITHIN):
                if partition.error is not None:
                    raise KafkaException(partition.error)
                start = partition.offset if partition.offset >= 0 else OFFSET_BEGINNING
                consumer.incremental_assign([TopicPartition(self._topic, partition.partition, start)])
                self._followed[partition.partition] = wanted[partition.partition]
        for partition in gone:
            del self._followed[partition.partition]

    def _take(self, consumer: Consumer) -> None:
        if not self._followed:
            self._stop.wait(POLL)
            return
        batches: dict[int, list[Message]] = {}
        for message in consumer.consume(BATCH, timeout=POLL):
            if (error := message.error()) is not None:
                log.warning("handover.not_read", error=error.str(), code=error.name())
            elif (number := message.partition()) is not None:
                batches.setdefault(number, []).append(message)
        for number, messages in batches.items():
            if self._taken(self._followed[number], messages):
                end = TopicPartition(self._topic, number, (messages[-1].offset() or 0) + 1)
                consumer.commit(offsets=[end], asynchronous=True)
            else:
                consumer.seek(TopicPartition(self._topic, number, messages[0].offset() or 0))
                self._stop.wait(POLL)  # a disk that refuses is not asked in a hot loop

    def _taken(self, stream: str, messages: list[Message]) -> bool:
        entries = []
        for message in messages:
            headers: Any = message.headers()
            payload = message.value()
            entry = entry_of(payload if isinstance(payload, bytes) else b"", headers or [])
            if entry is None:
                log.warning("handover.foreign_record", stream=stream, offset=message.offset())
            else:
                entries.append(entry)
        taking = asyncio.run_coroutine_threadsafe(self._streams[stream].take_in(entries), self._loop)
        try:
            taken = taking.result(TAKEN_WITHIN)
        except (TimeoutError, CancelledError):
            taking.cancel()
            taken = False
        if taken:
            log.info("handover.taken", stream=stream, entries=len(entries))
        return taken

    # Giving

    def _give_leftovers(self) -> None:
        now = time.monotonic()
        for name, stream in self._streams.items():
            if stream.is_ours:
                self._due[name] = now + SETTLED
            elif now >= self._due.get(name, float("inf")):
                del self._due[name]
                try:
                    self._give(name, self._stop)
                except StoppedError:
                    return
                except (KafkaError, JournalError) as error:
                    log.warning("handover.not_given", stream=name, error=str(error))
                    self._due[name] = now + AGAIN
