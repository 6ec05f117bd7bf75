"""A Python datum → Avro bytes, for records the connector makes itself (`gaps`, later calls and alerts).

The bytes are those of a generic Avro writer; what a schema's types allow is compiled once into plain functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from connector.errors import EncodeError
from connector.mapping.binary import LONG_MAX, LONG_MIN, NULL, SOME, long_, pack_double, size, string
from connector.mapping.schemas import load_schema

if TYPE_CHECKING:
    from connector.mapping.shape import Schema

Writer: TypeAlias = Callable[[Any], bytes]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()


def encoder_for(name: str) -> Callable[[Mapping[str, Any]], bytes]:
    """The writer of `schemas/<name>.avsc`: datum → Avro body, without the registry's prefix.

    Instants are microseconds since the epoch or aware datetimes, days are days since the epoch or dates. The
    writer raises EncodeError where the datum does not fit the schema.
    """
    write = _writer(load_schema(name))

    def encode(datum: Mapping[str, Any]) -> bytes:
        try:
            return write(datum)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise EncodeError(f"a record does not fit the schema {name}: {type(error).__name__}: {error}") from error

    return encode


def _writer(schema: Any) -> Writer:
    if isinstance(schema, str):
        return _PRIMITIVES[schema]
    if "logicalType" in schema:
        return _LOGICAL[schema["logicalType"]]
    match schema:
        case ["null", inner]:
            return _nullable(_writer(inner))
        case {"type": "record"}:
            return _record(schema)
        case {"type": "array", "items": items}:
            return _array(_writer(items))
        case {"type": "map", "values": values}:
            return _map(_writer(values))
    raise ValueError(f"no rule how to write {schema}")


def _nullable(write: Writer) -> Writer:
    return lambda value: NULL if value is None else SOME + write(value)


def _record(schema: Schema) -> Writer:
    fields = []
    for field in schema["fields"]:
        write = _writer(field["type"])
        fields.append((field["name"], write, write(field["default"]) if "default" in field else None))
    known = frozenset(name for name, _, _ in fields)

    def write_record(value: Mapping[str, Any]) -> bytes:
        if not value.keys() <= known:
            raise ValueError(f"{schema['name']} has no field {', '.join(sorted(value.keys() - known))}")
        return b"".join(
            [write(value[name]) if default is None or name in value else default for name, write, default in fields]
        )

    return write_record


def _array(write: Writer) -> Writer:
    def write_array(value: Sequence[Any]) -> bytes:
        return b"".join((size(len(value)), *map(write, value), NULL)) if value else NULL

    return write_array


def _map(write: Writer) -> Writer:
    def write_map(value: Mapping[str, Any]) -> bytes:
        if not value:
            return NULL
        return b"".join((size(len(value)), *(string(key) + write(item) for key, item in value.items()), NULL))

    return write_map


def _instant(value: datetime | int) -> bytes:
    if isinstance(value, datetime):
        return long_((value - _EPOCH) // timedelta(microseconds=1))
    return _integer(value)


def _day(value: date | int) -> bytes:
    return long_(value.toordinal() - _EPOCH_DAY) if isinstance(value, date) else _integer(value)


def _string(value: str) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return string(value)


def _integer(value: int) -> bytes:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no integer")
    if not LONG_MIN <= value <= LONG_MAX:
        raise ValueError(f"{value} has more than 64 bits")
    return long_(value)


def _double(value: float) -> bytes:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no number")
    return pack_double(value)


def _boolean(value: bool) -> bytes:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is no boolean")
    return b"\x01" if value else b"\x00"


_PRIMITIVES: dict[str, Writer] = {
    "string": _string, "int": _integer, "long": _integer, "double": _double, "boolean": _boolean,
}  # fmt: skip
_LOGICAL: dict[str, Writer] = {"timestamp-micros": _instant, "date": _day}
