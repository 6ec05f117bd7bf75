"""What `internal.calls` holds: one small record for each transcript that is open, or was closed not long ago.

The sentences stay where they are, in the `transcripts` topic. An entry says what these alone cannot: from which offset
on they are, what was published of them, when the call was closed, and what its alerts have said already. It is written
in the transaction of what it tells of, with the transcript id as its key.

JSON, so that a person can read it. A version that adds a field reads the entries of one that does not know it, and the
other way round; a version that changes what a field means raises VERSION.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from connector.errors import DecodeError

VERSION: Final = 1


class Status(Enum):
    """Where in its life a transcript is."""

    OPEN = "open"
    CLOSED = "closed"
    """Published; late sentences make further revisions."""

    EXPIRED = "expired"
    """Closed too long ago to take anything more; remembered, so that a late sentence does not begin a second call."""


class Entry(msgspec.Struct, omit_defaults=True):
    """A transcript's record; instants are microseconds since the epoch, UTC."""

    transcript_id: str
    first_offset: int
    """From here on the transcript's records stand in the source partition."""

    opened_at: int
    """`received_at` of the first record."""

    heard_at: int
    """The latest `received_at`; on the topic that of the last saving: the sentences read again bring it up to date."""

    version: int = 1
    """What its fields mean; not written while it is 1."""

    status: Status = Status.OPEN
    end_marked_at: int | None = None
    """`received_at` of the first end marker."""

    state: str | None = None
    """Why it was closed: `complete`, `idle` or `max_duration`."""

    closed_at: int | None = None
    """The deadline that closed it, whenever a processor came to act on it."""

    last_offset: int | None = None
    """Where the records end that make up a closed transcript."""

    revision: int = 0
    """Of the last publication; 0 before the first."""

    published_at: int | None = None
    published_offset: int | None = None
    """The last offset that publication knew."""

    missing: int = 0
    """How many sequences it said were missing."""

    alerts: msgspec.Raw = msgspec.Raw(b"null")
    """JSON; what alerting has to remember of this transcript, which alone knows its shape."""


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Entry).decode


def encode(entry: Entry) -> bytes:
    """The entry as it is written to `internal.calls`."""
    entry.version = VERSION
    return _encode(entry)


def decode(value: bytes) -> Entry:
    """The entry of a record of `internal.calls`. Raises DecodeError, also for one of a version to come."""
    try:
        entry = _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DecodeError(f"internal.calls: an entry that cannot be read: {error}") from error
    if entry.version > VERSION:
        raise DecodeError(
            f"internal.calls: the entry of {entry.transcript_id} has version {entry.version}, "
            f"this release reads up to {VERSION}; run the newer release"
        )
    # A Raw points into the whole record, which it would keep in memory.
    entry.alerts = entry.alerts.copy()
    return entry
