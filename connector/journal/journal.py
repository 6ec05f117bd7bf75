"""One stream's journal: an append-only log in a SQLite database, forgotten from its beginning.

    append ──▶ buffer ──(end of the loop's turn)──▶ rows on disk ──forget──▶ gone

What one turn of the event loop appends is one row, written in one transaction before the loop waits again: a kill -9
loses nothing that an earlier turn took from the socket. With `synchronous` the row is also synced (SQLite's WAL mode
with synchronous=FULL), so that a crash of the node loses nothing either.

A disk that refuses is told by `failing`, and tried again with every flush: nothing that was appended is dropped, it
stays in memory until it is written or forgotten.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from connector.errors import JournalError
from connector.journal.entry import DamagedError, Entry, Kind, Row, pack, unpack
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = get_logger(__name__)

NEARLY: Final = 0.9
"""Share of `max_bytes` above which the journal is nearly full, and below which a full one takes more again."""

SHRINK_ABOVE: Final = 64 * 1024 * 1024
"""Bytes of file above which an empty journal is made small again; SQLite reuses pages, but never gives them back."""

SAY_EVERY: Final = 60.0
"""Seconds between two log lines about the same trouble."""


class Journal:
    """What of one stream is received and not yet committed to Kafka. Not thread-safe."""

    def __init__(
        self,
        stream: str,
        connection: sqlite3.Connection,
        *,
        max_bytes: int,
        defer: Callable[[Callable[[], None]], object],
        on_failure: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        """`connection`: a database with our schema, ours alone; `defer` calls its argument at the end of this turn.

        `on_failure` hears `damaged` or `write`. Raises sqlite3.Error.
        """
        self._stream = stream
        self._connection = connection
        self._max_bytes = max_bytes
        self._defer = defer
        self._on_failure = on_failure
        self._buffer: deque[Row] = deque()
        self._open_row: Row | None = None
        """The last of the buffer, while entries may be added to it."""
        self._deferred = False
        self._settling: dict[int, int] = dict(connection.execute("SELECT id, size FROM rows WHERE settling"))
        """Rows of the settle window that is not over, and their sizes."""
        self._gone: set[int] = set()
        """Rows that settled ones stand for, to be deleted with the next flush."""
        self._forget_before = self._forgotten_before = 0
        last, size = connection.execute("SELECT coalesce(max(id), 0), coalesce(sum(size), 0) FROM rows").fetchone()
        self._next_id: int = last + 1
        self._bytes: int = size
        self._was_full = self._grown = False
        self._said_at = -SAY_EVERY
        self.failing: str | None = None
        """Why the last flush failed; None while all is well."""

    # How it is

    @property
    def size(self) -> int:
        """Bytes of frames held."""
        return self._bytes

    @property
    def full(self) -> bool:
        """Whether no more should be appended; once full, it is so until a tenth is free."""
        self._was_full = self._bytes >= self._max_bytes * (NEARLY if self._was_full else 1.0)
        return self._was_full

    @property
    def nearly_full(self) -> bool:
        """Whether somebody should look after it."""
        return self._bytes >= self._max_bytes * NEARLY

    # Writing

    def append(self, entry: Entry) -> int:
        """Journal `entry` with this turn; returns its row's id."""
        row, settling = self._open_row, entry.kind is Kind.SETTLING
        if row is None or (row.id in self._settling) is not settling:
            row = self._new_row()
        row.entries.append(entry)
        size = len(entry.payload)
        self._bytes += size
        if settling:
            self._settling[row.id] = self._settling.get(row.id, 0) + size
        return row.id

    def cut(self) -> int:
        """Let what follows be in a new row; returns its id."""
        self._open_row = None
        return self._next_id

    def settled(self, entries: Sequence[Entry]) -> int:
        """The settle window is over: `entries`, in their order, stand for its frames. Returns the id of their row."""
        self._gone.update(self._settling)
        self._bytes -= sum(self._settling.values())
        self._settling.clear()
        self._buffer = deque(row for row in self._buffer if row.id not in self._gone)
        self._flush_later()
        if not entries:
            return self.cut()
        self.cut()
        row = self._new_row()
        row.entries.extend(entries)
        self._bytes += row.size
        self.cut()
        return row.id

    def forget(self, before: int) -> None:
        """Drop the rows whose id is below `before`, but those of a settle window that is not over."""
        if before > self._forget_before:
            self._forget_before = before
            self._flush_later()

    def flush(self) -> None:
        """Bring to disk what waits for it; an error is told by `failing`."""
        self._deferred = False
        self.cut()
        self._drop_unwritten()
        try:
            freed = self._write()
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            self._failed(error)
            return
        self._bytes -= freed
        self._buffer.clear()
        self._gone.clear()
        self._forgotten_before = self._forget_before
        if self.failing is not None:
            log.info("journal.works_again", stream=self._stream)
            self.failing = None
        self._grown = self._grown or self._bytes > SHRINK_ABOVE
        if self._grown and not self._bytes:
            self._shrink()

    def close(self) -> None:
        """Write what waits, and free the database."""
        self.flush()
        self._connection.close()

    # Reading

    def read(self, since: int, max_rows: int) -> list[Row]:
        """At most `max_rows` rows on disk, from the id `since` on. Raises JournalError.

        Of a row that is not what was written nothing is left; it is logged and counted.
        """
        try:
            found = self._connection.execute(
                "SELECT id, checksum, body FROM rows WHERE id >= ? ORDER BY id LIMIT ?", (since, max_rows)
            ).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"the journal of {self._stream} cannot be read: {error}") from error
        return [Row(number, self._unpacked(number, checksum, body)) for number, checksum, body in found]

    def _unpacked(self, number: int, checksum: int, body: bytes) -> list[Entry]:
        try:
            return unpack(body, checksum)
        except DamagedError as error:
            self._on_failure("damaged")
            log.critical("journal.row_damaged", stream=self._stream, row=number, error=str(error))
            return []

    def rewrite(self, row: Row) -> None:
        """Let the row on disk have the entries of `row`. Raises JournalError."""
        body, checksum = pack(row.entries)
        try:
            (size,) = self._connection.execute("SELECT size FROM rows WHERE id = ?", (row.id,)).fetchone()
            self._connection.execute(
                "UPDATE rows SET size = ?, checksum = ?, body = ? WHERE id = ?", (row.size, checksum, body, row.id)
            )
        except sqlite3.Error as error:
            raise JournalError(f"the journal of {self._stream} cannot be written: {error}") from error
        self._bytes += row.size - size

    # Inside

    def _new_row(self) -> Row:
        row = self._open_row = Row(self._next_id, [])
        self._next_id += 1
        self._buffer.append(row)
        self._flush_later()
        return row

    def _flush_later(self) -> None:
        if not self._deferred:
            self._deferred = True
            self._defer(self.flush)

    def _drop_unwritten(self) -> None:
        """What was committed to Kafka before it came to disk need not go there."""
        while self._buffer and self._buffer[0].id < self._forget_before and self._buffer[0].id not in self._settling:
            self._bytes -= self._buffer.popleft().size

    def _write(self) -> int:
        """One transaction; returns the bytes of the rows that were forgotten."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        freed = 0
        if self._gone:
            self._connection.executemany("DELETE FROM rows WHERE id = ?", [(number,) for number in self._gone])
        if self._forget_before > self._forgotten_before:
            below = (self._forget_before,)
            (freed,) = execute(
                "SELECT coalesce(sum(size), 0) FROM rows WHERE id < ? AND NOT settling", below
            ).fetchone()
            execute("DELETE FROM rows WHERE id < ? AND NOT settling", below)
        for row in self._buffer:
            body, checksum = pack(row.entries)
            settling = row.id in self._settling
            execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", (row.id, settling, row.size, checksum, body))
        execute("COMMIT")
        return int(freed)

    def _failed(self, error: sqlite3.Error) -> None:
        self.failing = str(error)
        self._on_failure("write")
        now = time.monotonic()
        if now - self._said_at >= SAY_EVERY:
            self._said_at = now
            log.error("journal.not_written", stream=self._stream, error=str(error), waiting_bytes=self._bytes)

    def _shrink(self) -> None:
        """Give the pages of a journal that was large, and is empty, back to the file system."""
        self._grown = False
        with suppress(sqlite3.Error):  # no room for it, perhaps: the pages are used again all the same
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
