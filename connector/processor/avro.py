"""Reading single fields of an Avro record (Avro specification, "Binary Encoding"), as fast as plain Python does it.

`field_reader` reads a value of any type this project's schemas use, step by step; `reader_source` writes the same out
as lines of Python, for the fields that every record is asked for. What bytes that are not what the schema says end in
is listed in BROKEN.
"""

# ruff: noqa: PLR2004 - a varint byte holds seven bits (0x7F) and says with the eighth (0x80) that more follow

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from connector.mapping.shape import Schema

FieldReader: TypeAlias = Callable[[bytes, int], tuple[Any, int]]
"""Bytes and position → value and the position behind it."""

BROKEN: Final = (IndexError, ValueError, KeyError, TypeError, OverflowError, EOFError, struct.error)
"""UnicodeDecodeError is a ValueError."""

_LONGEST_VARINT: Final = 10
_REMEMBERED: Final = 8_192
_SHORT: Final = 64

_double_at: Final = struct.Struct("<d").unpack_from


class Texts(dict[bytes, str]):
    """UTF-8 → text that recurs (a ticker, a speaker): decoded once and kept in memory once."""

    def __missing__(self, raw: bytes) -> str:
        text = raw.decode()
        if len(raw) <= _SHORT:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[raw] = text
        return text


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned number at `at`, still zigzag, and the position behind it."""
    number = shift = 0
    for position in range(at, at + _LONGEST_VARINT):
        byte = data[position]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position + 1
        shift += 7
    raise ValueError("a number of more than ten bytes")


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """A long."""
    number, at = varint(data, at)
    return (number >> 1) ^ -(number & 1), at


def read_text(data: bytes, at: int) -> tuple[str, int]:
    """A string."""
    size, at = read_long(data, at)
    end = at + size
    if not at <= end <= len(data):
        raise ValueError("a text that goes on behind the end")
    return data[at:end].decode(), end


def _read_double(data: bytes, at: int) -> tuple[float, int]:
    return _double_at(data, at)[0], at + 8


def _read_boolean(data: bytes, at: int) -> tuple[bool, int]:
    return bool(data[at]), at + 1


_PRIMITIVES: Final[dict[str, FieldReader]] = {
    "string": read_text, "int": read_long, "long": read_long, "double": _read_double, "boolean": _read_boolean,
}  # fmt: skip


def field_reader(schema: Any) -> FieldReader:
    """The reader of one value: a record becomes a dict, an instant stays an integer."""
    match schema:
        case str():
            return _PRIMITIVES[schema]
        case ["null", inner]:
            return _nullable(field_reader(inner))
        case {"type": "record", "fields": fields}:
            return _record([(field["name"], field_reader(field["type"])) for field in fields])
        case {"type": "array", "items": items}:
            return _array(field_reader(items))
        case {"type": "map", "values": values}:
            return _array(_record([("key", read_text), ("value", field_reader(values))]))
        case {"type": str(inner)} if inner in _PRIMITIVES:
            return _PRIMITIVES[inner]
    raise ValueError(f"no rule how to read {schema}")


def _nullable(read: FieldReader) -> FieldReader:
    def read_nullable(data: bytes, at: int) -> tuple[Any, int]:
        branch = data[at]
        if branch == 2:
            return read(data, at + 1)
        if branch:
            no_branch(branch)
        return None, at + 1

    return read_nullable


def _record(fields: list[tuple[str, FieldReader]]) -> FieldReader:
    def read_record(data: bytes, at: int) -> tuple[dict[str, Any], int]:
        found = {}
        for name, read in fields:
            found[name], at = read(data, at)
        return found, at

    return read_record


def _array(read: FieldReader) -> FieldReader:
    def read_array(data: bytes, at: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        while True:
            count, at = read_long(data, at)
            if not count:
                return found, at
            if count < 0:  # the block's size in bytes follows
                count = -count
                _, at = read_long(data, at)
            if count > len(data) - at:
                raise ValueError("more items than bytes")
            for _ in range(count):
                item, at = read(data, at)
                found.append(item)

    return read_array


def no_branch(branch: int) -> NoReturn:
    """A `["null", T]` union has two branches, and this is neither. Raises ValueError."""
    raise ValueError(f"a union has no branch {branch}")


def negative() -> NoReturn:
    """A text cannot have a negative length. Raises ValueError."""
    raise ValueError("a negative length")


def fast_reader(schema: Schema, arguments: str, wanted: Collection[str], returns: str, **names: Any) -> Any:
    """A function of `arguments` (the first is `value`, the record's bytes) that returns the expression `returns`.

    There, field `x` of `wanted` is `_x`, and `at` the position behind the last of them. A field that is an array of
    records is a list of what `Item` in `names` makes of each one's fields.
    """
    scope: dict[str, Any] = {
        "varint": varint, "no_branch": no_branch, "negative": negative, "texts": Texts(),
        "double_at": _double_at, "from_bytes": int.from_bytes, "read_long": read_long, **names,
    }  # fmt: skip
    lines = [f"def read({arguments}):", "    at = 0"]
    missing = set(wanted)
    for field in schema["fields"]:
        if not missing:
            break
        name = field["name"]
        lines += (f"    {line}" for line in _field_source(field, name in missing, scope))
        missing.discard(name)
    if missing:
        raise ValueError(f"{schema['name']} has no field {', '.join(sorted(missing))}")
    lines += ("    if at > len(value):", "        raise ValueError('it ends too early')", f"    return {returns}")
    exec(compile("\n".join(lines), f"<reader of {schema['name']}>", "exec"), scope)  # noqa: S102 - made of the schema
    return scope["read"]


def _field_source(field: Schema, wanted: bool, scope: dict[str, Any]) -> Iterator[str]:
    """The lines that read one field into `_<name>`, or skip it."""
    target = f"_{field['name']}" if wanted else "_"
    schema = field["type"]
    nullable = isinstance(schema, list) and len(schema) == 2 and schema[0] == "null"
    inner = schema[1] if nullable else schema
    if wanted and "Item" in scope and isinstance(inner, dict) and inner["type"] == "array":
        body: list[str] | None = _records_source(inner["items"]["fields"], target, scope)
    else:
        body = _value_source(inner, target, recurs=field["name"] != "sentence")
    if body is None:
        scope[f"read_{field['name']}"] = field_reader(schema)
        yield f"{target}, at = read_{field['name']}(value, at)"
    elif nullable:
        yield "if value[at] == 2:"
        yield "    at += 1"
        yield from (f"    {line}" for line in body)
        yield "else:"
        yield "    if value[at]: no_branch(value[at])"
        yield "    at += 1"
        if wanted:
            yield f"    {target} = None"
    else:
        yield from body


def _records_source(fields: list[Schema], target: str, scope: dict[str, Any]) -> list[str]:
    """The lines that read an array of records into a list."""
    names = [f"{target}_{field['name']}" for field in fields]
    columns = [field | {"name": name.removeprefix("_")} for field, name in zip(fields, names, strict=True)]
    return [
        f"{target} = []",
        "while True:",
        "    count, at = read_long(value, at)",
        "    if not count: break",
        "    if count < 0:",  # the block's size in bytes follows
        "        count = -count",
        "        _, at = read_long(value, at)",
        "    if count > len(value) - at: raise ValueError('more items than bytes')",
        "    for _ in range(count):",
        *(f"        {line}" for column in columns for line in _field_source(column, True, scope)),
        f"        {target}.append(Item({', '.join(names)}))",
    ]


def _value_source(schema: Any, target: str, *, recurs: bool) -> list[str] | None:
    """The lines that read a value at `at`, None where there is no short way."""
    match schema:
        case "string":
            text = "texts[value[at:end]]" if recurs else "value[at:end].decode()"
            return [
                "size = value[at]",
                "at += 1",
                "if size > 127: size, at = varint(value, at - 1)",
                "if size & 1: negative()",
                "end = at + (size >> 1)",
                *([f"{target} = {text}"] if target != "_" else ()),
                "at = end",
            ]
        case "int" | "long":
            return [
                "number = value[at]",
                "at += 1",
                "if number > 127: number, at = varint(value, at - 1)",
                f"{target} = (number >> 1) ^ -(number & 1)",
            ]
        case {"type": "long", "logicalType": "timestamp-micros"}:
            # The microseconds of the years 1979 to 3111 have eight bytes: their groups of seven bits are moved
            # together in pairs, fours and eights instead of one by one.
            return [
                "number = from_bytes(value[at:at + 8], 'little')",
                "if number & 0x8080808080808080 == 0x0080808080808080:",
                "    number = number & 0x7F007F007F007F | (number & 0x7F007F007F007F00) >> 1",
                "    number = number & 0x3FFF00003FFF | (number & 0x3FFF00003FFF0000) >> 2",
                "    number = number & 0xFFFFFFF | (number & 0xFFFFFFF00000000) >> 4",
                "    at += 8",
                "else:",
                "    number, at = varint(value, at)",
                f"{target} = (number >> 1) ^ -(number & 1)",
            ]
        case "double":
            return [*([f"{target} = double_at(value, at)[0]"] if target != "_" else ()), "at += 8"]
    return None
