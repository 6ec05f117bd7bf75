"""The fast lane gives the bytes of the general way, and refuses what it does not serve."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from connector.mapping.decoder import Decoder
from connector.mapping.plain import PlainBody, writer_source
from connector.mapping.schemas import load_schema
from connector.mapping.shape import read_record
from connector.messages import Message
from connector.streams import STREAMS

DECODER = Decoder(STREAMS["transcripts"])
WORD = {"text": "We", "start": 0, "end": 306, "confidence": 0.93}
SENTENCE: dict[str, Any] = {
    "call_id": "67ecf164692ecb0001940d4b", "transcript_id": "19a052dd", "call_title": "Q1 2025 Earnings Call",
    "sentence": "We expect gr\u00f6wth.", "start_time": "2025-06-02T10:55:24Z", "end_time": "2025-06-02T10:55:27.5Z",
    "symbol": "AAPL", "sequence": 2, "status": "IN_PROGRESS", "words": [WORD, WORD | {"confidence": 1}],
    "confidence": 0.95, "speaker": "", "formats": None, "total_files": 0, "created_time": "0001-01-01T00:00:00Z",
}  # fmt: skip


def both_ways(fields: dict[str, Any]) -> tuple[bytes, bytes]:
    """The body of a plain frame, and of the same frame sent down the general way."""
    plain = DECODER.decode(json.dumps(fields).encode())
    assert isinstance(plain, Message)
    assert isinstance(plain.body, PlainBody)
    general = replace(plain, body=fields)
    return DECODER.encode(plain, 17).value, DECODER.encode(general, 17).value


@pytest.mark.parametrize(
    "change",
    [
        {}, {"words": []}, {"words": None}, {"words": [{}]}, {"words": [{"text": ""}]}, {"confidence": 1},
        {"confidence": -0.0}, {"confidence": 0.0}, {"sequence": -5}, {"sentence": None}, {"start_time": ""},
        {"start_time": "2025-06-02T10:55:24.1234567Z"}, {"start_time": "now"}, {"start_time": "1748861724"},
        {"sentence": "x" * 100_000}, {"words": [WORD] * 10_000},
    ],
)  # fmt: skip
def test_both_ways_give_the_same_bytes(change: dict[str, Any]) -> None:
    one, two = both_ways(SENTENCE | change)
    assert one == two


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": "2"}, {"sequence": 2.0}, {"transcript_id": 5}, {"foo": None}, {"words": [WORD | {"foo": 1}]},
        {"words": [None]}, {"words": [WORD | {"start": True}]}, {"words": [WORD | {"start": 1.5}]}, {"formats": []},
        {"participants": "x"}, {"symbol": 5}, {"confidence": 0.12345678901234567}, {"total_size": 2**63},
    ],
)  # fmt: skip
def test_anything_odd_is_not_plain(change: dict[str, Any]) -> None:
    decoded = DECODER.decode(json.dumps(SENTENCE | change).encode())
    assert isinstance(decoded, Message)
    assert isinstance(decoded.body, dict)
    DECODER.encode(decoded, 17)


def test_the_writer_can_be_read() -> None:
    source = writer_source(read_record(load_schema("transcripts")))
    assert (
        "        strings[t] if len(t := m.transcript_id or '') <= 40 else text(t),\n        longs[m.sequence],\n"
        in source
    )
    assert "longs[mm.start] + longs[mm.end] + doubles[mm.confidence] for mm in mms or ()" in source
