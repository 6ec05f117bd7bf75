"""What a frame is, and what its message is known by: contract §3, rule by rule."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from connector.logs import add_secret
from connector.mapping.decoder import Decoder, EncodeError
from connector.messages import Control, DeadLetter, Message
from connector.streams import STREAMS

NEWS, CONSENSUS, TRANSCRIPTS = (Decoder(STREAMS[name]) for name in ("news", "consensus", "transcripts"))
AT = "2025-01-23T17:01:14.179Z"


def frame(value: Any) -> bytes:
    return json.dumps(value).encode()


def fingerprint(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def message(value: Any, decoder: Decoder = NEWS) -> Message:
    decoded = decoder.decode(frame(value))
    assert isinstance(decoded, Message), decoded
    return decoded


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"id": 96942057, "content": {"id": 43165973}}, "43165973"),
        ({"id": 96942057, "content": {}}, "96942057"),
        ({"id": 96942057}, "96942057"),
        ({"id": 7, "content": {"id": ""}}, "7"),
        ({"id": 7, "content": {"id": 0}}, "7"),
        ({"id": 7, "content": {"id": None}}, "7"),
        ({"id": 7, "content": {"id": True}}, "7"),
        ({"id": 7, "content": {"id": [1]}}, "7"),
        ({"id": 7, "content": "x"}, "7"),
        ({"id": 7, "content": {"id": "a"}}, "a"),
        ({"id": 2**70}, str(2**70)),
        ({"id": 1e16}, "10000000000000000"),
        ({"id": 0}, None),
        ({"id": ""}, None),
        ({"id": "\ud800"}, None),
        ({}, None),
    ],
)
def test_record_id(data: Any, expected: str | None) -> None:
    found = message({"data": data})
    assert found.record_id == expected
    assert found.routing_text == (expected or found.message_id)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [("abc", "abc"), (5, "5"), (0, "0"), ("", None), (None, None), (True, None), ([], None), ("\ud800", None)],
)
def test_message_id_is_the_envelopes(sent: Any, expected: str | None) -> None:
    data = {"id": "r1", "action": "Created"}
    found = message({"id": sent, "data": data})
    assert found.has_feed_id is (expected is not None)
    assert found.message_id == (expected or f"r1:{fingerprint(data)[:16]}")


def test_message_id_without_any_id_is_the_fingerprint() -> None:
    found = message({"data": {"action": "Created"}})
    assert found.message_id == found.fingerprint == fingerprint({"action": "Created"})


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("Created", "created"), ("updated", "updated"), ("Removed", "deleted"), ("removed", "deleted"),
        ("DELETED", "deleted"), ("Frozen", "frozen"), ("", None), (None, None), (5, None), (["created"], None),
    ],
)  # fmt: skip
def test_action(sent: Any, expected: str | None) -> None:
    assert message({"data": {"action": sent}}).action == expected


def test_the_fingerprint_does_not_depend_on_spelling() -> None:
    one = NEWS.decode(b'{"data":{"b":[1,"\xc3\xa9"],"a":{"d":1.50,"c":"/"}}}')
    two = NEWS.decode(rb'{ "data" : {"a":{"c":"\/","d":1.5},"b":[1,"\u00e9"]} }')
    assert isinstance(one, Message)
    assert isinstance(two, Message)
    assert one.fingerprint == two.fingerprint == fingerprint({"a": {"c": "/", "d": 1.5}, "b": [1, "\u00e9"]})


@pytest.mark.parametrize("literal", ["1e16", "1e-5", "1E400", "0.12345678901234567890", "1e22", str(2**80), "-0.0"])
def test_the_fingerprint_of_odd_numbers_is_the_standard_librarys(literal: str) -> None:
    raw = f'{{"data":{{"x":{literal}}}}}'.encode()
    decoded = NEWS.decode(raw)
    assert isinstance(decoded, Message)
    assert decoded.fingerprint == fingerprint(json.loads(raw)["data"])


@pytest.mark.parametrize(
    ("decoder", "data", "text", "nanoseconds"),
    [
        (NEWS, {"timestamp": "2024-10-04T14:42:27.167526889Z"}, "2024-10-04T14:42:27.167526889Z", 1728052947167526889),
        (NEWS, {"timestamp": 1728052947}, "1728052947", 1728052947 * 10**9),
        (NEWS, {"timestamp": "soon"}, "soon", None),
        (NEWS, {"timestamp": ""}, None, None),
        (NEWS, {"timestamp": "0001-01-01T00:00:00Z"}, None, None),
        (NEWS, {"timestamp": {}}, None, None),
        (CONSENSUS, {"updated_at": "2026-01-05T19:42:36Z"}, "2026-01-05T19:42:36Z", 1767642156 * 10**9),
        (CONSENSUS, {"content": {"updated_at": "2026-01-05T19:42:36Z"}}, "2026-01-05T19:42:36Z", 1767642156 * 10**9),
        (CONSENSUS, {"timestamp": "2026-01-05T19:42:36Z"}, None, None),
    ],
)
def test_event_time(decoder: Decoder, data: Any, text: str | None, nanoseconds: int | None) -> None:
    found = message({"data": data}, decoder)
    assert found.event_time_text == text
    assert found.event_time == nanoseconds
    assert found.has_time is (nanoseconds is not None)


CONTROL = [
    ("ping", "ping"), ("pong", "pong"), (" pong\n", "pong"), ("123", "number"), ("0", "number"), ('"pong"', "pong"),
    ('"hello"', "string"), ('"Subscribed to MSM"', "subscribed"), ("Subscribed to MSM", "subscribed"),
    ('{"message":"Connected to the server","uid":"u"}', "greeting"), ('{"message":"Welcome on board"}', "status"),
    ('{"type":"authentication_error","message":"bad key","params":[]}', "error"), ('{"status":"error"}', "error"),
    ('{"type":"quota","message":"too many"}', "error"), ('{"error":{"code":1},"message":"no"}', "error"),
    ('{"action":"pong"}', "pong"), ('{"type":"ping"}', "ping"), ('{"event":"heartbeat","time":1}', "status"),
    ('{"status":"ok"}', "status"), ('{"action":"subscribe","ticker":"AAPL"}', "subscribed"),
    ('{"action":"list","tickers":[]}', "other"), ('{"data":null,"status":"ok"}', "status"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "type_"), CONTROL)
@pytest.mark.parametrize("decoder", [NEWS, TRANSCRIPTS], ids=["news", "transcripts"])
def test_control_frames(decoder: Decoder, text: str, type_: str) -> None:
    decoded = decoder.decode(text.encode())
    assert isinstance(decoded, Control), decoded
    assert decoded.type == type_


def test_control_text_is_short_and_without_secrets() -> None:
    add_secret("the-feeds-own-key")
    decoded = NEWS.decode(frame({"message": "key the-feeds-own-key token=abcdef " + "x" * 500, "type": "auth_error"}))
    assert isinstance(decoded, Control)
    assert len(decoded.text) <= 200
    assert "the-feeds-own-key" not in decoded.text
    assert "abcdef" not in decoded.text


@pytest.mark.parametrize("extra", [{}, {"transcript_id": "t"}, {"transcript_id": "t", "sequence": 1}])
def test_audio_events_never_show_their_url(extra: dict[str, Any]) -> None:
    url = "https://api.benzinga.com/hls?Key-Pair-Id=KEYPAIR&Signature=SIGNED"
    decoded = TRANSCRIPTS.decode(frame({"action": "audio", "symbol": "MSM", "call_id": "c1", "hls_url": url} | extra))
    assert decoded == Control("audio", "action=audio symbol=MSM call_id=c1")


def test_a_signed_url_in_a_sentence_is_masked() -> None:
    url = "https://api.benzinga.com/hls?Key-Pair-Id=KEYPAIR&Signature=SIGNED"
    encoded = TRANSCRIPTS.encode(message({"transcript_id": "t", "sequence": 1, "hls_url": url}, TRANSCRIPTS), 0)
    assert b"KEYPAIR" not in encoded.value
    assert b"SIGNED" not in encoded.value
    assert encoded.extras == 1


@pytest.mark.parametrize(
    ("decoder", "raw", "reason"),
    [
        (NEWS, b"", "not_json"), (NEWS, b"<html>", "not_json"), (NEWS, b'{"data":', "not_json"),
        (NEWS, b'{"data":{"x":NaN}}', "not_json"), (NEWS, b"\xff\xfe\xfd", "not_json"), (NEWS, b"Ping!", "not_json"),
        (NEWS, b"[]", "not_an_object"), (NEWS, b"null", "not_an_object"), (NEWS, b"true", "not_an_object"),
        (NEWS, b"-5", "not_an_object"), (NEWS, b"1.5", "not_an_object"), (NEWS, b"1e400", "not_an_object"),
        (NEWS, b"{}", "no_data"), (NEWS, b'{"id":"1"}', "no_data"), (NEWS, b'{"message":5}', "no_data"),
        (NEWS, b'{"data":[1],"message":"x"}', "no_data"), (NEWS, b'{"data":"x"}', "no_data"),
        (TRANSCRIPTS, b"{}", "no_data"), (TRANSCRIPTS, b'{"data":{}}', "no_data"),
        (TRANSCRIPTS, b'{"sentence":"x","sequence":1}', "no_data"),
        (TRANSCRIPTS, b'{"sentence":"x","transcript_id":"t"}', "no_data"),
        (TRANSCRIPTS, b'{"sentence":"x","transcript_id":"t","sequence":null,"message":"m"}', "no_data"),
        (TRANSCRIPTS, b'{"transcript_id":"t","sequence":1.5}', "no_data"),
        (TRANSCRIPTS, b'{"transcript_id":"","sequence":1}', "no_data"),
        (TRANSCRIPTS, b'{"transcript_id":0,"sequence":1}', "no_data"),
        (NEWS, b"[" * 5000, "schema"), (NEWS, b'{"data":{"x":' + b"[" * 200 + b"]" * 200 + b"}}", "schema"),
    ],
)  # fmt: skip
def test_dead_letters_keep_the_frame(decoder: Decoder, raw: bytes, reason: str) -> None:
    decoded = decoder.decode(raw)
    assert isinstance(decoded, DeadLetter), decoded
    assert decoded.reason == reason
    assert decoded.payload == raw
    assert not decoded.redacted
    assert decoded.fingerprint == hashlib.blake2b(raw, digest_size=16).hexdigest()
    assert decoded.detail


def test_dead_letters_hide_signed_urls() -> None:
    raw = rb'{"hls_url":"https://x.com/a?Key-Pair-Id=KEYPAIR\u0026Signature=SIGNED","sequence":1}'
    decoded = TRANSCRIPTS.decode(raw)
    assert isinstance(decoded, DeadLetter)
    assert decoded.redacted
    assert decoded.payload == b'{"hls_url":"***","sequence":1}'
    assert decoded.fingerprint == hashlib.blake2b(decoded.payload, digest_size=16).hexdigest()


@pytest.mark.parametrize(
    ("fields", "key", "ended"),
    [
        ({"transcript_id": "t", "sequence": 3, "sentence": "x"}, "t:3", False),
        ({"transcript_id": "t", "sequence": "3", "status": "IN_PROGRESS"}, "t:3", False),
        ({"transcript_id": 7, "sequence": 3.0, "status": "complete"}, "7:3", True),
        ({"transcript_id": "t", "sequence": 0, "sentence": "", "status": "COMPLETED"}, "t:0", True),
        ({"transcript_id": "t", "sequence": -1, "status": 5}, "t:-1", False),
        ({"transcript_id": "t", "sequence": 1, "sentence": "x", "action": "audio"}, "t:1", False),
    ],
)
def test_transcripts(fields: dict[str, Any], key: str, ended: bool) -> None:
    fields |= {"start_time": AT}
    found = message(fields, TRANSCRIPTS)
    assert found.message_id == key
    assert found.record_id == key.partition(":")[0]
    assert found.action == "sentence"
    assert found.event_time_text == AT
    assert found.fingerprint == hashlib.blake2b(frame(fields), digest_size=16).hexdigest()
    assert found.transcript is not None
    assert (found.transcript.transcript_id, found.transcript.sequence) == (
        key.partition(":")[0],
        int(key.split(":")[1]),
    )
    assert found.transcript.ended is ended


def test_a_message_of_another_making_is_an_encode_error() -> None:
    found = message({"data": {}})
    found.body = {"data": 5}
    with pytest.raises(EncodeError, match="news"):
        NEWS.encode(found, 0)
