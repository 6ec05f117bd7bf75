"""Avro's binary encoding of the values used here (Avro specification, "Binary Encoding")."""

# ruff: noqa: PLR2004 - a varint byte holds seven bits (0x7F) and says with the eighth (0x80) that more follow

from __future__ import annotations

from struct import Struct
from typing import Final

NULL: Final = b"\x00"
"""Branch 0 of a `["null", T]` union; also an empty array, map or string."""

SOME: Final = b"\x02"
"""Branch 1 of a `["null", T]` union; the value follows."""

LONG_MIN: Final = -(2**63)
LONG_MAX: Final = 2**63 - 1

_IDS_FROM: Final = 1 << 21
_IDS_TO: Final = 1 << 28
"""Four bytes of varint: 1 to 134 million, as the feed's numeric ids are."""

_INSTANTS_FROM: Final = 1 << 49
_INSTANTS_TO: Final = 1 << 56
"""Eight bytes of varint: as microseconds since the epoch, the years 1979 to 3111."""

pack_double: Final = Struct("<d").pack


def long_(value: int) -> bytes:
    """A long as zigzag varint; `value` lies within 64 bits."""
    rest = (value << 1) ^ (value >> 63)
    if rest < 0x80:
        return bytes((rest,))
    if _INSTANTS_FROM <= rest < _INSTANTS_TO:  # unrolled: every record has several instants in microseconds
        return bytes(
            (
                rest & 0x7F | 0x80,
                rest >> 7 & 0x7F | 0x80,
                rest >> 14 & 0x7F | 0x80,
                rest >> 21 & 0x7F | 0x80,
                rest >> 28 & 0x7F | 0x80,
                rest >> 35 & 0x7F | 0x80,
                rest >> 42 & 0x7F | 0x80,
                rest >> 49,
            )
        )
    if _IDS_FROM <= rest < _IDS_TO:
        return bytes((rest & 0x7F | 0x80, rest >> 7 & 0x7F | 0x80, rest >> 14 & 0x7F | 0x80, rest >> 21))
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_TABLE: Final = 8192
_SIZES: Final = tuple(long_(count) for count in range(_TABLE))
_SOME_SIZES: Final = tuple(SOME + long_(count) for count in range(_TABLE))


def size(count: int) -> bytes:
    """The length of a string or the number of items in a block."""
    return _SIZES[count] if count < _TABLE else long_(count)


def string(text: str) -> bytes:
    """A string. Raises UnicodeEncodeError where it holds a lone surrogate."""
    raw = text.encode()
    return size(len(raw)) + raw


def some_string(text: str) -> bytes:
    """A nullable string that is not null. Raises UnicodeEncodeError where it holds a lone surrogate."""
    raw = text.encode()
    count = len(raw)
    return (_SOME_SIZES[count] if count < _TABLE else SOME + long_(count)) + raw


def string_map(entries: dict[str, str]) -> bytes:
    """A `map<string>`, as one block."""
    if not entries:
        return NULL
    parts = [size(len(entries))]
    for key, value in entries.items():
        parts += (string(key), string(value))
    parts.append(NULL)
    return b"".join(parts)
