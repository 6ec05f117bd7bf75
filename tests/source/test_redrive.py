"""What becomes of a dead letter: decided without Kafka."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import msgspec
import pytest

from connector.kafka import topics
from connector.settings import Settings
from connector.source.dead_letters import Letter, Mark, Place, is_marked
from connector.source.records import RecordBuilder
from connector.source.redrive import Outcome, Redriver
from connector.source.windows import EnvelopeWindow
from connector.streams import STREAMS

NOW = 1_770_000_000_000_000
RECEIVED = 1_767_628_057_123_456


def frame(message_id: str | None = "m1", title: str = "Title", **data: Any) -> bytes:
    data = {"action": "created", "id": 7, "timestamp": "2026-01-05T15:47:37Z", "content": {"title": title}} | data
    return json.dumps({"id": message_id, "api_version": "websocket/v1", "kind": "news", "data": data}).encode()


def letter(payload: bytes, offset: int = 0, *, redacted: bool = False) -> Letter:
    fingerprint = blake2b(payload, digest_size=16).hexdigest()
    return Letter(Place(1, offset), "news", "schema", "d", RECEIVED, fingerprint, redacted, payload)


@pytest.fixture
def redriver() -> Redriver:
    settings = Settings.model_validate({"topics": {"prefix": "p"}})
    names = ["news", topics.GAPS, topics.DEAD_LETTERS]
    partitions = {topics.topic_name(settings.topics, name): 6 for name in names}
    builder = RecordBuilder(STREAMS["news"], settings.topics, partitions, {"news": 1, "gaps": 2})
    return Redriver(STREAMS["news"], settings, builder, EnvelopeWindow(10))


def test_a_message_is_published_as_redriven_with_its_mark(redriver: Redriver) -> None:
    decision = redriver.decide(letter(frame()), NOW)
    assert (decision.outcome, decision.detail) == (Outcome.PUBLISHED, "m1")
    record, mark = decision.records
    assert (record.topic, record.key, record.timestamp) == ("p.news", b"m1", RECEIVED // 1000)
    assert ("benzinga-redriven", b"true") in record.headers
    assert "benzinga-replayed" not in dict(record.headers)
    assert (mark.topic, mark.key) == ("p.internal.redriven", b"1:0")
    assert msgspec.json.decode(mark.value) == {
        "stream": "news",
        "message_id": "m1",
        "outcome": "published",
        "redriven_at": NOW,
        "fingerprint": letter(frame()).fingerprint,
    }


def test_the_same_message_again_is_marked_and_not_published(redriver: Redriver) -> None:
    redriver.decide(letter(frame()), NOW)
    decision = redriver.decide(letter(frame() + b" ", 1), NOW)
    assert decision.outcome is Outcome.DUPLICATE
    assert [record.topic for record in decision.records] == ["p.internal.redriven"]


def test_another_content_under_a_known_id_is_published(redriver: Redriver) -> None:
    redriver.decide(letter(frame()), NOW)
    assert redriver.decide(letter(frame(title="Another"), 1), NOW).outcome is Outcome.PUBLISHED


@pytest.mark.parametrize(
    ("payload", "outcome", "detail"),
    [
        (b"\xff", Outcome.FAILING, "not_json"),
        (b"[1]", Outcome.FAILING, "not_an_object"),
        (b'{"data": 1}', Outcome.FAILING, "no_data"),
        (b'{"message": "hello"}', Outcome.NO_MESSAGE, "connection"),
    ],
)
def test_what_is_no_message_stays_unmarked(redriver: Redriver, payload: bytes, outcome: Outcome, detail: str) -> None:
    decision = redriver.decide(letter(payload), NOW)
    assert (decision.outcome, decision.records) == (outcome, [])
    assert detail in decision.detail


def test_a_redacted_letter_is_never_published(redriver: Redriver) -> None:
    decision = redriver.decide(letter(frame(), redacted=True), NOW)
    assert (decision.outcome, decision.records) == (Outcome.REDACTED, [])


def test_a_mark_is_for_the_letter_not_for_the_place() -> None:
    marked = letter(b"a")
    marks = {marked.place: Mark("news", "m", "published", NOW, marked.fingerprint)}
    assert is_marked(marked, marks)
    assert not is_marked(letter(b"b"), marks), "a topic that was made anew"
    assert not is_marked(letter(b"a", 1), marks)
