"""The second writing of the identity rules against the first: they must agree on every oddity of the feed."""

from __future__ import annotations

import io
import json

import fastavro
import pytest

from connector.demo.content import unsaid
from connector.demo.identity import of_envelope, of_sentence
from connector.kafka.decoding import plain
from connector.mapping.decoder import Decoder
from connector.mapping.schemas import load_schema
from connector.messages import Message
from connector.simulator import Oddities, generate
from connector.streams import STREAMS


@pytest.mark.parametrize("name", STREAMS)
def test_both_writings_agree_and_records_say_what_frames_said(name: str) -> None:
    stream, decoder = STREAMS[name], Decoder(STREAMS[name])
    schema = fastavro.parse_schema(load_schema(name))
    compared = 0
    for generated in generate(name, 400, seed=11, oddities=Oddities.all()):
        frame = generated.text.encode()
        message = decoder.decode(frame)
        if not isinstance(message, Message):
            continue
        identity = of_envelope(frame, stream.time_field) if stream.has_replay else of_sentence(frame)
        assert (identity.key, identity.fingerprint) == (message.message_id, message.fingerprint)
        assert identity.timed == (stream.has_replay and message.has_time)

        body = io.BytesIO(decoder.encode(message, 1).value)
        record = plain(fastavro.schemaless_reader(body, schema, None))
        assert unsaid(frame, record, envelope=stream.has_replay) == []
        compared += 1
    assert compared > 300


FRAME = {"id": "m1", "data": {"action": "Created", "id": "r1", "content": {"title": "Up 5%", "n": 7, "tags": ["a"]}}}
RECORD = {"record_id": "r1", "content": {"title": "Up 5%", "n": "7.0", "tags": ["a"]}, "extras": {}}


def test_a_record_that_says_it_all_is_fine_whatever_the_form_of_its_numbers() -> None:
    assert unsaid(json.dumps(FRAME).encode(), RECORD, envelope=True) == []


@pytest.mark.parametrize(
    ("content", "lost"),
    [
        ({"title": "Up 50%", "n": 7, "tags": ["a"]}, "Up 5%"),
        ({"title": "Up 5%", "n": 70, "tags": ["a"]}, "7"),
        ({"title": "Up 5%", "n": 7, "tags": []}, "a"),
    ],
)
def test_what_was_altered_or_lost_is_told(content: object, lost: str) -> None:
    assert unsaid(json.dumps(FRAME).encode(), RECORD | {"content": content}, envelope=True) == [lost]
