"""The fast lane for objects without a surprise.

Two things are derived from a record's shape. `struct_of` makes a msgspec type that takes an object only where every
value has a documented type and every name is known (checked in C). `writer_of` makes a Python function, written out
field by field, that joins the Avro bytes of such an object from `tables`. An object with any oddity is refused by one
or the other, and takes the general way (`convert`); both ways give the same bytes.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from connector.mapping.binary import NULL, SOME, size, some_string
from connector.mapping.extras import member
from connector.mapping.shape import Field, Kind, Record
from connector.mapping.tables import ITEMS, SHORT, TABLES, TIMES, OddValueError
from connector.mapping.values import time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.mapping.extras import Extras

REFUSED: Final = (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError)
"""What an object that is not plain ends in: a wrong type or name, a lone surrogate, `OddValueError`, deep nesting."""


class PlainBody(msgspec.Struct, frozen=True, gc=False):
    """The Avro body of a plain frame in pieces, but for the time it was received at, which belongs in the middle."""

    before: tuple[bytes, ...]
    after: tuple[bytes, ...]
    extras: int
    """How many there are."""


_EXACT: Final = 2.0**53
_TYPES: Final[dict[Kind, Any]] = {
    Kind.STRING: str,
    Kind.LONG: int,
    Kind.DOUBLE: Annotated[float, msgspec.Meta(gt=-_EXACT, lt=_EXACT)],  # an integer beyond may become another number
    Kind.BOOLEAN: bool,
    Kind.TIME: str | int,
    Kind.DATE: str,
}
_NONE: Final[Any] = Literal[""] | None | UnsetType
"""How the feed says "none", whatever the type."""
_LITERAL: Final[Any] = Any
"""No narrower type calls the decoder's hook; `_numbers_only` makes it narrow."""
_NUMBERS: Final = frozenset({int, float, type(None), UnsetType})


def struct_of(
    record: Record,
    *,
    required: frozenset[str] = frozenset(),
    literal: bool = False,
    others: Mapping[str, Any] | None = None,
) -> type[msgspec.Struct]:
    """The type of plain objects of `record`: an attribute for every name the feed has, UNSET where it is not sent.

    `required`: without these fields an object is not plain. `literal`: numbers with a fraction go through the decoder's
    hook, and `1` is another value than `1.0`, so that msgspec writes the object as the feed did. `others`: members that
    are not the record's, and their types.
    """
    types: dict[str, tuple[str, Any]] = {name: (name, kind) for name, kind in (others or {}).items()}
    for field in record.fields:
        types |= {name: (attribute, _type(field, literal=literal)) for name, attribute in attributes(field)}
    fields: list[Any] = [
        (attribute, kind) if name in required else (attribute, kind | _NONE, UNSET)
        for name, (attribute, kind) in types.items()
    ]
    namespace = {}
    doubles = [attribute for attribute, kind in types.values() if kind is _LITERAL]
    if doubles:
        namespace["__post_init__"] = _numbers_only(doubles)
    rename = {attribute: name for name, (attribute, _) in types.items()}
    return msgspec.defstruct(
        record.name, fields, namespace=namespace, rename=rename, forbid_unknown_fields=True, kw_only=True, gc=False
    )


def attributes(field: Field) -> list[tuple[str, str]]:
    """The feed's names for `field`, each with the attribute that holds its value."""
    return [(name, field.name if n == 0 else f"{field.name}__{n}") for n, name in enumerate(field.names)]


def _type(field: Field, *, literal: bool) -> Any:
    match field.kind:
        case Kind.RECORD if field.record is not None:
            return struct_of(field.record, literal=literal)
        case Kind.RECORDS if field.record is not None:
            return list[struct_of(field.record, literal=literal)]  # type: ignore[misc]
        case Kind.STRINGS:
            return str | list[str if field.member is None else str | _named(field.member)]  # type: ignore[misc]
        case Kind.JSON:
            return UnsetType  # none alone
        case Kind.DOUBLE if literal:
            return _LITERAL
    return _TYPES[field.kind]


