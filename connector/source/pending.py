"""What is received and not yet committed."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.kafka.records import Record
    from connector.messages import DeadLetter, Message
    from connector.source.gaps import Gap


class Pending(Struct, gc=False):
    """A record on its way, and what it was made of."""

    record: Record
    received_at: int
    """Microseconds since the epoch, UTC."""

    origin: Message | DeadLetter | Gap
    payload: bytes = b""
    """The frame, kept until the commit: a record that Kafka refuses for good becomes a dead letter."""

    mark: int = 0
    """The journal's row that holds it: where that is the oldest, nothing before it is needed any more."""

    @property
    def size(self) -> int:
        """Bytes held, roughly."""
        return self.record.size + len(self.payload)


class Outbox:
    """A queue of what is pending; above its bound in bytes it is `full`: what follows waits on disk, or is not read."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._queue: deque[Pending] = deque()
        self._in_flight: list[Pending] = []
        self._in_flight_bytes = 0
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._queue) + len(self._in_flight)

    def __iter__(self) -> Iterator[Pending]:
        """Everything not committed, oldest first."""
        yield from self._in_flight
        yield from self._queue

    @property
    def full(self) -> bool:
        """Whether no more should be read for now."""
        return self._bytes >= self._max_bytes

    @property
    def bytes(self) -> int:
        """Bytes held, roughly."""
        return self._bytes

    @property
    def in_flight(self) -> list[Pending]:
        """The batch whose transaction has begun; empty between two."""
        return self._in_flight

    @property
    def oldest(self) -> int | None:
        """When the oldest was received, µs since the epoch; asked from the thread that serves metrics as well."""
        for queue in (self._in_flight, self._queue):
            try:
                return queue[0].received_at
            except IndexError:  # empty, or emptied just now
                continue
        return None

    @property
    def first_mark(self) -> int | None:
        """The mark of the oldest; None where nothing is pending."""
        if self._in_flight:
            return self._in_flight[0].mark
        return self._queue[0].mark if self._queue else None

    def put(self, item: Pending) -> None:
        """Queue `item`: the hot path, once a message."""
        self._queue.append(item)
        self._bytes += item.size
        self._arrived.set()

    def take(self, max_records: int, max_bytes: int) -> list[Pending]:
        """Move the next batch into flight: at least one, at most so many records and bytes."""
        if self._in_flight:
            raise RuntimeError("the batch before is still in flight")
        total = 0
        while self._queue and len(self._in_flight) < max_records:
            size = self._queue[0].size
            if self._in_flight and total + size > max_bytes:
                break
            total += size
            self._in_flight.append(self._queue.popleft())
        self._in_flight_bytes = total
        if not self._queue:
            self._arrived.clear()
        return self._in_flight

    def committed(self) -> list[Pending]:
        """Forget the batch in flight and return it."""
        batch, self._in_flight = self._in_flight, []
        self._bytes -= self._in_flight_bytes
        self._in_flight_bytes = 0
        return batch

    def replace(self, items: Iterable[Pending]) -> None:
        """Let `items` be all that is pending."""
        items = list(items)
        self._queue.clear()
        self._arrived.clear()
        self._in_flight = []
        self._in_flight_bytes = self._bytes = 0
        for item in items:
            self.put(item)

    def replace_in_flight(self, items: list[Pending]) -> None:
        """Let `items` be the batch in flight."""
        total = sum(item.size for item in items)
        self._bytes += total - self._in_flight_bytes
        self._in_flight, self._in_flight_bytes = items, total

    async def arrival(self) -> bool:
        """Wait until something is pending; False where it was closed and nothing is."""
        while not len(self) and not self._closed:
            await self._arrived.wait()
        return len(self) > 0

    def close(self) -> None:
        """Nothing more will come: once empty, `arrival` says so."""
        self._closed = True
        self._arrived.set()
