"""Problems: every kind once, with its count, the last one first, and never more than a few."""

from __future__ import annotations

from connector.problems import Problems


def test_the_same_trouble_is_counted_at_its_place() -> None:
    problems = Problems()
    for second, stream in enumerate(("news", "ratings", "news")):
        fields = {"event": "feed.retry", "stream": stream, "reason": "network", "detail": f"try {second}"}
        problems.note("warning", fields, second * 1_000_000)
    news, ratings = problems.latest()
    assert news == {
        "level": "warning",
        "event": "feed.retry",
        "where": "news",
        "text": "network: try 2",
        "count": 2,
        "first_at": "1970-01-01T00:00:00.000000Z",
        "last_at": "1970-01-01T00:00:02.000000Z",
    }
    assert (ratings["where"], ratings["count"]) == ("ratings", 1)


def test_an_event_may_have_neither_place_nor_text() -> None:
    problems = Problems()
    problems.note("error", {"event": "http.failed"}, 0)
    problems.note("error", {"event": "processor.partition_fault", "partition": 0, "error": "x" * 10_000}, 0)
    fault, http = problems.latest()
    assert (http["where"], http["text"]) == ("", "")
    assert (fault["where"], len(fault["text"])) == ("partition 0", 300)


def test_the_one_met_the_longest_ago_is_forgotten() -> None:
    problems = Problems(limit=2)
    for event in ("a", "b", "a", "c"):
        problems.note("warning", {"event": event}, 0)
    assert [problem["event"] for problem in problems.latest()] == ["c", "a"]
