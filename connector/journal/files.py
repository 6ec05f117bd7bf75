"""Where journals lie, and whose they are: finding, locking, adopting, and setting aside.

A stream's journal is `<prefix>.<stream>.journal` in `source.journal.dir`, a SQLite database that its process holds
locked. Where another process holds that one (an owner that was paused and has not noticed yet), the next free number is
taken: `<prefix>.<stream>.1.journal`. Whatever else lies there of the same stream and is not locked was left behind by a
process that died: its rows are taken over.

What cannot be a journal of this stream and this Kafka cluster is set aside under another name: what is readable of a
damaged one is used first; of a foreign one nothing is, since its frames belong to another stream's topic.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from connector.errors import JournalError
from connector.journal.entry import DamagedError, unpack
from connector.journal.journal import Journal
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connector.settings import Journal as JournalSettings

log = get_logger(__name__)

APPLICATION_ID: Final = 0x425A4B4A
"""`BZKJ`: says to `file(1)`, and to us, what this database is."""

VERSION: Final = 1
SLOTS: Final = 16
"""Processes that may share a folder."""

_SCHEMA: Final = f"""
BEGIN;
CREATE TABLE rows (
    id INTEGER PRIMARY KEY, settling INTEGER NOT NULL, size INTEGER NOT NULL, checksum INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE belongs (stream TEXT NOT NULL, prefix TEXT NOT NULL, cluster TEXT NOT NULL);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Belongs:
    """Whose frames a journal holds."""

    stream: str
    prefix: str
    cluster: str
    """Kafka's cluster id: frames that were meant for another cluster are none of this one's."""


class _ForeignError(Exception):
    """A database that is no journal of ours."""


def folder_problem(settings: JournalSettings) -> str | None:
    """Why no journal can be in its folder; None where one can. Folders that are missing are made when needed."""
    folder = settings.dir.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        return f"source.journal.dir: {existing} is not a folder; name another one"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"source.journal.dir: {existing} cannot be written to; name another folder"
    return None


def has_journal(settings: JournalSettings, belongs: Belongs) -> bool:
    """Whether there is a file that may be the stream's journal."""
    return any(path.exists() for path in _paths(settings.dir, belongs))


def open_journal(
    settings: JournalSettings,
    belongs: Belongs,
    *,
    defer: Callable[[Callable[[], None]], object],
    on_failure: Callable[[str], None] = lambda _reason: None,
) -> Journal:
    """Open the stream's journal, with the rows that dead processes left in it and beside it. Blocks.

    `defer` calls its argument at the end of the event loop's turn; `on_failure` hears `damaged`, `foreign` or `write`.
    Raises JournalError where the folder or the disk does not allow it.
    """
    try:
        settings.dir.mkdir(parents=True, exist_ok=True)
        connection, own = _free_slot(settings, belongs, on_failure)
        try:
            for path in _paths(settings.dir, belongs):
                if path != own and path.exists():
                    _adopt(path, connection, belongs, on_failure)
            return Journal(belongs.stream, connection, max_bytes=settings.max_bytes, defer=defer, on_failure=on_failure)
        except BaseException:
            connection.close()
            raise
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise JournalError(
            f"source.journal.dir: {settings.dir} cannot hold a journal: {reason}; it must be a folder on a local disk "
            "with room that this process may write"
        ) from error


def _paths(folder: Path, belongs: Belongs) -> Iterator[Path]:
    stem = f"{belongs.prefix}.{belongs.stream}"
    for slot in range(SLOTS):
        yield folder / (f"{stem}.{slot}.journal" if slot else f"{stem}.journal")


def _free_slot(
    settings: JournalSettings, belongs: Belongs, on_failure: Callable[[str], None]
) -> tuple[sqlite3.Connection, Path]:
    for path in _paths(settings.dir, belongs):
        for _ in range(2):  # once more where the file was set aside
            try:
                return _opened(path, belongs, fsync=settings.fsync), path
            except _ForeignError as error:
                _set_aside(path, "foreign", str(error), on_failure)
            except sqlite3.DatabaseError as error:
                if is_locked(error):
                    break
                if not _is_damage(error):
                    raise
                rows = list(_salvaged(path))
                _set_aside(path, "damaged", f"{error}; {len(rows)} rows could be read", on_failure)
                connection = _opened(path, belongs, fsync=settings.fsync)
                _insert(connection, rows)
                return connection, path
    raise JournalError(f"source.journal.dir: {SLOTS} other processes hold journals of {belongs.stream} in it")


def _opened(path: Path, belongs: Belongs, *, fsync: bool) -> sqlite3.Connection:
    """The database at `path`, locked; made where there is none. Raises sqlite3.DatabaseError, _ForeignError."""
    path.touch(mode=0o600)  # frames as they came, signed addresses included
    connection = sqlite3.connect(path, isolation_level=None, timeout=0.0, check_same_thread=False)
    try:
        # Ours alone as long as we live; the kernel frees the lock of a process that was killed.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        # What is deleted need not be overwritten, as some distributions build it: that doubled what is written.
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'OFF'}")
        (application,), (version,) = (
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if (application, tables) == (0, 0):
            connection.executescript(_SCHEMA)
            values = (belongs.stream, belongs.prefix, belongs.cluster)
            connection.execute("INSERT INTO belongs VALUES (?, ?, ?)", values)
        else:
            _check(connection, application, version, belongs)
        connection.execute("BEGIN EXCLUSIVE")  # a connection that only reads holds no lock
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, application: int, version: int, belongs: Belongs) -> None:
    if application != APPLICATION_ID:
        raise _ForeignError("it is another program's database")
    if version != VERSION:
        raise _ForeignError(f"its format is version {version}, this program writes version {VERSION}")
    found = Belongs(*connection.execute("SELECT stream, prefix, cluster FROM belongs").fetchone())
    if found != belongs:
        raise _ForeignError(
            f"it belongs to the stream {found.stream} under {found.prefix} on the Kafka cluster {found.cluster}"
        )
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"malformed: {verdict}")


