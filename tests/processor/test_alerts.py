"""When a rule fires, when not, and what its alert says."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import fastavro
import pytest

from connector.errors import DecodeError
from connector.mapping.datum import encoder_for
from connector.mapping.schemas import load_schema
from connector.processor.reader import Word
from tests.support.alerting import NOW, SECOND, Listener, rule_set

if TYPE_CHECKING:
    from collections.abc import Sequence

CUT = {"id": "guidance-cut", "any": ["lower guidance", "guidance"], "severity": "high", "tags": ["guidance"]}
START = NOW - 60 * SECOND


def test_an_alert_says_all_there_is_to_say() -> None:
    rules = rule_set({"id": "guidance-cut", "any": ["lower guidance"], "severity": "high", "tags": ["guidance"]})
    listener = Listener(rules, lambda _: [Word("We", 10, 90, None), Word("lower", 100, 400, None)])
    about = {"call_id": "c", "symbol": "AAPL", "name": "Apple", "call_title": "Q3", "speaker": "Tim, CEO"}
    listener.hear(6, "Before.", **about)
    listener.hear(8, "Guidance, for now.", start_time=START + SECOND, confidence=0.7, **about)
    listener.hear(9, "End.", **about)
    (alert,) = listener.hear(7, "We lower", start_time=START, confidence=0.5, value=b"words", **about)
    assert alert == {
        "alert_id": alert["alert_id"],
        "rule_id": "guidance-cut",
        "rules_version": rules.version,
        "severity": "high",
        "tags": ("guidance",),
        "term": "lower guidance",
        "matched_text": "lower Guidance",
        "hits": [{"term": "lower guidance", "matched_text": "lower Guidance", "start": 0, "end": 8}],
        "transcript_id": "t",
        **about,
        "sequences": [7, 8],
        "sentence": "Guidance, for now.",
        "before": "We lower",
        "after": "End.",
        "spoken_at": START + 100_000,
        "confidence": 0.5,
        "sentence_received_at": NOW + SECOND,
        "detected_at": NOW,
        "suppressed_before": 0,
    }


def test_the_datum_fits_the_schema_as_a_generic_reader_has_it() -> None:
    listener = Listener(rule_set(CUT))
    (alert,) = listener.hear(0, "guidance \u00fc", start_time=START, confidence=0.5)
    schema = load_schema("alerts")
    read: Any = fastavro.schemaless_reader(
        io.BytesIO(encoder_for("alerts")(alert)), fastavro.parse_schema(schema), None
    )
    assert set(read) == {field["name"] for field in schema["fields"]} == set(alert)
    assert (read["rule_id"], read["hits"], read["tags"]) == ("guidance-cut", alert["hits"], ["guidance"])


def test_the_id_is_made_of_transcript_sentence_and_rule() -> None:
    ids = [Listener(rule_set(CUT)).hear(7, text)[0]["alert_id"] for text in ("guidance", "lower guidance")]
    assert ids == [ids[0]] * 2
    assert len(ids[0]) == 32
    assert Listener(rule_set(CUT)).hear(8, "guidance")[0]["alert_id"] != ids[0]
    assert Listener(rule_set(CUT | {"id": "x"})).hear(7, "guidance")[0]["alert_id"] != ids[0]


@pytest.mark.parametrize(
    ("rule", "sentences", "expected"),
    [
        ({"any": ["a"], "all": ["b"]}, ["b", "a"], [1]),
        ({"any": ["a"], "all": ["b"]}, ["a", "b"], []),
        ({"any": ["a"], "all": ["b"]}, ["b", "x", "a"], []),
        ({"any": ["a"], "all": ["b"], "window": 2}, ["b", "x", "a"], [2]),
        ({"any": ["a"], "all": ["b"], "window": 0}, ["b", "a", "a b"], [2]),
        ({"any": ["a"], "all": ["b", "c"], "window": 2}, ["b", "c", "a", "a"], [2]),
        ({"all": ["a", "b"]}, ["a", "b", "x"], [1]),
        ({"all": ["a", "b"]}, ["a b", "x"], [0]),
        ({"any": ["a"], "none": ["no a"]}, ["no a", "a", "a"], [2]),
        ({"any": ["a"], "none": ["n"], "window": 0}, ["n", "a"], [1]),
        ({"any": ["a"], "none": ["n"]}, ["a", "n"], [0]),
        ({"any": ["lower guidance"], "none": ["not lower"]}, ["We do not", "lower guidance"], []),
        ({"regex": ["A"], "all": ["b"]}, ["b", "a", "b", "A"], [3]),
        ({"any": ["a"], "regex": ["B"]}, ["a", "B", "b"], [0, 1]),
    ],
)  # fmt: skip
def test_what_makes_a_rule_fire(rule: dict[str, Any], sentences: list[str], expected: list[int]) -> None:
    listener = Listener(rule_set(rule))
    fired = [sequence for sequence, text in enumerate(sentences) if listener.hear(sequence, text)]
    assert fired == expected


def test_what_is_not_known_yet_is_not_asked_again() -> None:
    listener = Listener(rule_set({"any": ["a"], "all": ["b"]}))
    assert listener.hear(1, "a") == []
    assert listener.hear(0, "b") == []


def test_a_missing_sentence_takes_its_place_in_the_window_one_without_text_does_not() -> None:
    rule = {"any": ["a"], "all": ["b"], "window": 1}
    listener = Listener(rule_set(rule))
    listener.hear(0, "b")
    assert listener.hear(2, "a") == []
    listener = Listener(rule_set(rule))
    listener.hear(0, "b")
    listener.hear(1, None)
    assert len(listener.hear(2, "a")) == 1


@pytest.mark.parametrize(
    ("rule", "fields", "fires"),
    [
        ({}, {}, True),
        ({"symbols": ["AAPL", "MSFT"]}, {"symbol": "MSFT"}, True),
        ({"symbols": ["aapl"]}, {"symbol": "AAPL"}, True),
        ({"symbols": ["AAPL"]}, {"symbol": "AAP"}, False),
        ({"symbols": ["AAPL"]}, {}, False),
        ({"speakers": ["*CEO*"]}, {"speaker": "Tim Cook, CEO"}, True),
        ({"speakers": ["*ceo*", "x"]}, {"speaker": "Tim Cook, CEO"}, True),
        ({"speakers": ["CEO"]}, {"speaker": "Tim Cook, CEO"}, False),
        ({"speakers": ["[!O]*"]}, {"speaker": "Operator"}, False),
        ({"speakers": ["*CEO*"]}, {}, False),
        ({"speakers": ["*"]}, {}, True),
        ({"min_confidence": 0.5}, {"confidence": 0.5}, True),
        ({"min_confidence": 0.5}, {"confidence": 0.4}, False),
        ({"min_confidence": 0.5}, {"confidence": 0.0}, False),
        ({"min_confidence": 1}, {}, True),
    ],
)
def test_whom_a_rule_listens_to(rule: dict[str, Any], fields: dict[str, Any], fires: bool) -> None:
    assert bool(Listener(rule_set({"any": ["a"]} | rule)).hear(0, "a", **fields)) is fires


def test_the_confidence_is_the_lowest_of_the_sentences_a_hit_is_in() -> None:
    rules = rule_set({"any": ["lower guidance", "outlook"], "min_confidence": 0.5})
    listener = Listener(rules)
    listener.hear(0, "lower", confidence=0.4)
    assert listener.hear(1, "guidance", confidence=0.9) == []
    listener.hear(2, "lower", confidence=0.4)
    (alert,) = listener.hear(3, "guidance outlook", confidence=0.9)
    assert ([hit["term"] for hit in alert["hits"]], alert["confidence"], alert["sequences"]) == (["outlook"], 0.9, [3])


def test_whichever_half_comes_first() -> None:
    rules = rule_set({"any": ["lower guidance"]})
    for order in ([(0, "We lower"), (1, "guidance")], [(1, "guidance"), (0, "We lower")]):
        listener = Listener(rules)
        alerts = [alert for sequence, text in order for alert in listener.hear(sequence, text)]
        assert [(alert["sequences"], alert["sentence"], alert["before"]) for alert in alerts] == [
            ([0, 1], "guidance", "We lower")
        ]


def test_the_middle_of_a_phrase_may_come_last() -> None:
    listener = Listener(rule_set({"any": ["lower our full year guidance"]}))
    assert not listener.hear(2, "year guidance")
    assert not listener.hear(0, "We lower")
    (alert,) = listener.hear(1, "our full")
    assert alert["sequences"] == [0, 1, 2]


def test_a_correction_is_looked_at_again_and_fires_nothing_twice() -> None:
    listener = Listener(rule_set({"id": "cut", "any": ["guidance"]}, {"id": "up", "any": ["raise"]}))
    assert [alert["rule_id"] for alert in listener.hear(0, "Guidance")] == ["cut"]
    assert listener.hear(0, "Guidance") == []
    assert [alert["rule_id"] for alert in listener.hear(0, "We raise guidance")] == ["up"]
    assert listener.hear(0, "We raise our guidance") == []
    assert listener.hear(0, "lower") == []


def test_a_correction_may_begin_a_phrase_that_ends_in_the_next_sentence() -> None:
    listener = Listener(rule_set({"any": ["lower guidance"]}))
    listener.hear(0, "We lowered")
    assert listener.hear(1, "guidance") == []
    (alert,) = listener.hear(0, "We lower")
    assert (alert["sequences"], alert["sentence"]) == ([0, 1], "guidance")


def test_an_older_version_changes_nothing() -> None:
    listener = Listener(rule_set({"any": ["guidance"]}))
    listener.hear(0, "x", created_time=2)
    assert listener.hear(0, "guidance", created_time=1) == []


def test_the_cooldown_holds_back_and_says_so() -> None:
    rule = {"id": "r", "any": ["a"], "cooldown": "10s"}
    listener = Listener(rule_set(rule))
    at = [0, 1, 9.999999, 10, 11, 30]
    alerts = [listener.hear(n, "a", received_at=NOW + int(second * SECOND)) for n, second in enumerate(at)]
    assert [[alert["suppressed_before"] for alert in found] for found in alerts] == [[0], [], [], [2], [], [1]]
    assert listener.suppressed == ["r"] * 3


def test_the_cooldown_survives_a_restart() -> None:
    listener = Listener(rule_set({"any": ["a"], "cooldown": "10s"}))
    alerts = []
    for sequence in range(13):
        alerts += listener.hear(sequence, "a")
        listener.restart()
    assert [(alert["sequences"], alert["suppressed_before"]) for alert in alerts] == [([0], 0), ([10], 9)]


def test_what_was_held_back_may_fire_once_it_is_corrected_later() -> None:
    listener = Listener(rule_set({"any": ["a"], "cooldown": "10s"}))
    listener.hear(0, "a", received_at=NOW)
    assert listener.hear(1, "a", received_at=NOW + SECOND) == []
    assert listener.hear(1, "a, a", received_at=NOW + 2 * SECOND) == []
    assert len(listener.suppressed) == 1
    (alert,) = listener.hear(1, "a b", received_at=NOW + 20 * SECOND)
    assert alert["suppressed_before"] == 0


def test_rules_and_transcripts_cool_down_by_themselves() -> None:
    rules = rule_set({"any": ["a"], "cooldown": "1h"}, {"any": ["b"], "cooldown": "1h"})
    listener, other = Listener(rules), Listener(rules)
    assert len(listener.hear(0, "a")) == len(listener.hear(1, "b")) == len(other.hear(0, "a")) == 1


def test_a_rules_change_counts_from_the_next_sentence_also_for_what_was_said_before() -> None:
    listener = Listener(rule_set({"any": ["x"]}))
    listener.hear(0, "we lower")
    listener.engine.rules = rule_set({"any": ["lower guidance"]})
    (alert,) = listener.hear(1, "guidance")
    assert alert["sequences"] == [0, 1]


def test_nothing_is_remembered_where_nothing_fired() -> None:
    listener = Listener(rule_set({"any": ["a"]}))
    listener.hear(0, "b")
    assert listener.remembered == b"null"


class TestSpokenAt:
    """From the word timings of the sentence a hit begins in, where they are at hand."""

    words = (Word("So", 0, 90, None), Word("guidance,", 250, 400, None), Word(None, 1, 2, None))

    def listen(self, *sentences: dict[str, Any], words: Sequence[Word] = words) -> dict[str, Any]:
        """The only alert of some sentences."""
        listener = Listener(rule_set({"any": ["guidance now", "guidance"], "cooldown": "1h"}), lambda _: words)
        (alert,) = [found for n, fields in enumerate(sentences) for found in listener.hear(n, **fields)]
        return alert

    def test_by_the_words(self) -> None:
        assert (
            self.listen({"text": "So guidance, now", "start_time": START, "value": b"x"})["spoken_at"]
            == START + 250_000
        )

    def test_without_words_it_is_the_sentences_start(self) -> None:
        assert self.listen({"text": "guidance", "start_time": START})["spoken_at"] == START
        assert self.listen({"text": "guidance", "start_time": START, "value": b"x"}, words=())["spoken_at"] == START

    def test_without_a_start_there_is_none(self) -> None:
        assert self.listen({"text": "So guidance", "value": b"x"})["spoken_at"] is None

    def test_words_that_cannot_be_read_do_not_lose_the_alert(self) -> None:
        def broken(_: bytes) -> list[Word]:
            raise DecodeError("broken")

        listener = Listener(rule_set({"any": ["a"]}), broken)
        (alert,) = listener.hear(0, "a", start_time=START, value=b"x")
        assert alert["spoken_at"] == START

    def test_words_are_read_only_where_something_hits(self) -> None:
        asked: list[bytes] = []
        listener = Listener(rule_set({"any": ["a b"]}), lambda value: asked.append(value) or [])  # type: ignore[func-returns-value]
        listener.hear(0, "x a", start_time=START, value=b"first")
        assert asked == []
        listener.hear(1, "b", start_time=START, value=b"second")
        assert asked == [b"first"]
