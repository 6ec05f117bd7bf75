"""A million broken frames: nothing raises, every record is valid, nothing is lost.

A part of them runs with every test run, the whole with `pytest --exhaustive tests/mapping/test_fuzz.py`.
"""

from __future__ import annotations

import io
from collections import Counter

import fastavro
import pytest

from connector.mapping.decoder import Decoder
from connector.mapping.schemas import load_schema
from connector.messages import Control, DeadLetter, Message
from connector.streams import STREAMS, Protocol, Stream
from tests.support.fuzzing import Fuzzer
from tests.support.lossless import Comparison, read

RECEIVED_AT = 1_763_856_000_000_000


def fuzz(stream: Stream, seed: int, count: int, compare_every: int) -> Counter[str]:
    """Run `count` frames, compare one in `compare_every` in full; how often what came out."""
    decoder, schema = Decoder(stream), load_schema(stream.name)
    parsed = fastavro.parse_schema(load_schema(stream.name))
    seen: Counter[str] = Counter()
    for number, frame in enumerate(Fuzzer(stream.name, seed).frames(count)):
        decoded = decoder.decode(frame)
        seen[type(decoded).__name__] += 1
        if not isinstance(decoded, Message):
            assert isinstance(decoded, Control | DeadLetter)
            continue
        encoded = decoder.encode(decoded, RECEIVED_AT)
        seen["extras"] += encoded.extras
        if number % compare_every:
            if number % 10 == 0:
                fastavro.schemaless_reader(io.BytesIO(encoded.value), parsed, None)
            continue
        if b"Signature" in frame or b"token" in frame:
            continue  # masked in extras
        comparison = Comparison(frame, read(encoded.value, schema), schema)
        if stream.protocol is Protocol.TRANSCRIPTS:
            comparison.check_transcript()
        else:
            comparison.check_envelope(inline=stream.content_inline, time_field=stream.time_field)
    return seen


@pytest.mark.parametrize("name", STREAMS)
def test_a_part_of_the_fuzz(name: str) -> None:
    seen = fuzz(STREAMS[name], seed=1, count=4_000, compare_every=10)
    assert seen["Message"] > 1_000
    assert seen["DeadLetter"] > 200
    assert seen["extras"] > 500


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", STREAMS)
def test_the_whole_fuzz(name: str) -> None:
    count = -(-1_000_000 // len(STREAMS))
    assert fuzz(STREAMS[name], seed=2, count=count, compare_every=100)["Message"] > count // 3