def _adopt(path: Path, into: sqlite3.Connection, belongs: Belongs, on_failure: Callable[[str], None]) -> None:
    """Move the rows of a journal that nobody holds behind those of `into`."""
    try:
        with closing(_opened(path, belongs, fsync=False)) as connection:
            rows = connection.execute("SELECT settling, size, checksum, body FROM rows ORDER BY id").fetchall()
    except _ForeignError as error:
        _set_aside(path, "foreign", str(error), on_failure)
        return
    except sqlite3.DatabaseError as error:
        if is_locked(error):
            return  # its process lives
        if not _is_damage(error):
            raise
        rows = list(_salvaged(path))
        _insert(into, rows)
        _set_aside(path, "damaged", f"{error}; {len(rows)} rows could be read", on_failure)
        return
    _insert(into, rows)
    log.info("journal.adopted", stream=belongs.stream, file=path.name, rows=len(rows))
    _unlink(path)


def _insert(connection: sqlite3.Connection, rows: list[tuple[int, int, int, bytes]]) -> None:
    connection.execute("BEGIN")
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM rows").fetchone()
    connection.executemany(
        "INSERT INTO rows VALUES (?, ?, ?, ?, ?)", ((last + n, *row) for n, row in enumerate(rows, start=1))
    )
    connection.execute("COMMIT")


def _salvaged(path: Path) -> Iterator[tuple[int, int, int, bytes]]:
    """Every row of a damaged database that can still be read, one by one."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    one = "SELECT settling, size, checksum, body FROM rows WHERE id = ?"
    with closing(sqlite3.connect(uri, uri=True, timeout=0.0)) as connection, suppress(sqlite3.DatabaseError):
        (first,) = connection.execute("SELECT min(id) FROM rows").fetchone()
        (last,) = connection.execute("SELECT max(id) FROM rows").fetchone()
        for number in range(first or 0, (last or -1) + 1):
            with suppress(sqlite3.DatabaseError, DamagedError, TypeError):
                row = connection.execute(one, (number,)).fetchone()
                if row is not None:
                    unpack(row[3], row[2])
                    yield row


def _set_aside(path: Path, reason: str, detail: str, on_failure: Callable[[str], None]) -> None:
    aside = path.with_name(f"{path.name}.{reason}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    on_failure(reason)
    log.error("journal.set_aside", file=path.name, aside=aside.name, reason=reason, detail=detail)


def _unlink(path: Path) -> None:
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def is_locked(error: sqlite3.DatabaseError) -> bool:
    """Whether another process holds the database."""
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} if _coded(error) else False


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file itself is bad, not the disk or a permission."""
    if not _coded(error):
        return True
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


def _coded(error: sqlite3.DatabaseError) -> bool:
    return hasattr(error, "sqlite_errorcode")
