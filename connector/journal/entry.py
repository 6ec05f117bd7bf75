"""What the journal keeps: frames as they left the socket, and the gaps that were found."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final
from zlib import crc32

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kind(IntEnum):
    """What an entry is; the numbers are on disk."""

    LIVE = 0
    """An admitted frame that arrived outside a settle window."""

    REPLAYED = 1
    """An admitted frame of a settle window that is over."""

    SETTLING = 2
    """A frame of a settle window that is not over: not looked at yet, it may be known."""

    GAP = 3
    """What was found to be missing; the payload is a `Gap` as JSON."""


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One journalled frame or gap."""

    kind: Kind
    received_at: int
    """Microseconds since the epoch, UTC."""

    payload: bytes


class Row(msgspec.Struct, gc=False):
    """What one turn of the event loop has journalled: written, and forgotten, as a whole."""

    id: int
    """Rises from row to row."""

    entries: list[Entry]

    @property
    def size(self) -> int:
        """Bytes of the payloads."""
        return sum(len(entry.payload) for entry in self.entries)


class DamagedError(ValueError):
    """A row is not what was written."""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[Entry])


def pack(entries: Sequence[Entry]) -> tuple[bytes, int]:
    """A row's body and its CRC-32."""
    body = _encoder.encode(entries)
    return body, crc32(body)


def unpack(body: bytes, checksum: int) -> list[Entry]:
    """The entries of a row. Raises DamagedError where the disk did not keep them."""
    if not isinstance(body, bytes) or crc32(body) != checksum:
        raise DamagedError("the checksum does not match")
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise DamagedError(str(error)) from error
