"""What a schema says about the feed: the fields, their kinds, and how the feed spells them.

The `.avsc` files are the only place where fields are listed. Besides Avro's own attributes they carry a few of
ours (`schemas/README.md`): `feedName`, `feedAliases`, `feedMember`, `feedScalar`, `feedFormat`, `addedBy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

Schema = dict[str, Any]


class Kind(Enum):
    """How a field's JSON value becomes an Avro value."""

    STRING = "string"
    LONG = "long"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    TIME = "time"
    DATE = "date"
    JSON = "json"
    RECORD = "record"
    STRINGS = "strings"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Field:
    """A nullable field that the feed fills."""

    name: str
    names: tuple[str, ...]
    """The feed's names for it, the preferred one first."""
    kind: Kind
    record: Record | None = None
    """The shape of the object (RECORD) or of each element (RECORDS)."""
    member: str | None = None
    """Where text is expected and an object comes: the member that holds the text."""
    scalar: str | None = None
    """Where an object is expected and text comes: the member that text stands for."""


@dataclass(frozen=True, slots=True)
class Record:
    """The fields the feed fills, in the schema's order."""

    name: str
    fields: tuple[Field, ...]

    @property
    def names(self) -> frozenset[str]:
        """Every name under which the feed may fill a field."""
        return frozenset(name for field in self.fields for name in field.names)


def read_record(schema: Schema) -> Record:
    """The shape of an Avro record. Raises ValueError where a field is not one this mapping can fill."""
    fields = tuple(_read_field(field) for field in schema["fields"] if field.get("addedBy") != "connector")
    return Record(schema["name"], fields)


def _read_field(field: Schema) -> Field:
    match field["type"]:
        case ["null", inner]:
            kind, record = _kind_of(inner, field)
        case other:
            raise ValueError(f"{field['name']}: the feed may leave out any field, so {other} must be nullable")
    return Field(
        name=field["name"],
        names=(str(field.get("feedName", field["name"])), *field.get("feedAliases", ())),
        kind=kind,
        record=record,
        member=field.get("feedMember"),
        scalar=field.get("feedScalar"),
    )


def _kind_of(inner: Any, field: Schema) -> tuple[Kind, Record | None]:
    record = None
    match inner:
        case "string":
            kind = Kind.JSON if field.get("feedFormat") == "json" else Kind.STRING
        case "long" | "double" | "boolean":
            kind = Kind(inner)
        case {"type": "long", "logicalType": "timestamp-micros"}:
            kind = Kind.TIME
        case {"type": "int", "logicalType": "date"}:
            kind = Kind.DATE
        case {"type": "record"}:
            kind, record = Kind.RECORD, read_record(inner)
        case {"type": "array", "items": "string"}:
            kind = Kind.STRINGS
        case {"type": "array", "items": {"type": "record"} as items}:
            kind, record = Kind.RECORDS, read_record(items)
        case _:
            raise ValueError(f"{field['name']}: no rule how the feed's JSON becomes {inner}")
    return kind, record
