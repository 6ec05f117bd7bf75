"""Values as JSON."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import pytest

from connector.errors import RegistryError
from connector.kafka.decoding import AvroValues, UndecodableError, plain

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "names", "type": {"type": "array", "items": "string"}},
    ],
}


class Schemas:
    """A registry that knows one schema, and counts who asks."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def schema_by_id(self, schema_id: int) -> str:
        self.asked.append(schema_id)
        if schema_id == 7:
            return json.dumps(SCHEMA)
        if schema_id == 8:
            return "not a schema"
        raise RegistryError(f"the registry has no schema with the id {schema_id}")


@pytest.fixture
def schemas() -> Schemas:
    return Schemas()


@pytest.fixture
def values(schemas: Schemas) -> AvroValues:
    return AvroValues(schemas)  # type: ignore[arg-type]


def value(schema_id: int = 7) -> bytes:
    body = BytesIO()
    datum = {"at": datetime(2026, 1, 5, 15, 47, 37, 123456, UTC), "day": date(2026, 1, 5), "names": ["a"]}
    fastavro.schemaless_writer(body, SCHEMA, datum)
    return b"\0" + schema_id.to_bytes(4, "big") + body.getvalue()


def test_a_value_is_read_by_the_schema_it_names_which_is_asked_for_once(values: AvroValues, schemas: Schemas) -> None:
    shown = {"at": "2026-01-05T15:47:37.123456Z", "day": "2026-01-05", "names": ["a"]}
    assert [values.decode(value()), values.decode(value())] == [shown, shown]
    assert schemas.asked == [7]


@pytest.mark.parametrize("broken", [b"", b"\0\0", b"{}", value()[:-1], value() + b"x", value()[:7]])
def test_a_value_that_is_not_what_it_says_is_told(values: AvroValues, broken: bytes) -> None:
    with pytest.raises(UndecodableError):
        values.decode(broken)


@pytest.mark.parametrize("schema_id", [8, 9])
def test_a_schema_that_cannot_be_had_is_told(values: AvroValues, schema_id: int) -> None:
    with pytest.raises(RegistryError, match=str(schema_id)):
        values.decode(value(schema_id))


def test_everything_plain_is_json() -> None:
    shown = plain(
        {
            "time": time(9, 30),
            "decimal": Decimal("1.50"),
            "text": "café".encode(),
            "bytes": b"\xff\x00",
            "nan": float("nan"),
            "tuple": (1, None),
        }
    )
    assert shown == {
        "time": "09:30:00", "decimal": "1.50", "text": "café", "bytes": "/wA=", "nan": "nan", "tuple": [1, None],
    }  # fmt: skip
    json.dumps(shown, allow_nan=False)