def _named(member: str) -> type[msgspec.Struct]:
    """The type of `{"name": "…"}` where text is expected."""
    return msgspec.defstruct("Named", [("text", str)], rename={"text": member}, forbid_unknown_fields=True, gc=False)


def _numbers_only(names: Sequence[str]) -> Callable[[Any], None]:
    def check(self: Any) -> None:
        for name in names:
            value = getattr(self, name)
            if type(value) not in _NUMBERS and value != "":
                raise OddValueError

    return check


def writer_of(record: Record, path: str | None = None) -> Callable[[Any, Extras], bytes]:
    """The writer of plain objects of `record`. It raises one of REFUSED where a value does not fit as it is.

    `path`: where the object is in the frame; then a time that does not fit goes to extras, instead of being refused.
    """
    names: dict[str, Any] = {entry.name: entry.table for entry in TABLES.values()}
    names |= {"join": b"".join, "NULL": NULL, "SOME": SOME}
    names |= {"text": some_string, "array": array, "texts": _texts, "time": _time, "either": _either}
    exec(compile(writer_source(record, path), "<writer made from the schema>", "exec"), names)  # noqa: S102 - made of schema names alone
    write: Callable[[Any, Extras], bytes] = names["write"]
    return write


def writer_source(record: Record, path: str | None = None) -> str:
    """The source of `write(m, extras) -> bytes`."""
    lines = "".join(f"        {_expression(field, 'm', path)},\n" for field in record.fields)
    return f"def write(m, extras):\n    return join((\n{lines}    ))\n"


def _expression(field: Field, owner: str, path: str | None) -> str:
    """The bytes of one field of `owner`, which is at `path`, or in an array."""
    sent = (f"{owner}.{attribute}" for _, attribute in attributes(field))
    value = reduce(lambda one, two: f"either({one}, {two})", sent)
    item = f"{owner}{owner[-1]}"  # m, mm, mmm: one name a level
    inside = None if path is None or field.kind is Kind.RECORDS else member(path, field.names[0])
    inner = "" if field.record is None else " + ".join(_expression(one, item, inside) for one in field.record.fields)
    match field.kind:
        case Kind.RECORDS:
            code = f"array({item}s := {value}, [{inner} for {item} in {item}s or ()])"
        case Kind.RECORD:
            code = f"(SOME + {inner} if ({item} := {value}) else NULL)"
        case Kind.STRINGS:
            code = f"texts({value})"
        case Kind.STRING if owner == "m":  # long texts have no place in a table, and hashing them would cost
            code = f"strings[t] if len(t := {value} or '') <= {SHORT} else text(t)"
        case Kind.TIME if inside is not None and len(field.names) == 1:
            code = f"time({value}, {inside!r}, extras)"
        case Kind.JSON:
            code = "NULL"  # its type takes none alone
        case kind:
            code = f"{TABLES[kind].name}[{value}]"
    return code


# What the written functions call.


def _time(value: Any, path: str, extras: Extras) -> bytes:
    """A time; where it is finer than microseconds, or none that can be read, its text goes to extras."""
    try:
        return TIMES[value]
    except OddValueError:
        extras.keep(path, value)
        return time(value) or NULL


def _either(one: Any, two: Any) -> Any:
    """What was sent of a field with two names; which counts where both were sent is not decided here."""
    if two is UNSET:
        return one
    if one is UNSET:
        return two
    raise OddValueError


def array(value: list[Any] | str | UnsetType | None, items: list[bytes]) -> bytes:
    """A nullable array, from what was sent and the bytes of its items."""
    if not items:
        return SOME + NULL if type(value) is list else NULL
    return b"".join((SOME, size(len(items)), *items, NULL))


def _texts(value: list[Any] | str | UnsetType | None) -> bytes:
    """An array of texts, from texts or from objects that hold them; a single text stands for an array of it."""
    if not value:
        return array(value, [])
    sent: Any = [value] if type(value) is str else value
    return array(value, [ITEMS[item if type(item) is str else item.text] for item in sent])
