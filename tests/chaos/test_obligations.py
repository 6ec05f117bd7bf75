"""The oracle finds each thing that must not be, by name, and nothing where all is well."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import fastavro
import pytest

from connector.mapping.decoder import Decoder
from connector.mapping.schemas import load_schema
from connector.messages import Message
from connector.settings import TopicsSettings
from connector.simulator import SentFrame
from connector.source.records import RecordBuilder
from connector.streams import STREAMS
from tests.chaos.evidence import Case
from tests.chaos.obligations import check
from tests.support.consume import Record

NOW = 1_767_642_156_000_000
SECOND = 1_000_000
PARTITIONS = 3


def article(number: int) -> bytes:
    data = {"action": "Updated", "id": number % 2, "timestamp": f"2026-01-05T19:42:{number:02}Z"}
    return json.dumps({"id": f"m{number}", "data": data | {"content": {"id": f"r{number % 2}"}}}).encode()


def spoken(sequence: int, text: str = "We grow.", transcript: str = "t") -> bytes:
    frame = {"transcript_id": transcript, "sequence": sequence, "sentence": text, "status": "IN_PROGRESS"}
    return json.dumps(frame).encode()


def case(stream: str, frames: list[bytes], connections: list[int | None], attached: list[int]) -> Case:
    """Frame n is sent n seconds after NOW, on that connection, and each is on its topic."""
    sent = [
        SentFrame(stream, n, payload, sent_at=NOW + n * SECOND, delivered=c is not None, connection=c)
        for n, (payload, c) in enumerate(zip(frames, connections, strict=True))
    ]
    return Case(stream, sent, [NOW + at * SECOND for at in attached], records(stream, frames), partitions=PARTITIONS)


def records(stream: str, frames: list[bytes]) -> list[Record]:
    topics = {f"benzinga.{name}": PARTITIONS for name in (stream, "gaps", "dead-letters")}
    builder = RecordBuilder(STREAMS[stream], TopicsSettings(), topics, {stream: 7, "gaps": 8})
    decoder, found = Decoder(STREAMS[stream]), []
    for n, payload in enumerate(frames):
        message, at = decoder.decode(payload), NOW + n * SECOND + 1000
        assert isinstance(message, Message)
        value = decoder.encode(message, at).value
        made = builder.message(message, builder.partition(message), value, at, replayed=False, redriven=False)
        decoded: Any = fastavro.schemaless_reader(io.BytesIO(value), load_schema(stream), None)
        headers = {name: text.decode() for name, text in made.headers}
        found.append(Record(made.partition, n, made.key.decode(), headers, made.value, decoded, made.timestamp))
    return sorted(found, key=lambda record: (record.partition, record.offset))


def without(given: Case, *keys: str) -> Case:
    return replace(given, records=[record for record in given.records if record.key not in keys])


def names(given: Case) -> list[str]:
    return [violation.name for violation in check(given)]


@pytest.fixture
def news() -> Case:
    """Six on one connection, two while nobody is there, two on the next."""
    frames = [article(n) for n in range(10)]
    return case("news", frames, [0] * 6 + [None] * 2 + [1] * 2, [0, 8])


@pytest.fixture
def talk() -> Case:
    return case("transcripts", [spoken(n) for n in range(10)], [0] * 6 + [None] * 2 + [1] * 2, [0, 8])


def gap(reason: str, **fields: Any) -> dict[str, Any]:
    known = dict.fromkeys(("last_message_id", "last_event_time", "first_message_id", "first_event_time"))
    known |= dict.fromkeys(("transcript_id", "first_missing", "last_missing", "connected_at"))
    return known | {"reason": reason, "detected_at": NOW + 9 * SECOND} | fields


def test_all_is_well(news: Case, talk: Case) -> None:
    assert names(news) == []
    assert names(talk) == []


def test_what_was_received_must_be_there_whatever_a_gap_says(news: Case, talk: Case) -> None:
    excuse = gap("no_overlap", last_message_id="m0", first_message_id="m9")
    assert names(replace(without(news, "m3"), gaps=[excuse])) == ["lost"]
    told = gap("no_replay", transcript_id="t", connected_at=NOW + 8 * SECOND)
    assert names(replace(without(talk, "t:3"), gaps=[told])) == ["lost"]


def test_what_nobody_may_have_received_must_be_told_of(news: Case) -> None:
    missing = without(news, "m6", "m7")
    assert names(missing) == ["untold", "untold"]
    assert names(replace(missing, gaps=[gap("no_overlap", last_message_id="m5", first_message_id="m8")])) == []
    assert names(replace(missing, gaps=[gap("no_overlap", last_message_id="m6", first_message_id="m8")])) == ["untold"]
    assert names(replace(missing, gaps=[gap("too_large", last_message_id="m5")])) == ["untold", "untold"]


def test_the_end_of_a_connection_need_not_have_been_read(news: Case) -> None:
    cut_short = without(news, "m5", "m6", "m7")
    assert names(replace(cut_short, gaps=[gap("no_overlap", last_message_id="m4", first_message_id="m8")])) == []


def test_a_running_transcript_is_told_of_by_the_next_connection_that_was_read(talk: Case) -> None:
    missing = without(talk, "t:6", "t:7")
    assert names(missing) == ["untold", "untold"]
    for at, wanted in ((8, []), (5, ["untold", "untold"]), (9, ["untold", "untold"])):
        told = gap("no_replay", transcript_id="t", connected_at=NOW + at * SECOND)
        assert names(replace(missing, gaps=[told])) == wanted
    assert names(replace(missing, gaps=[gap("sequence", transcript_id="t", first_missing=6, last_missing=7)])) == []


def test_of_a_transcript_that_nobody_had_heard_of_nothing_is_owed(talk: Case) -> None:
    frames = [spoken(n) for n in range(6)] + [spoken(n, transcript="new") for n in range(2)] + [spoken(6), spoken(7)]
    given = case("transcripts", frames, [0] * 6 + [None] * 2 + [1] * 2, [0, 8])
    assert names(without(given, "new:0", "new:1")) == []


def test_twice_invented_and_altered(news: Case, talk: Case) -> None:
    again = replace(news.records[0], offset=99)
    assert names(replace(news, records=[*news.records, again])) == ["twice", "order"]
    second = replace(talk.records[-1], offset=99)
    assert names(replace(talk, records=[*talk.records, second])) == ["twice"]
    [stranger] = records("news", [article(42)])
    assert names(replace(news, records=[*news.records, stranger])) == ["invented"]
    other = replace(news.records[0], value=records("news", [article(42)])[0].value)
    assert names(replace(news, records=[other, *news.records[1:]])) == ["altered"]
    moved = replace(news.records[0], partition=(news.records[0].partition + 1) % PARTITIONS)
    assert "altered" in names(replace(news, records=[moved, *news.records[1:]]))


def test_the_order_of_a_records_messages_and_of_a_sentences_versions(news: Case) -> None:
    mixed = list(news.records)
    mixed[0], mixed[1] = mixed[1], mixed[0]
    assert names(replace(news, records=mixed)) == ["order"]
    versions = [spoken(0, "A"), spoken(0, "B"), spoken(0, "A"), spoken(0, "A")]
    talk = case("transcripts", versions, [0] * 4, [0])
    right = list(talk.records[:3])
    assert names(replace(talk, records=right)) == []
    assert names(replace(talk, records=[right[1], right[0], right[1]])) == ["twice"]
    assert names(replace(talk, records=[right[1], right[0]])) in (["order"], ["lost"])


def test_garbage_is_kept_once(news: Case) -> None:
    junk = SentFrame("news", 10, b"<html>", "garbage", sent_at=NOW, delivered=True, connection=0)
    sent = [junk, *news.sent]
    letter = replace(news.records[0], key="news", headers={}, value=b"<html>", decoded=None)
    assert names(replace(news, sent=sent)) == ["lost"]
    assert names(replace(news, sent=sent, letters=[letter])) == []
    assert names(replace(news, sent=sent, letters=[letter, letter])) == ["twice"]
    assert names(replace(news, letters=[letter])) == ["invented"]
