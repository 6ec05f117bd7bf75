"""The fast lane for flat frames without a surprise.

`PlainLane` derives two things from a schema's shape: msgspec types that accept a frame only where every value has
the documented type and no name is unknown (checked in C while parsing), and a Python function, written out field
by field, that joins the Avro bytes of such a frame from tables. A frame or value with any oddity is refused, and
takes the general way (`convert`); both ways give the same bytes.

Most of a transcript is words: short text, small integers and confidences with two decimals, which recur. The
tables remember the bytes of those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from connector.mapping.binary import NULL, SOME, long_, pack_double, size
from connector.mapping.shape import Field, Kind, Record
from connector.mapping.times import MICROSECOND, instant

if TYPE_CHECKING:
    from collections.abc import Callable

_REMEMBERED: Final = 16_384
"""Entries of a table before it starts anew: some megabytes at most."""
_SHORT: Final = 40
"""Longer text hardly recurs."""


class OddValueError(ValueError):
    """A value of the right type that the tables do not serve: a time that is none or is too fine."""


class Strings(dict["str | None", bytes]):
    """Text → a nullable string's bytes."""

    def __missing__(self, text: str) -> bytes:
        raw = text.encode()
        data = SOME + size(len(raw)) + raw
        if len(raw) <= _SHORT:
            _remember(self, text, data)
        return data


class Longs(dict["int | None", bytes]):
    """Integer → a nullable long's bytes."""

    def __missing__(self, number: int) -> bytes:
        data = SOME + long_(number)
        _remember(self, number, data)
        return data


class Doubles(dict["float | None", bytes]):
    """Float → a nullable double's bytes."""

    def __missing__(self, number: float) -> bytes:
        data = SOME + pack_double(number)
        if number:  # 0.0 and -0.0 are one key
            _remember(self, number, data)
        return data


class Times(dict["str | None", bytes]):
    """Time as text → a nullable instant's bytes; refuses what belongs in extras."""

    def __missing__(self, text: str) -> bytes:
        found = instant(text)
        if found is None or found.finer:
            raise OddValueError
        data = NULL if found.unset else SOME + long_(found.nanoseconds // MICROSECOND)
        _remember(self, text, data)
        return data


def _remember(table: dict[Any, bytes], key: Any, data: bytes) -> None:
    if len(table) >= _REMEMBERED:
        none = {key: data for key, data in table.items() if key is None or key == ""}
        table.clear()
        table.update(none)
    table[key] = data


_TABLES: Final[dict[Kind, tuple[str, type, type[dict[Any, bytes]]]]] = {
    Kind.STRING: ("strings", str, Strings),
    Kind.LONG: ("longs", int, Longs),
    Kind.DOUBLE: ("doubles", float, Doubles),
    Kind.TIME: ("times", str, Times),
}
"""Kind → name of its table, type of its values, class of its table."""


class PlainLane:
    """The msgspec type and the writer of one flat record, between `received_at` and an empty `extras`."""

    def __init__(self, record: Record, required: frozenset[str]) -> None:
        """`required`: without these fields a frame is not plain."""
        self.type = _struct(record, required)
        tables = {name: _new_table(class_) for name, _, class_ in _TABLES.values()}
        self.write = _compile(writer_source(record), tables)


def writer_source(record: Record) -> str:
    """The source of `write(m, received_at) -> bytes`."""
    parts = ["long_(received_at)"]
    for field in record.fields:
        if field.kind is Kind.RECORDS and field.record is not None and _is_flat(field.record):
            item = " + ".join(f"{_TABLES[inner.kind][0]}[item.{inner.name}]" for inner in field.record.fields)
            parts.append(f"array(m.{field.name}, [{item} for item in m.{field.name} or ()])")
        elif field.kind in _TABLES:
            parts.append(f"{_TABLES[field.kind][0]}[m.{field.name}]")
        else:
            parts.append("NULL")  # its type takes null alone
    parts.append("NULL")  # no extras
    lines = "".join(f"        {part},\n" for part in parts)
    return f"def write(m, received_at):\n    return join((\n{lines}    ))\n"


def _compile(source: str, tables: dict[str, dict[Any, bytes]]) -> Callable[[Any, int], bytes]:
    names: dict[str, Any] = {**tables, "join": b"".join, "long_": long_, "NULL": NULL, "array": _array}
    exec(compile(source, "<writer made from the schema>", "exec"), names)  # noqa: S102 - made of schema names alone
    write: Callable[[Any, int], bytes] = names["write"]
    return write


def _array(value: list[Any] | None, items: list[bytes]) -> bytes:
    if not items:
        return NULL if value is None else SOME + NULL
    return b"".join((SOME, size(len(items)), *items, NULL))


def _new_table(class_: type[dict[Any, bytes]]) -> dict[Any, bytes]:
    table = class_({None: NULL})
    if class_ is Strings or class_ is Times:
        table[""] = NULL
    return table


def _struct(record: Record, required: frozenset[str] = frozenset()) -> type[msgspec.Struct]:
    fields: list[Any] = [
        (field.name, _TABLES[field.kind][1]) if field.name in required else (field.name, _type(field), None)
        for field in sorted(record.fields, key=lambda field: field.name not in required)
    ]
    rename = {field.name: field.names[0] for field in record.fields}
    return msgspec.defstruct(record.name, fields, forbid_unknown_fields=True, rename=rename, gc=False)


def _type(field: Field) -> Any:
    if len(field.names) > 1 or field.member is not None:
        return None
    if field.kind is Kind.RECORDS and field.record is not None and _is_flat(field.record):
        return list[_struct(field.record)] | None  # type: ignore[misc]
    return _TABLES[field.kind][1] | None if field.kind in _TABLES else None


def _is_flat(record: Record) -> bool:
    return all(field.kind in _TABLES and len(field.names) == 1 for field in record.fields)
