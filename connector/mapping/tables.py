"""Tables that remember the Avro bytes of values that recur: words, tickers, confidences, milliseconds, statuses.

A table is asked with a value of exactly its type (`TABLES`), so that `True` is not taken for 1. It raises
OddValueError where the value does not fit without loss, UnicodeEncodeError for a lone surrogate.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from msgspec import UNSET

from connector.mapping.binary import LONG_MAX, LONG_MIN, NULL, SOME, long_, pack_double, some_string, string
from connector.mapping.shape import Kind
from connector.mapping.times import MICROSECOND, day, instant

_SAFE_INTEGER: Final = 2**53
SHORT: Final = 40
"""Bytes; longer text hardly recurs."""


class OddValueError(ValueError):
    """A value of the right type that does not fit as it is."""


class Table(dict[Any, bytes]):
    """Value → bytes, in bounded memory; what stands for "none", or was not sent (`UNSET`), is `NULL`."""

    capacity = 8_192
    """Entries before the table starts anew: one or two megabytes."""

    def __missing__(self, value: Any) -> bytes:
        data = NULL if value is None or value is UNSET or value == "" else self.encode(value)
        if len(data) <= SHORT:
            if len(self) >= self.capacity:
                self.clear()
            self[value] = data
        return data

    def encode(self, value: Any) -> bytes:
        """The bytes of `value`."""
        raise NotImplementedError


class Strings(Table):
    """Text → a nullable string."""

    def encode(self, value: str) -> bytes:  # noqa: D102
        return some_string(value)


class Items(Table):
    """Text → a string that cannot be null, as arrays hold it; any other type is refused."""

    def encode(self, value: object) -> bytes:  # noqa: D102
        if type(value) is not str:
            raise OddValueError
        return string(value)

    def __missing__(self, value: object) -> bytes:
        if value is None:
            raise OddValueError
        return super().__missing__(value)  # an empty string is one zero byte, as NULL is


class Longs(Table):
    """Integer → a nullable long."""

    capacity = 32_768  # the milliseconds of long sentences

    def encode(self, value: int) -> bytes:  # noqa: D102
        if not LONG_MIN <= value <= LONG_MAX:
            raise OddValueError
        return SOME + long_(value)


class Doubles(Table):
    """Number → a nullable double."""

    def encode(self, value: float) -> bytes:  # noqa: D102
        if type(value) is int and not -_SAFE_INTEGER <= value <= _SAFE_INTEGER:
            raise OddValueError
        return SOME + pack_double(value)

    def __missing__(self, value: Any) -> bytes:
        return SOME + pack_double(value) if value == 0 else super().__missing__(value)  # 0.0 and -0.0 are one key


class Times(Table):
    """Time as text or epoch number → a nullable instant."""

    def encode(self, value: str | int) -> bytes:  # noqa: D102
        found = instant(value)
        if found is None or found.finer:
            raise OddValueError
        return NULL if found.unset else SOME + long_(found.nanoseconds // MICROSECOND)


class Booleans(Table):
    """Boolean → a nullable boolean."""

    def encode(self, value: bool) -> bytes:  # noqa: D102
        return SOME + (b"\x01" if value else b"\x00")


class Dates(Table):
    """Calendar day as text → a nullable date."""

    def encode(self, value: str) -> bytes:  # noqa: D102
        days = day(value)
        if days is None:
            raise OddValueError
        return SOME + long_(days)


class Entry(NamedTuple):
    """A table, the type it is asked with, and its name in generated code."""

    name: str
    type: type
    table: Table


TABLES: Final = {
    Kind.STRING: Entry("strings", str, Strings()),
    Kind.LONG: Entry("longs", int, Longs()),
    Kind.DOUBLE: Entry("doubles", float, Doubles()),
    Kind.BOOLEAN: Entry("booleans", bool, Booleans()),
    Kind.TIME: Entry("times", str, Times()),
    Kind.DATE: Entry("dates", str, Dates()),
}
"""The table of each kind that has one; shared by all streams of the process."""

STRINGS: Final = TABLES[Kind.STRING].table
TIMES: Final = TABLES[Kind.TIME].table
ITEMS: Final = Items()
