"""The oracle of calls and alerts finds what is wrong, and its naive search agrees with the processor's."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import fastavro
import pytest

from connector.demo.calls_oracle import CallsFinding, CallsOracle
from connector.demo.naive_alerts import Expected, NaiveAlerts, pattern
from connector.demo.naive_join import NaiveJoin
from connector.demo.rules import rules_file
from connector.kafka.decoding import plain
from connector.mapping.decoder import Decoder
from connector.mapping.schemas import load_schema
from connector.messages import Message
from connector.processor.rules import load_rules
from connector.processor.trial import Trial
from connector.simulator import Oddities, generate
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IDLE = 15.0
RULES = """
rules:
  - {id: cut, any: [lower guidance], severity: high}
"""


def frame(sequence: int, text: str = "We lower guidance.", **members: Any) -> bytes:
    return json.dumps({"transcript_id": "t1", "sequence": sequence, "sentence": text} | members).encode()


def record(sequence: int, text: str = "We lower guidance.", **members: Any) -> dict[str, Any]:
    names = ("symbol", "speaker", "confidence", "start_time", "end_time", "created_time", "status")
    received = {"received_at": f"2026-01-05T15:00:{sequence:02d}Z"}
    return {"transcript_id": "t1", "sequence": sequence, "sentence": text} | dict.fromkeys(names) | received | members


def revision(number: int, *texts: str, state: str = "complete", missing: Any = (), **members: Any) -> dict[str, Any]:
    sentences = [{"sequence": sequence, "text": text} for sequence, text in enumerate(texts)]
    return {
        "transcript_id": "t1",
        "revision": number,
        "state": state,
        "text": " ".join(texts),
        "sentences": sentences,
        "sentence_count": len(sentences),
        "missing": list(missing),
    } | members


def alert(**members: Any) -> dict[str, Any]:
    return {
        "alert_id": "a1",
        "transcript_id": "t1",
        "rule_id": "cut",
        "severity": "high",
        "sentence": "We lower guidance.",
        "sequences": [0],
        "suppressed_before": 0,
        "hits": [{"matched_text": "lower guidance", "start": 3, "end": 17}],
    } | members


class Case:
    """Two sentences and the end of a call, and an oracle to show records to."""

    def __init__(self, folder: Path, *frames: tuple[float, bytes]) -> None:
        joined = NaiveJoin()
        for sent_at, payload in frames or (
            (0, frame(0)),
            (1, frame(1, "Thanks.")),
            (2, frame(2, "", status="COMPLETE")),
        ):
            joined.add(payload, sent_at)
        rules = folder / "rules.yaml"
        rules.write_text(RULES)
        self.oracle = CallsOracle(joined, NaiveAlerts(rules), IDLE)

    def show(self, *calls: dict[str, Any], alerts: tuple[dict[str, Any], ...] = ()) -> CallsFinding:
        for call in calls:
            self.oracle.call(call["transcript_id"], call)
        for one in alerts:
            self.oracle.alert(one["alert_id"], one)
        return self.oracle.finding()


def test_a_call_that_grew_and_closed_with_its_alert_is_good(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.oracle.sentence(record(0))
    case.oracle.sentence(record(1, "Thanks."))
    finding = case.show(
        revision(1, "We lower guidance.", state="open"),
        revision(2, "We lower guidance.", "Thanks."),
        alerts=(alert(),),
    )

    assert finding.good
    assert (finding.wanted, finding.closed, finding.revisions, finding.alerts) == (1, 1, 2, 1)


@pytest.mark.parametrize(
    ("last", "wrong"),
    [
        (revision(1, "We lower guidance.", "Thanks."), 0),
        (revision(1, "We lower guidance."), 1),
        (revision(1, "We lower guidance.", "Thanks!"), 1),
        (revision(1, "We lower guidance.", "Thanks.", state="open"), 1),
        (revision(1, "We lower guidance.", "Thanks.", state="idle"), 1),
        (revision(1, "We lower guidance.", "Thanks.", missing=[{"first": 5, "last": 5}]), 1),
        (revision(1, "We lower guidance.", "Thanks.", sentence_count=3), 1),
    ],
)
def test_the_last_revision_must_say_all_that_was_sent(tmp_path: Path, last: dict[str, Any], wrong: int) -> None:
    assert Case(tmp_path).show(last).wrong == wrong


def test_a_hole_must_be_told(tmp_path: Path) -> None:
    case = Case(tmp_path, (0, frame(1, "Thanks.")), (1, frame(4, "", status="COMPLETED")))
    holes = [{"first": 0, "last": 0}, {"first": 2, "last": 3}]
    call = revision(1, "Thanks.", missing=holes, sentences=[{"sequence": 1, "text": "Thanks."}])

    assert case.show(call).good


def test_a_correction_holds_unless_it_is_older(tmp_path: Path) -> None:
    frames = (
        (0.0, frame(0, "We shrank.", created_time="2026-01-05T15:00:02Z")),
        (1.0, frame(0, "We grew.", created_time="2026-01-05T15:00:03Z")),
        (2.0, frame(0, "We knew.", created_time="2026-01-05T15:00:01Z")),
    )
    assert Case(tmp_path, *frames).show(revision(1, "We grew.", state="open")).good


@pytest.mark.parametrize(("silence", "good"), [(20.0, True), (5.0, False)])
def test_idle_is_right_only_after_a_silence(tmp_path: Path, silence: float, *, good: bool) -> None:
    case = Case(tmp_path, (0, frame(0, "Thanks.")), (silence, frame(1, "", status="COMPLETE")))

    assert case.show(revision(1, "Thanks.", state="idle")).good is good


def test_missing_and_invented_calls_are_counted(tmp_path: Path) -> None:
    finding = Case(tmp_path).show(revision(1, "Hello.") | {"transcript_id": "t2"})

    assert (finding.missing, finding.invented) == (1, 1)
    assert not finding.good


@pytest.mark.parametrize("numbers", [(1, 1), (1, 3), (2, 3)])
def test_revisions_count_up_from_one(tmp_path: Path, numbers: tuple[int, int]) -> None:
    finding = Case(tmp_path).show(*(revision(number, "We lower guidance.", "Thanks.") for number in numbers))

    assert finding.miscounted >= 1
    assert not finding.good


@pytest.mark.parametrize(
    ("alerts", "counts"),
    [
        ((), (1, 0, 0)),
        ((alert(), alert()), (0, 1, 1)),
        ((alert(), alert(alert_id="a2", rule_id="raise")), (0, 0, 1)),
        ((alert(severity="low"),), (1, 0, 1)),
        ((alert(hits=[{"matched_text": "lower guidance", "start": 2, "end": 17}]),), (0, 0, 1)),
    ],
)
def test_alerts_that_are_missing_twice_or_wrong_are_counted(
    tmp_path: Path, alerts: tuple[dict[str, Any], ...], counts: tuple[int, int, int]
) -> None:
    case = Case(tmp_path)
    case.oracle.sentence(record(0))
    finding = case.show(revision(1, "We lower guidance.", "Thanks."), alerts=alerts)

    assert (finding.alerts_missing, finding.alerts_twice, finding.alerts_wrong) == counts
    assert not finding.good


@pytest.mark.parametrize(
    ("term", "said", "hits"),
    [
        ("lower guidance", "We LOWER,\nguidance.", True),
        ("lower guidance", "We flower guidance.", False),
        ("write-down", "a write down", True),
        ("write-down", "a writedown", True),
        ("M&A", "on M&A today", True),
        ("M&A", "on M A today", False),
        ("M A", "on M&A today", False),
        ("buy-back", "a buybacks", False),
    ],
)
def test_terms(term: str, said: str, *, hits: bool) -> None:
    assert bool(pattern(term).search(said)) is hits


def records(count: int) -> Iterator[dict[str, Any]]:
    decoder = Decoder(STREAMS["transcripts"])
    schema = fastavro.parse_schema(load_schema("transcripts"))
    frames = generate("transcripts", count, seed=4, oddities=Oddities.all(), calls=12)
    for number, generated in enumerate(frames):
        message = decoder.decode(generated.text.encode())
        if isinstance(message, Message):
            body = io.BytesIO(decoder.encode(message, 1_767_600_000_000_000 + number * 300_000).value)
            yield plain(fastavro.schemaless_reader(body, schema, None))


def test_the_naive_search_agrees_with_the_processor_on_the_rules_of_the_demo() -> None:
    naive, trial = NaiveAlerts(rules_file()), Trial(load_rules(rules_file()))
    wanted: list[Expected] = []
    found: list[Expected] = []
    for number, value in enumerate(records(4000)):
        wanted += naive.add(value)
        line = json.dumps({"topic": "benzinga.transcripts", "value": value}).encode()
        found += [
            Expected(
                *(one.datum[name] for name in ("transcript_id", "rule_id", "severity", "sentence")),
                tuple(one.datum["sequences"]),
                one.datum["suppressed_before"],
            )
            for one in trial.take(number, line)
        ]

    assert sorted(found) == sorted(wanted)
    assert len({one.rule_id for one in found}) > 5
    assert any(one.suppressed_before for one in found)
