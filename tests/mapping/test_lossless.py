"""Whatever a frame holds, its record is valid and holds it too."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.mapping.decoder import Decoder
from connector.mapping.schemas import load_schema
from connector.messages import Control, DeadLetter, Message
from connector.streams import STREAMS, Protocol
from tests.support import json_frames
from tests.support.lossless import Comparison, read

RECEIVED_AT = 1_763_856_000_123_456
DECODERS = {name: Decoder(stream) for name, stream in STREAMS.items()}
SCHEMAS = {name: load_schema(name) for name in STREAMS}
many = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def check(name: str, frame: bytes) -> Message | Control | DeadLetter:
    """Decode, encode and compare one frame."""
    stream, decoder = STREAMS[name], DECODERS[name]
    decoded = decoder.decode(frame)
    if not isinstance(decoded, Message):
        return decoded
    encoded = decoder.encode(decoded, RECEIVED_AT)
    record = read(encoded.value, SCHEMAS[name])
    assert record["received_at"] == RECEIVED_AT
    assert encoded.extras == len(record["extras"])
    comparison = Comparison(frame, record, SCHEMAS[name])
    if stream.protocol is Protocol.TRANSCRIPTS:
        comparison.check_transcript()
    else:
        assert record["message_id"] == decoded.message_id
        assert record["record_id"] == decoded.record_id
        comparison.check_envelope(inline=stream.content_inline, time_field=stream.time_field)
    return decoded


@pytest.mark.parametrize("name", STREAMS)
def test_nothing_is_lost_and_nothing_invented(name: str) -> None:
    messages = 0

    @many
    @given(json_frames.frames(STREAMS[name]))
    def run(frame: bytes) -> None:
        nonlocal messages
        messages += isinstance(check(name, frame), Message)

    run()
    assert messages > 20


@pytest.mark.parametrize("name", STREAMS)
@many
@given(value=json_frames.any_json)
def test_any_json_is_something(name: str, value: object) -> None:
    check(name, json_frames.dumps(value))


@pytest.mark.parametrize("name", ["news", "transcripts"])
@many
@given(frame=st.binary(max_size=60))
def test_any_bytes_are_something(name: str, frame: bytes) -> None:
    assert isinstance(DECODERS[name].decode(frame), Message | Control | DeadLetter)


@many
@given(frame=json_frames.frames(STREAMS["news"]))
def test_the_fingerprint_is_the_standard_librarys(frame: bytes) -> None:
    decoded = DECODERS["news"].decode(frame)
    data = json.loads(frame)["data"]
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        expected = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    except UnicodeEncodeError:
        return
    assert isinstance(decoded, Message)
    assert decoded.fingerprint == expected
