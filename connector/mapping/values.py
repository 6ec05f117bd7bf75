"""One JSON value → the Avro bytes of one nullable field: the leaves of the mapping.

Each function takes a value that is not null and returns
- bytes: the value, with its union branch; `NULL` for what the feed uses as "none" (`""`, Go's zero time);
- `Partial` bytes: the field's value, but the feed's text says more than it, so the text belongs in extras too;
- None: the value does not fit without loss and belongs in extras.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from msgspec import Raw

from connector.mapping.binary import LONG_MAX, LONG_MIN, NULL, SOME, long_, pack_double, some_string, string
from connector.mapping.extras import json_text
from connector.mapping.shape import Kind
from connector.mapping.times import MICROSECOND, day, instant

if TYPE_CHECKING:
    from collections.abc import Callable


class Partial(bytes):
    """A field's bytes that do not say all the feed said."""

    __slots__ = ()


_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
"""A number as people write it. A leading zero or plus says that it is rather an identifier."""
_MAX_NUMBER: Final = 64
_SAFE_INTEGER: Final = 2**53
_LONG_DIGITS: Final = 19
_TRUE: Final = SOME + b"\x01"
_FALSE: Final = SOME + b"\x00"
_BOOLEAN_TEXTS: Final = {"": NULL, "true": _TRUE, "false": _FALSE}


def number_text(value: Any) -> str | None:
    """A number as decimal text; None where `value` is no number."""
    if type(value) is int:
        return str(value)
    if type(value) is float:
        text = repr(value)
        return format(Decimal(text), "f") if "e" in text else text
    if isinstance(value, Raw):
        return bytes(value).decode()
    return None


def integer(value: Any) -> tuple[int, bool] | None:
    """A 64-bit integer, and whether `value` says no more than it; None where `value` is no such number."""
    if type(value) is int:
        number, exact = value, True
    elif type(value) is float and value.is_integer():
        # Above 2**53 a float stands for the shortest decimal that reads as it: the one the feed wrote.
        number, exact = int(Decimal(repr(value))), True
    elif type(value) is str and len(value) <= _MAX_NUMBER and _NUMBER.fullmatch(value) is not None:
        decimal = Decimal(value)
        if decimal != decimal.to_integral_value():
            return None
        number = int(decimal)
        exact = str(number) == value
    elif isinstance(value, Raw) and _decimal_takes(bytes(value)):
        decimal = Decimal(bytes(value).decode())
        if decimal.adjusted() >= _LONG_DIGITS or decimal != decimal.to_integral_value():
            return None
        number, exact = int(decimal), True
    else:
        return None
    return (number, exact) if LONG_MIN <= number <= LONG_MAX else None


def _decimal_takes(literal: bytes) -> bool:
    """Whether Decimal makes short work of the literal: few digits, and an exponent a double may have."""
    exponent = literal.lower().partition(b"e")[2]
    return len(literal) <= _MAX_NUMBER and len(exponent) <= 4  # noqa: PLR2004 - a sign and three digits, as many as a double has


def string_(value: Any) -> bytes | None:
    """A string; a number becomes its decimal text."""
    text = value if type(value) is str else number_text(value)
    if text is None:
        return None
    if not text:
        return NULL
    try:
        return some_string(text)
    except UnicodeEncodeError:  # a lone surrogate
        return None


def long(value: Any) -> bytes | None:
    """A long; an integral float and decimal text become one."""
    if value == "":
        return NULL
    found = integer(value)
    if found is None:
        return None
    number, exact = found
    data = SOME + long_(number)
    return data if exact else Partial(data)


def double(value: Any) -> bytes | None:
    """A double; an integer it holds exactly and decimal text become one."""
    if type(value) is float:
        return SOME + pack_double(value)
    if type(value) is int:
        if -_SAFE_INTEGER <= value <= _SAFE_INTEGER:
            return SOME + pack_double(value)
        return SOME + pack_double(value) if LONG_MIN <= value <= LONG_MAX and int(float(value)) == value else None
    if type(value) is str:
        if not value:
            return NULL
        if len(value) <= _MAX_NUMBER and _NUMBER.fullmatch(value) is not None:
            number = float(value)
            if Decimal(value) == Decimal(repr(number)):
                data = SOME + pack_double(number)
                return data if value in {repr(number), str(int(number))} else Partial(data)
    return None


def boolean(value: Any) -> bytes | None:
    """A boolean, also as text."""
    if value is True:
        return _TRUE
    if value is False:
        return _FALSE
    return _BOOLEAN_TEXTS.get(value) if type(value) is str else None


def time(value: Any) -> bytes | None:
    """An instant, in microseconds."""
    if value == "":
        return NULL
    found = instant(value)
    if found is None:
        return None
    if found.unset:
        return NULL
    data = SOME + long_(found.nanoseconds // MICROSECOND)
    return Partial(data) if found.finer else data


def date(value: Any) -> bytes | None:
    """A calendar day."""
    if type(value) is not str:
        return None
    if not value:
        return NULL
    days = day(value)
    if days is not None:
        return SOME + long_(days)
    found = instant(value)
    return NULL if found is not None and found.unset else None


def json_(value: Any) -> bytes | None:
    """Any value as JSON text."""
    return NULL if value == "" else SOME + string(json_text(value))


LEAVES: Final[dict[Kind, Callable[[Any], bytes | None]]] = {
    Kind.STRING: string_,
    Kind.LONG: long,
    Kind.DOUBLE: double,
    Kind.BOOLEAN: boolean,
    Kind.TIME: time,
    Kind.DATE: date,
    Kind.JSON: json_,
}
