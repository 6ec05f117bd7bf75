"""Whether a record says what its frame said: `tests/support/lossless.py`, for records that were read from Kafka."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from connector.mapping.schemas import load_schema
from tests.support.lossless import Comparison, LostError, exact, read

if TYPE_CHECKING:
    from tests.support.consume import Record

PREFIX = 5
"""Bytes of the wire format before the Avro value."""


@cache
def _schema(stream: str) -> dict[str, Any]:
    schema: dict[str, Any] = load_schema(stream)
    return schema


def difference(stream: str, frame: bytes, record: Record) -> str | None:
    """What is not as the frame has it; None where all is."""
    schema = _schema(stream)
    try:
        comparison = Comparison(frame, read((record.value or b"")[PREFIX:], schema), schema)
        if stream == "transcripts":
            comparison.check_transcript()
            return None
        sent = exact(frame).get("id")
        if sent not in (None, "") and str(sent) != record.key:
            # The same message, replayed under a new id.
            comparison = Comparison(
                json.dumps(json.loads(frame) | {"id": record.key}).encode(), comparison.record, schema
            )
        inline = stream == "consensus"
        comparison.check_envelope(inline=inline, time_field="updated_at" if inline else "timestamp")
    except LostError as error:
        return str(error)
    return None
