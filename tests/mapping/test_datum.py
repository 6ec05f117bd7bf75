"""Records the connector makes itself are written as a generic Avro writer would."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest

from connector.errors import EncodeError
from connector.mapping.decoder import encoder_for
from connector.mapping.schemas import load_schema

GAP: dict[str, Any] = {
    "stream": "news",
    "reason": "no_overlap",
    "detected_at": 1_763_856_000_123_456,
    "disconnected_at": datetime(2025, 11, 23, tzinfo=UTC),
    "last_message_id": "ä",
    "first_missing": -1,
}


def test_bytes_are_fastavros() -> None:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(load_schema("gaps")), GAP)
    assert encoder_for("gaps")(GAP) == stream.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        {"stream": None}, {"stream": 5}, {"first_missing": "1"}, {"first_missing": 2**63}, {"first_missing": True},
        {"unknown": 1}, {"detail": "\ud800"}, {"disconnected_at": 1.5},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_an_encode_error(change: dict[str, Any]) -> None:
    with pytest.raises(EncodeError, match="gaps"):
        encoder_for("gaps")(GAP | change)


def test_a_missing_field_without_default_is_an_encode_error() -> None:
    with pytest.raises(EncodeError):
        encoder_for("gaps")({"stream": "news"})
