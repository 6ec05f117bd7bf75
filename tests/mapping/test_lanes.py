"""The fast lane and the general way give the same message, the same bytes and the same extras, whatever the frame."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from connector.mapping.decoder import Decoder
from connector.mapping.plain import PlainBody
from connector.mapping.schemas import load_schema
from connector.messages import Message
from connector.simulator import Oddities, source
from connector.streams import STREAMS, Protocol, Stream
from tests.support import json_frames
from tests.support.fuzzing import Fuzzer

RECEIVED_AT = 1_763_856_000_123_456
NOW = datetime(2026, 1, 5, 15, 47, 37, tzinfo=UTC)
ENVELOPED = [name for name, stream in STREAMS.items() if stream.protocol is Protocol.ENVELOPE]
many = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@cache
def fast(name: str) -> Decoder:
    return Decoder(STREAMS[name])


@cache
def general(name: str) -> Decoder:
    """A decoder that takes no frame for plain."""
    decoder = Decoder(STREAMS[name])
    decoder._mapping.plain_message = lambda frame: None  # type: ignore[method-assign]
    return decoder


def is_plain(decoded: object) -> bool:
    return isinstance(decoded, Message) and isinstance(decoded.body, PlainBody)


def same_either_way(name: str, frame: bytes) -> bool:
    """Compare both ways; whether the fast lane took the frame."""
    quick, slow = fast(name).decode(frame), general(name).decode(frame)
    plain = is_plain(quick)
    assert not is_plain(slow)
    if not isinstance(quick, Message) or not isinstance(slow, Message):
        assert quick == slow
        return False
    assert replace(quick, body=None) == replace(slow, body=None)
    one = fast(name).encode(quick, RECEIVED_AT)
    with patch.object(msgspec, "convert", side_effect=msgspec.ValidationError):  # parts of the general way's frames
        assert one == general(name).encode(slow, RECEIVED_AT)
    return plain


def _plain_value(type_: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one return a type
    match type_:
        case {"logicalType": "timestamp-micros"}:
            return json_frames.times
        case {"logicalType": "date"}:
            return st.dates().map(str) | st.just("")
        case {"type": "record", "fields": fields}:
            return plain_objects(fields)
        case {"type": "array", "items": {"fields": fields}}:
            return st.lists(plain_objects(fields), max_size=3)
        case {"type": "array"}:
            texts = st.text(max_size=9)
            return st.lists(texts) | texts | st.lists(st.fixed_dictionaries({"name": texts}))
        case "string":
            return st.text(max_size=60)
        case "long":
            return st.integers(-(2**63), 2**63 - 1)
        case "double":
            return st.floats(allow_nan=False, allow_infinity=False) | st.integers(-99, 99) | json_frames.literals
    return st.booleans()


def plain_objects(fields: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with values of the documented types, now and then under two names of one field."""
    options: dict[str, st.SearchStrategy[Any]] = {}
    for field in fields:
        if field.get("addedBy") == "connector":
            continue
        names = (field.get("feedName", field["name"]), *field.get("feedAliases", ()))
        kind = (
            st.none() if field.get("feedFormat") == "json" else _plain_value(field["type"][1]) | st.none() | st.just("")
        )
        options |= dict.fromkeys(names, kind)
    return st.fixed_dictionaries({}, optional=options)


def plain_frames(stream: Stream) -> st.SearchStrategy[bytes]:
    fields = load_schema(stream.name)["fields"]
    ids = st.integers(0, 9) | st.text(max_size=9) | st.none()
    if stream.protocol is Protocol.TRANSCRIPTS:
        required = st.fixed_dictionaries({"transcript_id": st.text(min_size=1), "sequence": st.integers(0, 99)})
        return st.builds(lambda one, two: json_frames.dumps(one | two), plain_objects(fields), required)
    content = plain_objects(next(field for field in fields if field["name"] == "content")["type"][1]["fields"])
    wrapper = {
        "action": st.sampled_from(["Created", "updated", "Removed", "Other", "", None]),
        "id": ids,
        stream.time_field: json_frames.times,
        "content": content | st.none(),
    }
    data = st.fixed_dictionaries({}, optional=wrapper)
    if stream.content_inline:
        data = st.builds(lambda one, two: one | two, content, data)
    frame = st.fixed_dictionaries({"data": data}, optional={"id": ids, "api_version": st.text(), "kind": st.text()})
    return frame.map(json_frames.dumps)


@pytest.mark.parametrize("name", STREAMS)
def test_plain_frames(name: str) -> None:
    taken = 0

    @many
    @given(plain_frames(STREAMS[name]))
    def run(frame: bytes) -> None:
        nonlocal taken
        taken += same_either_way(name, frame)

    run()
    assert taken > 20


@pytest.mark.parametrize("name", STREAMS)
@many
@given(data=st.data())
def test_any_frames(name: str, data: st.DataObject) -> None:
    same_either_way(name, data.draw(json_frames.frames(STREAMS[name])))


@pytest.mark.parametrize("name", STREAMS)
def test_frames_with_every_oddity_and_broken_ones(name: str) -> None:
    taken = sum(same_either_way(name, frame) for frame in Fuzzer(name, seed=3).frames(1_000))
    assert taken > 50


