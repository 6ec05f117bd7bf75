"""A JSON object → the Avro bytes of a record, by rules derived from the schema (contract §3, "Stream records").

Every field goes its own way: a value that fits becomes the field's bytes, one that does not goes to extras and
leaves null behind. So no value, however odd, costs more than its own field.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from connector.mapping.binary import NULL, SOME, size
from connector.mapping.extras import LIMIT, Extras, member
from connector.mapping.plain import REFUSED, array, struct_of, writer_of
from connector.mapping.shape import Field, Kind, Record
from connector.mapping.tables import ITEMS, STRINGS, TABLES, OddValueError, Table
from connector.mapping.values import LEAVES, number_text, string_

Object: TypeAlias = dict[str, Any]
Leaf: TypeAlias = Callable[[Any], bytes | None]
Nested: TypeAlias = Callable[[Any, str, Extras], bytes | None]
"""Value, its path, extras → as a leaf; misfits further inside have gone to extras already."""
RecordWriter: TypeAlias = Callable[[Object, str, Extras], bytes]
"""Object, its path, extras → the record's bytes."""


_NONE: Final = (None, "")


class _Step(NamedTuple):
    """How one field is filled."""

    name: str
    """The feed's first name for it."""
    aliases: tuple[str, ...]
    """Its other names."""
    type: type | None
    """Values of this type are looked up in `table` first."""
    table: Table
    leaf: Leaf | None
    nested: Nested
    """The rule where there is no `leaf`."""


def record_writer(record: Record) -> RecordWriter:
    """The writer of `record`."""
    steps = tuple(map(_step, record.fields))
    known = record.names

    def write(source: Object, path: str, extras: Extras) -> bytes:
        get = source.get
        parts = []
        for first, aliases, type_, table, leaf, nested in steps:
            name, value = first, get(first)
            if aliases and not source.keys().isdisjoint(aliases):
                name = _name_sent(source, (first, *aliases), path, extras)
                value = get(name)
            if value is None:
                parts.append(NULL)
                continue
            if type(value) is type_:
                try:
                    parts.append(table[value])
                except (OddValueError, UnicodeEncodeError):
                    pass
                else:
                    continue
            data = leaf(value) if leaf is not None else nested(value, member(path, name), extras)
            if type(data) is not bytes:  # Partial, or it does not fit
                extras.keep(member(path, name), value)
            parts.append(data or NULL)
        if not source.keys() <= known:
            extras.keep_unknown(path, {name: value for name, value in source.items() if name not in known})
        return b"".join(parts)

    return write


def _name_sent(source: Object, names: tuple[str, ...], path: str, extras: Extras) -> str:
    """The first of a field's names that has a value; the values of the others go to extras."""
    present = [name for name in names if source.get(name) not in _NONE]
    for name in present[1:]:
        extras.keep(member(path, name), source[name])
    return present[0] if present else names[0]


def _step(field: Field) -> _Step:
    leaf = None if field.member is not None else LEAVES.get(field.kind)
    entry = TABLES.get(field.kind)
    type_, table = (None, STRINGS) if entry is None else (entry.type, entry.table)
    return _Step(field.names[0], field.names[1:], type_, table, leaf, _nested(field))


def _nested(field: Field) -> Nested:
    match field.kind:
        case Kind.RECORD:
            return _object(field)
        case Kind.RECORDS:
            return _plain_first(_record_of(field), _array(_record_item(field)))
        case Kind.STRINGS:
            return _strings(_array(_string_item(field.member)))
        case Kind.STRING if field.member is not None:
            return _string_or_object(field.member)
        case kind:
            leaf = LEAVES[kind]
            return lambda value, _path, _extras: leaf(value)


def _string_or_object(text_member: str) -> Nested:
    def write(value: Any, path: str, extras: Extras) -> bytes | None:
        if type(value) is not dict:
            return string_(value)
        data = string_(value.get(text_member))
        if data is None:
            return None
        extras.keep_unknown(path, {name: item for name, item in value.items() if name != text_member})
        return data

    return write


def _object(field: Field) -> Nested:
    write_record = record_writer(_record_of(field))
    scalar = field.scalar

    def write(value: Any, path: str, extras: Extras) -> bytes | None:
        if type(value) is dict:
            return SOME + write_record(value, path, extras)
        if value == "":
            return NULL
        if scalar is not None and _is_text(value):
            return SOME + write_record({scalar: value}, path, extras)
        return None

    return write


def _array(write_item: Nested) -> Nested:
    """An array; a single value that would do as its only element becomes one."""

    def write(value: Any, path: str, extras: Extras) -> bytes | None:
        if type(value) is not list:
            if value == "":
                return NULL
            data = write_item(value, path, extras)
            return None if data is None else b"".join((SOME, size(1), data, NULL))
        if not value:
            return SOME + NULL
        misfits = Extras()
        items = []
        for index, item in enumerate(value):
            data = write_item(item, f"{path}[{index}]", misfits)
            if data is None:
                misfits.keep(f"{path}[{index}]", item)
            else:
                items.append(data)
            if len(misfits) > LIMIT:
                return None
        extras.update(misfits)
        return b"".join((SOME, size(len(items)), *items, NULL)) if items else SOME + NULL

    return write


def _plain_first(record: Record, write_odd: Nested) -> Nested:
    """An array of objects; plain ones need no further look."""
    plain, write_plain = list[struct_of(record)], writer_of(record)  # type: ignore[misc]

    def write(value: Any, path: str, extras: Extras) -> bytes | None:
        if type(value) is list:
            try:
                return array(value, [write_plain(item, extras) for item in msgspec.convert(value, plain)])
            except REFUSED:
                pass
        return write_odd(value, path, extras)

    return write


def _strings(write_odd: Nested) -> Nested:
    """An array of strings; text alone needs no further look."""

    def write(value: Any, path: str, extras: Extras) -> bytes | None:
        if type(value) is list and value and type(value[0]) is str:
            try:
                return b"".join((SOME, size(len(value)), *[ITEMS[item] for item in value], NULL))
            except (OddValueError, UnicodeEncodeError, TypeError):  # TypeError: an object is no key
                pass
        return write_odd(value, path, extras)

    return write


def _record_item(field: Field) -> Nested:
    write_record = record_writer(_record_of(field))
    scalar = field.scalar

    def write(value: Any, path: str, extras: Extras) -> bytes | None:
        if type(value) is dict:
            return write_record(value, path, extras)
        if scalar is not None and value and _is_text(value):
            return write_record({scalar: value}, path, extras)
        return None

    return write


def _string_item(text_member: str | None) -> Nested:
    def write(value: Any, path: str, extras: Extras) -> bytes | None:
        if type(value) is not dict:
            return _plain_string(value)
        if text_member is None:
            return None
        data = _plain_string(value.get(text_member))
        if data is not None and len(value) > 1:
            extras.keep_unknown(path, {name: item for name, item in value.items() if name != text_member})
        return data

    return write


def _plain_string(value: Any) -> bytes | None:
    """A string that cannot be null: an empty one stays."""
    text = value if type(value) is str else number_text(value)
    try:
        return None if text is None else ITEMS[text]
    except UnicodeEncodeError:
        return None


def _is_text(value: Any) -> bool:
    """Whether `value` is a string that Avro can hold: no lone surrogate."""
    if type(value) is not str:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _record_of(field: Field) -> Record:
    if field.record is None:
        raise ValueError(f"{field.name}: an object without a shape")
    return field.record
