"""The fast lane for objects without a surprise.

`PlainLane` derives two things from a record's shape: a msgspec type that takes an object only where every value has
the documented type and every name is the preferred one (checked in C), and a Python function, written out field by
field, that joins the Avro bytes from `tables`. An object with any oddity is refused, and takes the general way
(`convert`); both ways give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from connector.mapping.binary import NULL, SOME, size
from connector.mapping.shape import Field, Kind, Record
from connector.mapping.tables import ITEMS, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSED: Final = (msgspec.ValidationError, UnicodeEncodeError, ValueError)
"""What an object that is not plain ends in: a wrong type or name, a lone surrogate, `OddValueError`."""

_EXACT: Final = 2.0**53
_TYPES: Final[dict[Kind, Any]] = {
    Kind.STRING: str,
    Kind.LONG: int,
    Kind.DOUBLE: Annotated[float, msgspec.Meta(gt=-_EXACT, lt=_EXACT)],  # an integer beyond may become another number
    Kind.BOOLEAN: bool,
    Kind.TIME: str | int,
    Kind.DATE: str,
}


class PlainLane:
    """The msgspec type and the writer of one record."""

    def __init__(self, record: Record, required: frozenset[str] = frozenset()) -> None:
        """`required`: without these fields an object is not plain."""
        self.type = _struct(record, required)
        self.write = _compile(writer_source(record))
        self._list_type = list[self.type]  # type: ignore[name-defined]

    def convert(self, source: dict[str, Any]) -> bytes:
        """The bytes of a parsed object. Raises one of REFUSED."""
        return self.write(msgspec.convert(source, self.type))

    def convert_all(self, source: list[Any]) -> bytes:
        """The bytes of a nullable array of objects. Raises one of REFUSED."""
        items = msgspec.convert(source, self._list_type)
        return _array(source, list(map(self.write, items)))


def writer_source(record: Record) -> str:
    """The source of `write(m) -> bytes`."""
    lines = "".join(f"        {_expression(field, 'm')},\n" for field in record.fields)
    return f"def write(m):\n    return join((\n{lines}    ))\n"


def _expression(field: Field, owner: str) -> str:
    """The bytes of one field of `owner`."""
    value = f"{owner}.{field.name}"
    item = f"{owner}{owner[-1]}"  # m, mm, mmm: one name a level
    inner = "" if field.record is None else " + ".join(_expression(one, item) for one in field.record.fields)
    match field.kind:
        case Kind.RECORDS:
            return f"array({value}, [{inner} for {item} in {value} or ()])"
        case Kind.STRINGS:
            return f"array({value}, [items[{item}] for {item} in {value} or ()])"
        case Kind.RECORD:
            return f"(NULL if ({item} := {value}) is None else SOME + {inner})"
        case Kind.JSON:
            return "NULL"  # its type takes null alone
    return f"{TABLES[field.kind].name}[{value}]"


def _compile(source: str) -> Callable[[Any], bytes]:
    names: dict[str, Any] = {entry.name: entry.table for entry in TABLES.values()}
    names |= {"join": b"".join, "NULL": NULL, "SOME": SOME, "array": _array, "items": ITEMS}
    exec(compile(source, "<writer made from the schema>", "exec"), names)  # noqa: S102 - made of schema names alone
    write: Callable[[Any], bytes] = names["write"]
    return write


def _array(value: list[Any] | None, items: list[bytes]) -> bytes:
    if not items:
        return NULL if value is None else SOME + NULL
    return b"".join((SOME, size(len(items)), *items, NULL))


def _struct(record: Record, required: frozenset[str] = frozenset()) -> type[msgspec.Struct]:
    fields: list[Any] = [
        (field.name, _TYPES[field.kind]) if field.name in required else (field.name, _type(field), None)
        for field in sorted(record.fields, key=lambda field: field.name not in required)
    ]
    rename = {field.name: field.names[0] for field in record.fields}
    return msgspec.defstruct(record.name, fields, forbid_unknown_fields=True, rename=rename, gc=False)


def _type(field: Field) -> Any:
    match field.kind:
        case Kind.RECORD if field.record is not None:
            return _struct(field.record) | None
        case Kind.RECORDS if field.record is not None:
            return list[_struct(field.record)] | None  # type: ignore[misc]
        case Kind.STRINGS:
            return list[str] | None
        case Kind.JSON:
            return None
    return _TYPES[field.kind] | None