@pytest.mark.parametrize("variant_b", [False, True])
@pytest.mark.parametrize("name", STREAMS)
def test_usual_frames_take_the_fast_lane(name: str, *, variant_b: bool) -> None:
    oddities = Oddities(
        news_variant_b=variant_b, consensus_in_content=variant_b, action_case=True, missing_ids=True, zero_times=True,
        missing_values=True, key_order=True, spelling=True, fraction_digits=True, epoch_milliseconds=True,
        deletions_without_content=True, html_entities=True, undocumented_fields=True,
    )  # fmt: skip
    frames = source(name, 5, oddities)
    sent = [frames.next(NOW).text.encode() for _ in range(300)]
    messages = [frame for frame in sent if isinstance(general(name).decode(frame), Message)]
    taken = sum(same_either_way(name, frame) for frame in messages)
    assert len(messages) > 200
    assert taken > len(messages) * 0.9


CAPTURED = {
    "api_version": "websocket/v1",
    "kind": "News/v1",
    "data": {
        "action": "Removed", "id": 96_900_001, "timestamp": "2025-01-23T17:01:14.179Z",
        "content": {
            "id": 43165973, "title": "T", "authors": ["A", ""], "channels": [], "tags": None, "updated_at": 1737651673,
            "created_at": "2025-01-23T17:01:13.000Z", "image": [{"size": "thumb", "url": "u"}], "body": "<p>\u2028\x7f",
            "securities": [{"symbol": "EBC", "exchange": "NASDAQ", "primary": True}, {}],
        },
    },
}  # fmt: skip


def news(content: dict[str, Any], **data: Any) -> bytes:
    changed = CAPTURED["data"] | {"content": CAPTURED["data"]["content"] | content} | data  # type: ignore[operator, index]
    return json.dumps(CAPTURED | {"data": changed}).encode()


@pytest.mark.parametrize(
    ("change", "plain"),
    [
        ({}, True), ({"securities": []}, True), ({"authors": ["x" * 100]}, True), ({"id": 2**62}, True),
        ({"id": 2**63}, False), ({"created_at": "now"}, False), ({"authors": "A"}, True), ({"author": "B"}, False),
        ({"channels": [{"name": "WIIM"}, "News", {"name": ""}]}, True), ({"image": None}, True),
        ({"securities": [{"name": "X", "cusip": "C"}]}, True), ({"securities": [{"name": "X", "symbol": "Y"}]}, False),
        ({"stocks": None}, False), ({"title": "\ud800"}, False), ({"authors": ["\ud800"]}, False), ({"id": 1.0}, False),
        ({"securities": [{"primary": 1}]}, False), ({"updated_at": True}, False), ({"tags": [None]}, False),
        ({"tags": [{"name": "a", "id": 1}]}, False), ({"foo": None}, False), ({"image": "u"}, False),
    ],
)  # fmt: skip
def test_news_of_both_variants(change: dict[str, Any], *, plain: bool) -> None:
    assert same_either_way("news", news(change)) is plain


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        ({"consensus_rating_val": "3.212121212121212", "total_analyst_count": "3"}, True),
        ({"consensus_rating_val": "1.50"}, True), ({"consensus_rating_val": "1"}, True),
        ({"consensus_rating_val": "-0.0"}, True), ({"consensus_rating_val": "9007199254740993"}, False),
        ({"consensus_rating_val": "1e400"}, False), ({"consensus_rating_val": "1e-5"}, False),
        ({"consensus_rating_val": "0.00001"}, False), ({"consensus_rating_val": "1e16"}, False),
        ({"consensus_rating_val": "9007199254740993.5"}, False), ({"consensus_rating_val": "true"}, False),
        ({"consensus_rating_val": "{}"}, False), ({"consensus_rating_val": '"3.5"'}, False),
        ({"content": '{"ticker":"A","updated_at":"0001-01-01T00:00:00Z"}', "timestamp": "1736000000"}, True),
        ({"content": '{"ticker":"A"}', "ticker": '"B"'}, False), ({"content": "{}"}, True), ({"content": "null"}, True),
        ({"content": '{"ticker":"A"}', "symbol": '"A"'}, False), ({"content": '""', "ticker": '"A"'}, True),
        ({"updated_at": '"2024-10-04T14:42:27.167526889Z"'}, True), ({"updated_at": '"soon"'}, True),
        ({"consensus_rating_val": "[" * 200 + "]" * 200}, False),
    ],
)  # fmt: skip
def test_consensus_in_either_place(data: dict[str, str], *, plain: bool) -> None:
    members = ",".join(f'"{name}":{value}' for name, value in data.items())
    assert same_either_way("consensus", b'{"id":"u","data":{%b}}' % members.encode()) is plain


@pytest.mark.parametrize("name", ENVELOPED)
@pytest.mark.parametrize(
    "frame",
    [
        b'{"data":{}}', b'{"data":{"content":{}}}', b'{"data":{"id":0}}', b'{"data":{"id":5,"content":null}}',
        b'{"id":0,"data":{"content":{"id":null}}}', b'{"id":"","kind":null,"data":{"id":"a","id":"b"}}',
        b' {"data": {"action": "Odd", "timestamp": "", "id": ""}}\n', b'{"data":{"timestamp":"yesterday"}}',
        b'{"data":{"timestamp":"2024-10-04T14:42:27.167526889Z"}}', b'{"data":{"action":"CREATED"}}',
    ],
)  # fmt: skip
def test_wrappers(name: str, frame: bytes) -> None:
    assert same_either_way(name, frame) is True
