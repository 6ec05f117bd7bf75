"""How the status page says instants, durations and amounts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.http import words

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "said"),
    [
        ("2026-01-05T11:59:59.700000Z", "now"),
        ("2026-01-05T11:59:48.000000Z", "12 s ago"),
        ("2026-01-05T11:57:00.000000Z", "3 min ago"),
        ("2026-01-05T07:00:00.000000Z", "5 h ago"),
        ("2026-01-02T12:00:00.000000Z", "3 d ago"),
        ("2026-01-05T12:30:00.000000Z", "in 30 min"),
    ],
)
def test_instants_are_told_by_their_distance(instant: str, said: str) -> None:
    assert words.ago(instant, NOW) == said
    assert words.clock(instant) == instant[11:19]


@pytest.mark.parametrize(
    ("say", "value", "said"),
    [
        (words.seconds, 0, "0 ms"),
        (words.seconds, 0.0004, "0.4 ms"),
        (words.seconds, 0.25, "250 ms"),
        (words.seconds, 1.25, "1.2 s"),
        (words.seconds, 42.0, "42 s"),
        (words.seconds, 7200, "2 h"),
        (words.size, 640, "640 B"),
        (words.size, 1_572_864, "1.5 MiB"),
        (words.size, 5 * 1024**4, "5120 GiB"),
        (words.number, 1_234_567, "1,234,567"),
        (words.rate, 0.0, "0"),
        (words.rate, 0.0167, "0.0167"),
        (words.rate, 12.5, "12.5"),
        (words.rate, 1234.5, "1,234"),
        (words.kind, "live", "good"),
        (words.kind, "refused", "bad"),
        (words.kind, "reading_tail", "warn"),
        (words.kind, "taken_over", "idle"),
    ],
)
def test_amounts(say: Any, value: float | str, said: str) -> None:
    assert say(value) == said


@pytest.mark.parametrize("say", [words.seconds, words.size, words.number, words.rate])
def test_what_is_not_known_is_not_a_number(say: Any) -> None:
    assert say(None) == ""


def test_a_stream_shows_its_socket_once_kafka_is_in_order() -> None:
    feed = {"state": "live", "since": "then"}
    assert words.shown({"state": "publishing", "since": "before", "feed": feed}) == {
        "state": "live", "since": "then", "kind": "good",
    }  # fmt: skip
    assert words.shown({"state": "fencing", "since": "before", "feed": feed})["state"] == "fencing"
    assert words.shown({})["state"] == "unknown"


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"instance": "me", "released_at": None}, "this process"),
        ({"instance": "another", "released_at": None}, "another"),
        ({"instance": "another", "released_at": "2026-01-05T12:00:00.000000Z"}, "nobody since 12:00:00"),
        (None, ""),
    ],
)
def test_who_has_a_stream(claim: Any, said: str) -> None:
    assert words.owner({"owner": claim}, "me") == said


def test_the_newest_gaps_of_all_streams_come_first() -> None:
    streams = {
        name: {"gaps": [{"detected_at": f"2026-01-05T12:00:{second:02}Z"} for second in seconds]}
        for name, seconds in (("news", range(0, 20, 2)), ("ratings", range(1, 20, 2)))
    }
    found = words.gaps({**streams, "earnings": {}})
    assert [gap["stream"] for gap in found[:3]] == ["ratings", "news", "ratings"]
    assert len(found) == 10
