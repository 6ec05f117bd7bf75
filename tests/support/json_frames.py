"""Hypothesis strategies for frames: real names with likely and unlikely values, unknown names, any JSON at all."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from connector.mapping.schemas import load_schema
from connector.streams import Protocol, Stream


class Literal:
    """A number as it is to be written."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def dumps(value: Any) -> bytes:
    """JSON in ASCII, `Literal` verbatim."""
    return _dumps(value).encode()


def _dumps(value: Any) -> str:
    if isinstance(value, Literal):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_dumps(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dumps, value)) + "]"
    return json.dumps(value)


digits = st.text("0123456789", min_size=1, max_size=22).map(lambda text: text.lstrip("0") or "0")
literals = st.builds(
    lambda sign, whole, fraction, exponent: Literal(sign + whole + fraction + exponent),
    st.sampled_from(["", "-"]),
    digits,
    st.one_of(st.just(""), st.text("0123456789", min_size=1, max_size=22).map(lambda text: f".{text}")),
    st.sampled_from(["", "", "e5", "E-7", "e+16", "e400", "e-400"]),
)
any_text = st.text(st.characters(), max_size=12)  # lone surrogates too
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), literals, st.floats(allow_nan=False, allow_infinity=False), any_text,
    st.sampled_from(["", "0001-01-01T00:00:00Z", "1", "true", "2025-06-02T10:55:24Z", "3.50", "1767628056"]),
)  # fmt: skip
names = st.one_of(
    any_text, st.sampled_from(["id", "name", "content", "data", "foo", "data.foo", "a[0]", "*", "symbol"])
)
any_json = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)

times = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.integers(0, 10**12),
    st.builds(
        lambda moment, decimals, zone: f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{decimals:09}{zone}",
        st.datetimes(),
        st.integers(0, 999_999_999),
        st.sampled_from(["Z", "+02:00", "-04:30"]),
    ),
    st.just("Mon, 01 Jan 2024 13:35:14 -0400"),
)


def _likely(type_: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one return a type
    match type_:
        case {"logicalType": "timestamp-micros"}:
            return times
        case {"logicalType": "date"}:
            return st.dates().map(str)
        case {"type": "record", "fields": fields}:
            return objects(fields)
        case {"type": "array", "items": {"fields": fields}}:
            return st.lists(objects(fields) | any_json, max_size=4)
        case {"type": "array"}:
            return st.lists(any_text | st.fixed_dictionaries({"name": any_text}) | any_json, max_size=4)
        case "string":
            return st.text(max_size=20)
        case "long":
            return st.integers(-(2**63), 2**63 - 1) | st.integers().map(str)
        case "double":
            return st.floats(allow_nan=False, allow_infinity=False) | st.integers() | literals
    return st.booleans()


def objects(fields: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of the fields, under any of their names, and some others."""
    options = {}
    for field in fields:
        if field.get("addedBy") == "connector":
            continue
        for name in (field.get("feedName", field["name"]), *field.get("feedAliases", ())):
            options[name] = _likely(field["type"][1]) | any_json
    known = st.fixed_dictionaries({}, optional=options)
    return st.builds(lambda one, two: two | one, known, st.dictionaries(names, any_json, max_size=2))


def frames(stream: Stream) -> st.SearchStrategy[bytes]:
    """Frames of a stream; most of them are messages."""
    fields = load_schema(stream.name)["fields"]
    if stream.protocol is Protocol.TRANSCRIPTS:
        required = {
            "transcript_id": st.text(min_size=1, max_size=9) | scalars,
            "sequence": st.integers(0, 99) | scalars,
        }
        message = st.builds(lambda one, two: one | two, objects(fields), st.fixed_dictionaries(required))
    else:
        content = next(field for field in fields if field["name"] == "content")["type"][1]["fields"]
        some_objects = objects(content)
        ids = st.integers(0, 9) | st.text(max_size=3) | any_json
        data = st.fixed_dictionaries(
            {},
            optional={
                "action": st.sampled_from(["Created", "Removed", "Other", ""]) | any_json,
                "id": ids,
                "timestamp": times | any_json,
                "content": some_objects | any_json,
            },
        )
        data = st.builds(lambda one, two: two | one, data, st.dictionaries(names, any_json, max_size=2))
        if stream.content_inline:
            data = st.builds(lambda one, two: one | two, some_objects, data)
        message = st.fixed_dictionaries(
            {"data": data}, optional={"id": ids, "api_version": any_json, "kind": any_json, "foo": any_json}
        )
        message = st.builds(lambda one, two: two | one, message, st.dictionaries(names, any_json, max_size=1))
    return message.map(dumps)
