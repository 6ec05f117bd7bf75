"""What waits for Kafka: in memory, and behind that on disk.

    keep ──▶ journal ──▶ outbox ──▶ Kafka ──committed──▶ forgotten
                │           ▲
                └──spilled──┘ refill

Everything is journalled. While the outbox has room it is also there, ready to be sent. Once the outbox is full (Kafka
is away, or slow), what follows is in the journal alone, and comes back in its order, piece by piece, as room is made.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from connector.errors import JournalError
from connector.journal import Entry, Kind
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.journal import Journal
    from connector.source.assembly import Assembly
    from connector.source.pending import Outbox

log = get_logger(__name__)

REFILL_ROWS: Final = 16
"""Rows that are read back in one go: a few milliseconds, in which the feed is not read."""


class Backlog:
    """One stream's journal and outbox as one queue."""

    def __init__(self, stream: str, outbox: Outbox, assembly: Assembly, *, required: bool) -> None:
        """`required`: a journal that cannot be written stops the reading, instead of being done without."""
        self.journal: Journal | None = None
        self.spilled = 0
        """Entries that are in the journal alone."""
        self._stream = stream
        self._outbox = outbox
        self._assembly = assembly
        self._required = required
        self._since: int | None = None
        """The first row whose entries are not in the outbox; None where all are."""
        self._changed = asyncio.Event()

    # How it is

    @property
    def full(self) -> bool:
        """Whether no more may be received for now."""
        journal = self.journal
        if journal is None:
            return self._outbox.full
        if journal.failing is not None:
            # What waits on a disk that refuses cannot be brought back: what follows it would only gather in memory.
            return self._required or self._outbox.full or self._since is not None
        return journal.full

    @property
    def crowded(self) -> bool:
        """Whether the journal has no room left, so that only what is published makes some."""
        return self.journal is not None and self.journal.full

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return 0 if self.journal is None else self.journal.size

    @property
    def trouble(self) -> str | None:
        """What an operator should know of the journal; None where all is well."""
        journal = self.journal
        if journal is None:
            return None
        if journal.failing is not None and (self._required or self._since is not None):
            return f"the journal cannot be written: {journal.failing}"
        return f"the journal is nearly full ({journal.size} bytes)" if journal.nearly_full else None

    async def room(self) -> None:
        """Wait until more may be received."""
        while self.full:
            self._changed.clear()
            await self._changed.wait()

    # In

    def keep(self, kind: Kind, received_at: int, payload: bytes) -> int | None:
        """Journal what was received; returns its mark, or None where it waits on disk and not in the outbox."""
        journal = self.journal
        if journal is None:
            return 0
        if self._since is None and journal.failing is None and self._outbox.full:
            self._spill(journal.cut())
        mark = journal.append(Entry(kind, received_at, payload))
        if self._since is None or kind is Kind.SETTLING:
            return mark
        self.spilled += 1
        return None

    def settled(self, entries: Sequence[Entry]) -> int | None:
        """The settle window is over, and `entries` is what has come of it; returns as `keep`."""
        journal = self.journal
        if journal is None:
            return 0
        if self._since is None and journal.failing is None and self._outbox.full:
            self._spill(journal.cut())
        mark = journal.settled(entries)
        if self._since is None:
            return mark
        self.spilled += len(entries)
        return None

    def found(self, row: int, count: int) -> bool:
        """At recovery: whether the `count` entries of `row` belong in the outbox, or stay on disk for now."""
        if self._since is None and self._outbox.full:
            self._spill(row)
        if self._since is None:
            return True
        self.spilled += count
        return False

    def _spill(self, row: int) -> None:
        self._since = row
        log.warning("journal.spilling", stream=self._stream, pending=len(self._outbox), bytes=self._outbox.bytes)

    # Out

    def committed(self) -> None:
        """Something has left the outbox for good."""
        if self.journal is not None:
            oldest = self._outbox.first_mark
            if oldest is None:
                oldest = self.journal.cut() if self._since is None else self._since
            self.journal.forget(oldest)
        self._changed.set()

    def refill(self) -> bool:
        """Bring a piece of what is on disk back into the outbox; says whether there may be more at once."""
        journal = self.journal
        if journal is None or self._since is None or self._outbox.full:
            return False
        journal.flush()
        if journal.failing is not None:
            return False
        try:
            rows = journal.read(self._since, REFILL_ROWS)
        except JournalError as error:
            log.warning("journal.not_read", stream=self._stream, error=str(error))
            return False
        if not rows:
            log.info("journal.drained", stream=self._stream)
            self._since, self.spilled = None, 0
            return False
        for row in rows:
            for entry in row.entries:
                if entry.kind is not Kind.SETTLING:  # what has come of it is in a later row
                    self.spilled -= 1
                    if (item := self._assembly.from_entry(entry, row.id)) is not None:
                        self._outbox.put(item)
            self._since = row.id + 1
        return True

    def flushed(self) -> bool:
        """Write what waits for the end of the turn; whether it is on disk, or there is no journal."""
        if self.journal is None:
            return True
        self.journal.flush()
        return self.journal.failing is None

    def tick(self) -> None:
        """Try again what the disk refused; to be called about once a second."""
        if self.journal is not None and self.journal.failing is not None:
            self.journal.flush()
        self._changed.set()

    def close(self) -> None:
        """Free the journal: what was not committed stays in it."""
        if self.journal is not None:
            self.journal.close()
            self.journal = None
