"""The life of one call: when it closes and as what, and what its record says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fastavro
import msgspec
import pytest

from connector.mapping.datum import encoder_for
from connector.mapping.schemas import load_schema
from connector.processor.call import Call, JoinSettings
from connector.processor.transcript import Outcome
from connector.settings import ProcessorSettings
from tests.support.sentences import HOUR, MINUTE, SECOND, START, end, sentence

if TYPE_CHECKING:
    from connector.processor.sentence import Sentence

SETTINGS = JoinSettings.of(ProcessorSettings())


def call_of(*sentences: Sentence, settings: JoinSettings = SETTINGS) -> Call:
    call = Call.begin(sentences[0], settings)
    for offset, one in enumerate(sentences):
        call.add(msgspec.structs.replace(one, offset=100 + offset))
    return call


def published(*sentences: Sentence) -> dict[str, Any]:
    return call_of(*sentences).datum(START + HOUR)


def test_the_defaults_are_the_contracts() -> None:
    assert (SETTINGS.grace, SETTINGS.idle_timeout) == (10 * SECOND, 30 * MINUTE)
    assert (SETTINGS.max_duration, SETTINGS.keep_closed) == (12 * HOUR, 24 * HOUR)
    assert (SETTINGS.snapshot_sentences, SETTINGS.snapshot_interval) == (0, 0)


@pytest.mark.parametrize(
    ("sentences", "closes_at", "state"),
    [
        ([sentence(0)], 30 * MINUTE, "idle"),
        ([sentence(0), sentence(1, at=60)], 31 * MINUTE, "idle"),
        ([sentence(0), sentence(0, at=60)], 31 * MINUTE, "idle"),
        ([sentence(0, at=60), sentence(1, at=0)], 31 * MINUTE, "idle"),
        ([sentence(0), sentence(1, at=11.75 * 3600)], 12 * HOUR, "max_duration"),
        ([sentence(0), end(1, at=60)], 70 * SECOND, "complete"),
        ([sentence(0), end(1, at=60), sentence(2, at=65)], 70 * SECOND, "complete"),
        ([sentence(0), end(1, at=60), end(1, at=69)], 70 * SECOND, "complete"),
        ([sentence(0), end(0, "Sentence 0.", at=60)], 70 * SECOND, "complete"),
        ([sentence(0), end(1, "Good-bye.", status="completed", at=60)], 70 * SECOND, "complete"),
        ([sentence(0), end(1, at=12 * 3600 - 1)], 12 * HOUR + 9 * SECOND, "complete"),
    ],
)
def test_a_call_closes(sentences: list[Sentence], closes_at: int, state: str) -> None:
    call = call_of(*sentences)
    assert call.closing == (START + closes_at, state)
    effect = call.close(START + 24 * HOUR)
    assert (effect.reason, effect.datum["state"], effect.datum["revision"]) == (state, state, 1)
    assert call.entry.closed_at == START + closes_at
    assert call.deadline == START + closes_at + 24 * HOUR


def test_the_record_of_a_call() -> None:
    second = START + SECOND
    record = published(
        sentence(2, "Thank you  all.", speaker="Ann", start_time=second, end_time=second + 1_500_000, confidence=0.5),
        sentence(1, "Good\u00a0morning.", speaker="Bob", start_time=START, end_time=START + 250_000, confidence=1.0),
        sentence(4, "Hm.", speaker="Ann", start_time=second),
        sentence(5, "What?"),
        end(6, call_id="c", name="Apple", exchange="NASDAQ", isin="I", cusip="C", call_title="Q1", language="en"),
    )
    sentences = record.pop("sentences")
    assert record == {
        "transcript_id": "t", "call_id": "c", "symbol": "AAPL", "name": "Apple", "exchange": "NASDAQ", "isin": "I",
        "cusip": "C", "call_title": "Q1", "language": "en", "revision": 0, "state": "open",
        "started_at": START, "ended_at": second + 1_500_000, "published_at": START + HOUR,
        "sentence_count": 4, "first_sequence": 1, "last_sequence": 5,
        "missing": [{"first": 0, "last": 0}, {"first": 3, "last": 3}], "mean_confidence": 0.75,
        "speakers": [
            {"name": "Bob", "sentences": 1, "words": 2, "seconds": 0.25},
            {"name": "Ann", "sentences": 2, "words": 4, "seconds": 1.5},
            {"name": None, "sentences": 1, "words": 1, "seconds": 0.0},
        ],
        "text": "Good\u00a0morning. Thank you  all. Hm. What?",
        "source_partition": 3, "first_offset": 100, "last_offset": 104,
    }  # fmt: skip
    assert [one["sequence"] for one in sentences] == [1, 2, 4, 5]
    assert sentences[0] == {
        "sequence": 1, "speaker": "Bob", "text": "Good\u00a0morning.", "start_time": START, "end_time": START + 250_000,
        "confidence": 1.0,
    }  # fmt: skip


def test_the_record_is_what_the_schema_takes() -> None:
    schema = fastavro.parse_schema(load_schema("calls"))
    write = encoder_for("calls")
    for record in (published(sentence(0), sentence(5)), published(end(3))):
        assert fastavro.validate(record, schema)
        assert set(record) == {field["name"] for field in load_schema("calls")["fields"]}
        assert write(record)


def test_a_call_of_which_only_the_end_was_heard_says_what_is_missing() -> None:
    record = published(end(640))
    assert (record["sentence_count"], record["text"], record["sentences"]) == (0, "", [])
    assert record["missing"] == [{"first": 0, "last": 639}]
    assert (record["first_sequence"], record["mean_confidence"], record["started_at"]) == (None, None, None)


def test_a_hostile_sequence_makes_one_range() -> None:
    call = call_of(sentence(0), sentence(2**63 - 1), end(2**63 - 1))
    assert call.close(START + HOUR).missing == 2**63 - 2


def test_an_expired_call_takes_nothing_and_remembers_how_it_ended() -> None:
    call = call_of(sentence(0), end(1))
    call.close(START + MINUTE)
    call.entry.alerts = msgspec.Raw(b'{"fired":[]}')
    call.expire()
    assert call.add(sentence(1)) is Outcome.LATE
    assert (call.entry.state, call.entry.revision, bytes(call.entry.alerts)) == ("complete", 1, b"null")
    assert call.deadline == START + 10 * SECOND + SETTINGS.keep_closed + SETTINGS.remember


def test_ten_thousand_sentences_are_no_trouble() -> None:
    call = call_of(*(sentence(one, "We expect growth in the second half.") for one in reversed(range(10_000))))
    record = call.close(START + HOUR).datum
    assert (record["sentence_count"], record["missing"]) == (10_000, [])
    assert len(encoder_for("calls")(record)) < 20 * 1024 * 1024


def test_a_record_replayed_twice_counts_once() -> None:
    call = call_of(sentence(0))
    again = Call(msgspec.structs.replace(call.entry), 3, SETTINGS)
    for one in (sentence(0, offset=100), sentence(0, offset=100), sentence(1, offset=101), sentence(0, offset=100)):
        again.replay(one)
    again.replay(sentence(7, offset=99))
    assert again.transcript is not None
    assert (list(again.transcript.spoken), again.transcript.changes) == ([0, 1], 2)


def test_the_sentences_of_a_closed_call_have_to_be_loaded_first() -> None:
    call = call_of(sentence(0))
    call.close(START)
    call.unload()
    with pytest.raises(RuntimeError, match="not open"):
        call.close(START)
    for work in (lambda: call.add(sentence(1)), lambda: call.publish(START, "revised"), lambda: call.datum(START)):
        with pytest.raises(RuntimeError, match="not loaded"):
            work()
