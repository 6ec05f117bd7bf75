"""The oracle finds what is wrong: each fault is made on purpose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from connector.demo.identity import of_envelope, of_sentence
from connector.demo.ledger import Ledger
from connector.demo.oracle import Finding, Oracle

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def news(number: int, *, feed_id: str = "") -> str:
    time = f"2026-01-05T15:00:{number:02d}Z"
    data = {"action": "created", "id": number, "timestamp": time, "content": {"title": f"headline {number}"}}
    return json.dumps({"id": feed_id or f"m{number}", "data": data})


def sentence(sequence: int, text: str = "We grew.", status: str = "IN_PROGRESS") -> str:
    return json.dumps({"transcript_id": "t1", "sequence": sequence, "sentence": text, "status": status})


def line(stream: str, payload: str, kind: str = "message", *, delivered: bool = True) -> str:
    row = {"stream": stream, "kind": kind, "sent_at": 1_767_628_056_000_000, "delivered": delivered, "payload": payload}
    return json.dumps(row) + "\n"


class Case:
    """A record of what was sent, and an oracle to show records to."""

    def __init__(self, path: Path, stream: str, lines: Iterable[str]) -> None:
        path.write_text("".join(lines))
        self.ledger = Ledger(path)
        self.ledger.follow()
        self.oracle = Oracle(self.ledger.expectations[stream], self.ledger.payload)
        self.stream = stream

    def record(self, frame: str, value: dict[str, Any] | None = None) -> None:
        raw = frame.encode()
        body = json.loads(raw)
        identity = of_sentence(raw) if self.stream == "transcripts" else of_envelope(raw, "timestamp")
        default = body if self.stream == "transcripts" else body["data"]
        self.oracle.record(identity.key, identity.fingerprint, default if value is None else value)

    @property
    def finding(self) -> Finding:
        return self.oracle.finding()


def test_each_message_once_is_good(tmp_path: Path) -> None:
    case = Case(tmp_path / "sent", "news", [line("news", news(1)), line("news", news(2))])
    case.record(news(1))
    case.record(news(2))

    assert case.finding.good
    assert (case.finding.frames, case.finding.wanted, case.finding.found) == (2, 2, 2)


def test_a_repeat_is_one_message_also_under_another_id(tmp_path: Path) -> None:
    lines = [line("news", news(1)), line("news", news(1), "duplicate"), line("news", news(1, feed_id="x"), "duplicate")]
    case = Case(tmp_path / "sent", "news", lines)
    case.record(news(1, feed_id="x"))

    assert case.finding.good
    assert (case.finding.frames, case.finding.wanted) == (3, 1)


def test_a_known_id_with_another_content_is_another_message(tmp_path: Path) -> None:
    first, second = news(1, feed_id="same"), news(2, feed_id="same")
    case = Case(tmp_path / "sent", "news", [line("news", first), line("news", second)])
    case.record(first)

    assert case.finding.missing == 1


def test_what_is_missing_twice_or_invented_is_counted(tmp_path: Path) -> None:
    case = Case(tmp_path / "sent", "news", [line("news", news(1)), line("news", news(2))])
    case.record(news(1))
    case.record(news(1))
    case.record(news(3))

    finding = case.finding
    assert (finding.missing, finding.twice, finding.invented) == (1, 1, 1)
    assert not finding.good


def test_an_altered_record_is_counted(tmp_path: Path) -> None:
    case = Case(tmp_path / "sent", "news", [line("news", news(1))])
    case.record(news(1), {"id": 1, "content": {"title": "headline"}})

    assert case.finding.altered == 1
    assert not case.finding.good


def test_a_message_nobody_was_there_for_must_come_by_replay(tmp_path: Path) -> None:
    case = Case(tmp_path / "sent", "news", [line("news", news(1), delivered=False)])

    assert case.finding.missing == 1


def test_dead_letters_are_compared_byte_for_byte(tmp_path: Path) -> None:
    lines = [
        line("news", "<html>", "garbage"),
        line("news", "[1", "garbage"),
        line("news", "lost", "garbage", delivered=False),
    ]
    case = Case(tmp_path / "sent", "news", lines)
    case.oracle.dead_letter(b"<html>")
    case.oracle.dead_letter(b"[2")

    finding = case.finding
    assert (finding.dead_letters, finding.dead_letters_missing, finding.dead_letters_wrong) == (2, 1, 1)


def test_control_frames_are_nothing(tmp_path: Path) -> None:
    case = Case(tmp_path / "sent", "news", [line("news", "pong", "control")])

    assert case.finding.good
    assert case.finding.wanted == 0


def test_only_the_last_version_of_a_sentence_again_is_a_repeat(tmp_path: Path) -> None:
    versions = [sentence(0), sentence(0), sentence(0, "We shrank."), sentence(0)]
    case = Case(tmp_path / "sent", "transcripts", [line("transcripts", text) for text in versions])
    for text in (sentence(0), sentence(0, "We shrank."), sentence(0)):
        case.record(text)

    assert case.finding.good
    assert case.finding.wanted == 3


@pytest.mark.parametrize(("told", "untold"), [("t1", 0), (None, 1), ("t2", 1)])
def test_what_a_running_call_lost_must_be_on_gaps(tmp_path: Path, told: str | None, untold: int) -> None:
    lines = [line("transcripts", sentence(0)), line("transcripts", sentence(1), delivered=False)]
    case = Case(tmp_path / "sent", "transcripts", lines)
    case.record(sentence(0))
    case.oracle.gap(told)

    finding = case.finding
    assert (finding.missing, finding.unheard, finding.untold) == (0, 1, untold)
    assert finding.good is not bool(untold)


def test_a_call_that_had_ended_needs_no_gap(tmp_path: Path) -> None:
    lines = [
        line("transcripts", sentence(0)),
        line("transcripts", sentence(1, "", "COMPLETE")),
        line("transcripts", sentence(0, "We grew!"), delivered=False),
    ]
    case = Case(tmp_path / "sent", "transcripts", lines)

    assert (case.finding.unheard, case.finding.untold) == (1, 0)


def test_the_record_is_followed_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "sent"
    whole = line("news", news(2))
    case = Case(path, "news", [line("news", news(1)), whole[:20]])
    assert case.finding.wanted == 1

    with path.open("a") as file:
        file.write(whole[20:])
    case.ledger.follow()
    assert case.finding.wanted == 2
