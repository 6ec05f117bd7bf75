"""The fast lane for flat frames without a surprise.

`PlainLane` derives two things from a schema's shape: msgspec types that accept a frame only where every value has
the documented type and no name is unknown (checked in C while parsing), and a Python function, written out field
by field, that joins the Avro bytes of such a frame from `tables`. A frame or value with any oddity is refused, and
takes the general way (`convert`); both ways give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from connector.mapping.binary import NULL, SOME, long_, size
from connector.mapping.shape import Field, Kind, Record
from connector.mapping.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable


class PlainLane:
    """The msgspec type and the writer of one flat record, between `received_at` and an empty `extras`."""

    def __init__(self, record: Record, required: frozenset[str]) -> None:
        """`required`: without these fields a frame is not plain."""
        self.type = _struct(record, required)
        self.write = _compile(writer_source(record))


def writer_source(record: Record) -> str:
    """The source of `write(m, received_at) -> bytes`; a table raises OddValueError where a value does not fit."""
    parts = ["long_(received_at)"]
    for field in record.fields:
        if (items := _flat_items(field)) is not None:
            item = " + ".join(f"{TABLES[inner.kind].name}[item.{inner.name}]" for inner in items.fields)
            parts.append(f"array(m.{field.name}, [{item} for item in m.{field.name} or ()])")
        elif field.kind in TABLES:
            parts.append(f"{TABLES[field.kind].name}[m.{field.name}]")
        else:
            parts.append("NULL")  # its type takes null alone
    parts.append("NULL")  # no extras
    lines = "".join(f"        {part},\n" for part in parts)
    return f"def write(m, received_at):\n    return join((\n{lines}    ))\n"


def _compile(source: str) -> Callable[[Any, int], bytes]:
    names: dict[str, Any] = {entry.name: entry.table for entry in TABLES.values()}
    names |= {"join": b"".join, "long_": long_, "NULL": NULL, "array": _array}
    exec(compile(source, "<writer made from the schema>", "exec"), names)  # noqa: S102 - made of schema names alone
    write: Callable[[Any, int], bytes] = names["write"]
    return write


def _array(value: list[Any] | None, items: list[bytes]) -> bytes:
    if not items:
        return NULL if value is None else SOME + NULL
    return b"".join((SOME, size(len(items)), *items, NULL))


def _struct(record: Record, required: frozenset[str] = frozenset()) -> type[msgspec.Struct]:
    fields: list[Any] = [
        (field.name, TABLES[field.kind].type) if field.name in required else (field.name, _type(field), None)
        for field in sorted(record.fields, key=lambda field: field.name not in required)
    ]
    rename = {field.name: field.names[0] for field in record.fields}
    return msgspec.defstruct(record.name, fields, forbid_unknown_fields=True, rename=rename, gc=False)


def _type(field: Field) -> Any:
    if (items := _flat_items(field)) is not None:
        return list[_struct(items)] | None  # type: ignore[misc]
    return TABLES[field.kind].type | None if _is_plain(field) else None


def _flat_items(field: Field) -> Record | None:
    """The shape of an array's elements, where all their fields are plain."""
    record = field.record if field.kind is Kind.RECORDS and len(field.names) == 1 else None
    return record if record is not None and all(map(_is_plain, record.fields)) else None


def _is_plain(field: Field) -> bool:
    return field.kind in TABLES and len(field.names) == 1 and field.member is None
