"""What the live view shows, in terminals of all sizes."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from connector.demo.board import Board
from connector.demo.calls_board import AlertSeen, CallSeen
from connector.demo.describe import line, tidy
from connector.demo.reader import Seen
from connector.demo.storyline import Loss
from connector.demo.telemetry import numbers, processor_numbers
from connector.demo.view import Hints, age, render, shares
from connector.streams import STREAMS

NOW = 1_767_628_056.0
HINTS = Hints(("From another terminal:", "  tail news --config " + "x" * 70))
METRICS = """
# TYPE benzinga_source_connected gauge
benzinga_source_owned{stream="news"} 1.0
benzinga_source_connected{stream="news"} 1.0
benzinga_source_messages_received_total{action="created",stream="news"} 40.0
benzinga_source_messages_received_total{action="updated",stream="news"} 2.0
benzinga_source_messages_received_total{action="audio",stream="news"} 9.0
benzinga_source_duplicates_total{origin="live",stream="news"} 3.0
benzinga_source_duplicates_total{origin="replay",stream="news"} 20.0
benzinga_source_publish_seconds_bucket{le="0.1",stream="news"} 9.0
"""

PROCESSOR = """
benzinga_processor_open_calls 3.0
benzinga_processor_consumer_lag_messages{partition="0",topic="benzinga.transcripts"} 2.0
benzinga_processor_consumer_lag_messages{partition="1",topic="benzinga.transcripts"} 5.0
benzinga_processor_consumer_lag_seconds{partition="0",topic="benzinga.transcripts"} 0.5
benzinga_processor_consumer_lag_seconds{partition="1",topic="benzinga.transcripts"} 1.5
benzinga_processor_alerts_suppressed_total{rule="buyback"} 1.0
benzinga_processor_alerts_suppressed_total{rule="guidance-cut"} 3.0
benzinga_processor_alert_seconds_bucket{le="0.1"} 2.0
benzinga_processor_alert_seconds_sum 0.25
benzinga_processor_alert_seconds_count 5.0
"""


def call(symbol: str, sentences: int, state: str = "open", started_at: str = "2026-01-05T15:00:00Z") -> CallSeen:
    return CallSeen(
        {
            "transcript_id": symbol,
            "symbol": symbol,
            "call_title": "Q1 2026 Earnings Call",
            "state": state,
            "started_at": started_at,
            "sentence_count": sentences,
            "missing": [{"first": 3, "last": 4}],
            "sentences": [{"text": "We grew. " + "long " * 40}],
            "text": "",
        }
    )


def alert(number: int) -> AlertSeen:
    return AlertSeen(
        {
            "symbol": "DLTX",
            "severity": "high",
            "rule_id": "guidance-cut",
            "matched_text": f"Lower guidance {number}",
            "sentence": "We \x1b[2Jlower guidance.",
        }
    )


@pytest.fixture
def board() -> Board:
    board = Board(STREAMS)
    board.telemetry(numbers(METRICS))
    for number in range(42):
        board.record(Seen("news", "news", NOW - 1, f"headline {number} " + "long " * 40), NOW - 1)
    board.record(Seen("gaps", "transcripts", NOW, "no_replay: interrupted"), NOW)
    board.record(Seen("dead-letters", "ratings", NOW, "not_json: <html>"), NOW)
    board.loss(Loss("news"), NOW)
    board.calls.numbers = processor_numbers(PROCESSOR)
    for number in range(1, 38):
        board.call(call("DLTX", number), NOW)
    board.call(call("ALVR", 12, started_at="2026-01-05T14:00:00Z"), NOW)
    board.call(call("QNTM", 43, "complete", started_at="2026-01-05T13:00:00Z"), NOW)
    for number in range(20):
        board.calls.alert(alert(number))
    return board


def shown(board: Board, width: int, height: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, record=True)
    console.print(render(board, HINTS, width=width, height=height, now=NOW, elapsed=75.0))
    return console.export_text().rstrip("\n").split("\n")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 240])
@pytest.mark.parametrize("height", [5, 10, 18, 24, 40, 80])
def test_nothing_leaves_the_screen(board: Board, width: int, height: int) -> None:
    lines = shown(board, width, height)

    assert max(map(len, lines)) <= width
    assert len(lines) <= max(height, len(STREAMS) + 3)


def test_a_common_terminal_shows_every_number_and_how_to_look_closer(board: Board) -> None:
    lines = shown(board, 80, 24)
    row = next(text for text in lines if text.startswith("news"))

    assert row.split() == ["news", "live", "8.4", "42", "42", "23", "0", "0", "1.0s"]
    assert "1:15" in lines[0]
    assert any("the simulator ends the connection" in text for text in lines)
    assert any("calls       QNTM Q1 2026 Earnings Call is closed (complete)" in text for text in lines)
    assert HINTS.lines[1] in "".join(text.ljust(80) for text in lines)


def test_a_common_terminal_shows_calls_growing_and_closing_alerts_and_the_lag(board: Board) -> None:
    lines = shown(board, 80, 24)
    at = next(number for number, text in enumerate(lines) if text.startswith("processor"))

    assert lines[at].split("  ")[1:4] == ["calls 3 open, 1 closed", "alerts 20", "lag 7 messages, 1.5 s"]
    assert [text[:33].rstrip() for text in lines[at + 1 : at + 4]] == [
        "QNTM  complete   43 sentences, 2",
        "ALVR  open       12 sentences, 2",
        "DLTX  open       37 sentences, 2",
    ]
    assert lines[at + 4].startswith('DLTX  high     guidance-cut "Lower guidance 17" We [2Jlower guidance.')
    assert "19" in lines[at + 6]


def test_a_wide_one_says_what_was_held_back_and_how_fast_alerts_are(board: Board) -> None:
    text = "\n".join(shown(board, 120, 40))

    assert "4 held back  sentence to alert 50 ms" in text
    assert "gap: no_replay" in text
    assert "dead letter: not_json" in text
    assert text.count("guidance-cut") == 6


@pytest.mark.parametrize("spare", range(60))
@pytest.mark.parametrize("hints", [(0, 0), (2, 6), (3, 9)])
def test_no_line_is_given_twice_or_left_over(spare: int, hints: tuple[int, int]) -> None:
    found = shares(spare, hints=hints)

    assert found.calls + found.alerts + found.records + found.hints + found.gaps == spare
    assert found.hints in {0, *hints}
    assert found.gaps in {0, 3}


def test_a_wide_one_shows_the_last_headline_too(board: Board) -> None:
    row = next(text for text in shown(board, 120, 40) if text.startswith("news"))

    assert "headline 41" in row


def test_streams_are_starting_live_or_reconnecting(board: Board) -> None:
    assert board.rows["news"].state == "live"
    assert board.rows["ratings"].state == "starting"
    board.telemetry(numbers(METRICS.replace('connected{stream="news"} 1', 'connected{stream="news"} 0')))
    assert board.rows["news"].state == "reconnecting"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0s"), (9.94, "9.9s"), (42, "42s"), (150, "2m"), (7200, "2h"), (-3, "0.0s")]
)
def test_ages(seconds: float, text: str) -> None:
    assert age(NOW - seconds, NOW) == text


def test_what_the_feed_says_cannot_steer_the_terminal() -> None:
    assert tidy("a\x1b[2Jb\r\nc\x9b1m\u202ed") == "a [2Jb c 1m d"
    title = line("news", {"action": "created", "content": {"title": "Q&amp;A \x1b]0;owned\x07"}})
    assert title.isprintable()
    assert title.startswith("Q&A")


@pytest.mark.parametrize("stream", [name for name in STREAMS if name != "transcripts"])
def test_every_stream_has_a_line_also_where_the_feed_sent_next_to_nothing(stream: str) -> None:
    empty = {"action": "created", "record_id": "r", "content": None}
    assert isinstance(line(stream, empty), str)
    assert line(stream, empty | {"action": "deleted"}) == "deleted: r"
