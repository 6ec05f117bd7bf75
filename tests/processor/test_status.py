"""What `/status` tells: from calls, alerts and metrics to JSON values."""

from __future__ import annotations

import json
from typing import Any

from connector.metrics import ProcessorMetrics, new_registry
from connector.processor.call import JoinSettings
from connector.processor.joiner import Joiner
from connector.processor.recent import KEPT, RecentAlerts
from connector.processor.rules_in_force import RulesInForce
from connector.processor.status import (
    LONGEST_TEXT,
    NEWEST_CALLS,
    CallsStatus,
    PartitionStatus,
    ProcessorStatus,
    calls_status,
    counts,
)
from tests.support.alerting import Listener, rule_set
from tests.support.sentences import HOUR, MINUTE, SECOND, end, sentence

SETTINGS = JoinSettings(10 * SECOND, 30 * MINUTE, 12 * HOUR, 24 * HOUR)


def status_of(joiner: Joiner) -> CallsStatus:
    return calls_status([(joiner.partition, joiner.open_now())])


def test_a_call_with_its_last_sentence_and_why_it_will_close() -> None:
    joiner = Joiner(3, SETTINGS)
    about: dict[str, Any] = {"name": "Apple", "call_title": "Q3", "speaker": "Tim"}
    joiner.add(sentence(0, "We begin.", **about), 0)
    joiner.add(sentence(1, "And go on. " * 100, at=60, offset=1, **about), 0)
    joiner.add(sentence(2, None, at=61, offset=2), 0)  # no text: not a sentence that could be shown
    [call] = status_of(joiner).newest
    assert (call.transcript_id, call.partition, call.symbol, call.name, call.title) == ("t", 3, "AAPL", "Apple", "Q3")
    assert (call.sentences, call.revision) == (2, 0)
    assert call.opened_at == "2025-06-02T10:00:00.000000Z"
    assert call.heard_at == "2025-06-02T10:01:01.000000Z"
    last = call.last_sentence
    assert last is not None
    assert (last.sequence, last.speaker, last.received_at) == (1, "Tim", "2025-06-02T10:01:00.000000Z")
    assert len(last.text) == LONGEST_TEXT
    assert (call.closes_at, call.closes_as) == ("2025-06-02T10:31:01.000000Z", "idle")
    joiner.add(end(3, at=70), 0)
    [call] = status_of(joiner).newest
    assert (call.closes_at, call.closes_as) == ("2025-06-02T10:01:20.000000Z", "complete")


def test_a_call_of_which_nothing_was_said_yet() -> None:
    joiner = Joiner(3, SETTINGS)
    joiner.add(sentence(0, None), 0)
    [call] = status_of(joiner).newest
    assert (call.sentences, call.last_sentence) == (0, None)


def test_many_calls_are_counted_and_the_newest_shown() -> None:
    joiners = [Joiner(number, SETTINGS) for number in range(2)]
    for number in range(2 * NEWEST_CALLS):
        joiners[number % 2].add(sentence(0, transcript_id=f"call-{number}", at=number), 0)
    status = calls_status([(joiner.partition, joiner.open_now()) for joiner in joiners])
    assert status.total == 2 * NEWEST_CALLS
    shown = [call.transcript_id for call in status.newest]
    assert shown == [f"call-{number}" for number in reversed(range(NEWEST_CALLS, 2 * NEWEST_CALLS))]


def test_a_call_that_closes_while_it_is_looked_at() -> None:
    joiner = Joiner(3, SETTINGS)
    joiner.add(end(0, "All of it."), 0)
    held = joiner.open_now()
    joiner.read_until(HOUR * 24 * 365 * 100)
    joiner.due(HOUR * 24 * 365 * 100)
    assert joiner.open_calls == 0
    [call] = calls_status([(3, held)]).newest
    assert (call.sentences, call.last_sentence) == (0, None)


def test_the_last_alerts_the_newest_first() -> None:
    listener = Listener(rule_set({"id": "growth", "any": ["growth"], "cooldown": "0s", "severity": "high"}))
    recent = RecentAlerts()
    for number in range(KEPT + 5):
        one = sentence(number, "Growth again.", at=number, transcript_id="t", call_title="Q3", speaker="Tim")
        listener.transcript.add(one)
        looked = listener.engine.look(one, listener.transcript, listener.remembered, one.received_at + SECOND)
        listener.remembered = looked.remember or listener.remembered
        recent.committed(looked.alerts)
    newest = recent.newest()
    assert len(newest) == KEPT
    assert newest[0].sentence_received_at == "2025-06-02T10:00:24.000000Z"
    assert newest[0].detected_at == "2025-06-02T10:00:25.000000Z"
    assert (newest[0].rule_id, newest[0].severity, newest[0].term) == ("growth", "high", "growth")
    assert (newest[0].sentence, newest[0].matched_text) == ("Growth again.", "Growth")
    assert newest[-1].sentence_received_at == "2025-06-02T10:00:05.000000Z"


def test_all_of_it_is_json() -> None:
    metrics = ProcessorMetrics(new_registry())
    metrics.sentences.labels("joined").inc(7)
    metrics.alerts.labels("one").inc(2)
    metrics.alerts.labels("two").inc(3)
    metrics.missing_sentences.inc(4)
    rules = RulesInForce(None, metrics).status()
    partition = PartitionStatus(
        partition=0, state="live", position=8, end=9, lag_messages=1, lag_seconds=0.5, open_calls=1
    )
    joiner = Joiner(0, SETTINGS)
    joiner.add(sentence(0), 0)
    shown: dict[str, Any] = ProcessorStatus(
        group="benzinga.processor",
        instance_id=None,
        partitions=[partition],
        calls=status_of(joiner),
        alerts=[],
        rules=rules,
        counts=counts(metrics),
    ).as_json()
    assert json.loads(json.dumps(shown)) == shown
    assert shown["counts"]["sentences"] == {"joined": 7, "duplicate": 0, "corrected": 0, "late": 0}
    assert [shown["counts"][name] for name in ("alerts", "alerts_suppressed", "missing_sentences")] == [5, 0, 4]
    assert shown["rules"] == {"version": rules.version, "count": 0, "file": None} | {
        "loaded_at": rules.loaded_at, "refused": None
    }  # fmt: skip
    assert shown["calls"]["newest"][0]["last_sentence"]["text"] == "Sentence 0."
