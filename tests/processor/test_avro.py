"""Reading single fields of any schema of ours, whatever order they come in."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.mapping.schemas import load_schema, schema_dir
from connector.processor import avro

SCHEMA: dict[str, Any] = {
    "type": "record", "name": "R",
    "fields": [
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "sure", "type": ["null", "boolean"]},
        {"name": "extras", "type": {"type": "map", "values": "long"}},
        {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "part", "type": {"type": "record", "name": "P", "fields": [{"name": "x", "type": "double"}]}},
        {"name": "count", "type": "long"},
        {"name": "share", "type": "double"},
        {"name": "sentence", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "rest", "type": ["null", "string"]},
    ],
}  # fmt: skip
PARSED = fastavro.parse_schema(SCHEMA)
LONG = st.integers(-(2**63), 2**63 - 1)
DATA = st.fixed_dictionaries(
    {
        "tags": st.lists(st.text(max_size=80), max_size=3),
        "sure": st.none() | st.booleans(),
        "extras": st.dictionaries(st.text(max_size=3), LONG, max_size=3),
        "day": st.none() | st.integers(-(2**31), 2**31 - 1),
        "part": st.fixed_dictionaries({"x": st.floats(allow_nan=False)}),
        "count": LONG,
        "share": st.floats(allow_nan=False),
        "sentence": st.text(max_size=200),
        "at": LONG,
        "rest": st.none() | st.text(max_size=3),
    }
)


def written(data: dict[str, Any]) -> bytes:
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, PARSED, data)
    return buffer.getvalue()


@given(DATA)
def test_every_field_can_be_read_by_itself_and_all_of_them_together(data: dict[str, Any]) -> None:
    value = written(data)
    for name, expected in data.items():
        found = avro.fast_reader(SCHEMA, "value", {name}, f"_{name}")(value)
        if name == "extras":
            found = {entry["key"]: entry["value"] for entry in found}
        assert found == expected
    whole, at = avro.field_reader(SCHEMA)(value, 0)
    assert at == len(value)
    assert {**whole, "extras": data["extras"]} == data


@pytest.mark.parametrize("name", sorted(path.stem for path in schema_dir().glob("*.avsc")))
def test_every_schema_of_ours_can_be_read(name: str) -> None:
    schema = load_schema(name)
    avro.field_reader(schema)
    avro.fast_reader(schema, "value", {schema["fields"][-1]["name"]}, "at")


def test_a_field_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(ValueError, match="R has no field nowhere"):
        avro.fast_reader(SCHEMA, "value", {"nowhere"}, "1")


def test_a_type_that_is_not_ours_is_said_at_once() -> None:
    with pytest.raises(ValueError, match="no rule how to read"):
        avro.field_reader({"type": "fixed", "size": 3})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("long", b"\xff" * 11),
        ("long", b"\xff"),
        ("string", b"\x08abc"),
        ("string", b"\x01abc"),
        ("string", b"\x02\xff"),
        ("double", b"1234567"),
        (["null", "long"], b"\x04"),
        ({"type": "array", "items": "long"}, b"\x80\x80\x80\x80\x10\x02"),
    ],
)
def test_bytes_that_cannot_be_are_refused(schema: Any, value: bytes) -> None:
    with pytest.raises(avro.BROKEN):
        avro.field_reader(schema)(value, 0)


def test_texts_that_recur_are_one_and_memory_is_bounded() -> None:
    texts = avro.Texts()
    assert texts[b"Ann"] is texts[bytes(bytearray(b"Ann"))]
    for number in range(20_000):
        assert texts[b"%d" % number] == str(number)
    assert texts[b"x" * 200] == "x" * 200
    assert len(texts) < 10_000
