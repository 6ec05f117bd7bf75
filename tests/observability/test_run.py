"""Metrics, panels and alerts against a real run: what is shown is what was."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from connector import __version__
from connector.feed.market_hours import is_active
from tests.observability.conftest import JOURNAL, STREAMS, Story
from tests.support.dashboards import boards, panels

if TYPE_CHECKING:
    from tests.support.consume import Record

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

QUERIES = [
    pytest.param(name, panel["title"], index, id=f"{name}-{panel['title']}-{index}")
    for name, board in boards().items()
    for panel in panels(board)
    for index in range(len(panel["targets"]))
]


def test_every_query_of_every_panel_returns_data(story: Story) -> None:
    empty = [key for key, shown in story.panels.items() if not shown]
    assert empty == []
    assert len(story.panels) == len(QUERIES)


# Metrics


def kinds(story: Story, stream: str) -> Counter[str]:
    return Counter(frame.kind for frame in story.frames[stream])


@pytest.mark.parametrize("stream", STREAMS)
def test_the_source_counts_what_was_sent_and_what_is_in_kafka(story: Story, stream: str) -> None:
    def counted(name: str, **labels: str) -> float:
        return story.value(f"benzinga_source_{name}", stream=stream, **labels)

    sent, records = kinds(story, stream), story.topics[stream]
    messages = sent["message"] + sent["duplicate"] + story.replayed[stream]
    assert counted("messages_received_total") - counted("messages_received_total", action="audio") == messages
    assert counted("records_published_total") == len(records)
    assert counted("replayed_messages_total") >= story.replayed[stream]
    letters = [one for one in story.topics["dead-letters"] if one.key == stream]
    assert counted("duplicates_total") == messages - len(records) - len(letters)
    assert counted("duplicates_total", origin="replay") >= story.replayed[stream]
    for reason, count in Counter(one.headers["reason"] for one in letters).items():
        assert counted("dead_letters_total", reason=reason) == count
    assert counted("dead_letters_total") == len(letters)
    gaps = Counter(one.decoded["reason"] for one in story.topics["gaps"] if one.key == stream)
    assert counted("gaps_total") == gaps.total()
    for reason, count in gaps.items():
        assert counted("gaps_total", reason=reason) == count
    assert counted("unknown_fields_total") == sum(len(one.decoded["extras"]) for one in records)
    if stream == "transcripts":
        assert counted("id_conflicts_total") == 0
    else:
        assert counted("id_conflicts_total") == len(records) - len({one.key for one in records})


@pytest.mark.parametrize("stream", STREAMS)
def test_the_source_measures_what_really_passed(story: Story, stream: str) -> None:
    def counted(name: str, **labels: str) -> float:
        return story.value(f"benzinga_source_{name}", stream=stream, **labels)

    records = story.topics[stream]
    assert counted("publish_seconds_count") == len(records)
    # From receipt to the broker's stamp is a lower bound of what the histogram adds up.
    assert counted("publish_seconds_sum") > 0
    timed = [one for one in records if "benzinga-replayed" not in one.headers and event_time(one) is not None]
    received = counted("messages_received_total") - counted("replayed_messages_total")
    assert len(timed) <= counted("feed_lag_seconds_count") <= received
    last = max(frame.sent_at for frame in story.frames[stream] if frame.kind in {"message", "duplicate"}) / 1e6
    assert last <= counted("last_message_timestamp_seconds") <= last + 30
    assert counted("pong_seconds_count") == counted("control_frames_total", type="pong") - unasked(story, stream)
    assert 0 < counted("pong_seconds_count") <= story.replies[stream]
    assert counted("transactions_total", result="committed") >= 1
    assert counted("transactions_total") == counted("transactions_total", result="committed")


def event_time(record: Record) -> object:
    return record.decoded["start_time" if "transcript_id" in record.decoded else "event_time"]


def unasked(story: Story, stream: str) -> int:
    """Pongs that answer no ping: the feed sends some by itself."""
    return sum(frame.kind == "control" and b"pong" in frame.payload for frame in story.frames[stream])


@pytest.mark.parametrize("stream", STREAMS)
def test_the_sources_gauges_tell_how_it_is(story: Story, stream: str) -> None:
    def now(name: str, **labels: str) -> float:
        return story.value(f"benzinga_source_{name}", stream=stream, **labels)

    assert now("owned") == 1
    assert now("connected") == 1
    assert now("connects_total", result="ok") == now("connects_total") == story.connections[stream]
    assert now("reconnects_total") == now("reconnects_total", reason="closed") == story.connections[stream] - 1
    assert now("pending_messages") == now("pending_oldest_seconds") == 0
    assert now("journal_max_bytes") == JOURNAL
    assert now("journal_bytes") < JOURNAL / 2
    assert now("journal_failures_total") == 0
    assert now("expected_active") in {is_active(time.time()), is_active(time.time() - 600)}
    assert 0 <= now("silence_seconds") < 300
    assert now("silence_limit_seconds") >= 3600


def test_the_processor_counts_what_it_read_and_what_is_in_kafka(story: Story) -> None:
    def counted(name: str, **labels: str) -> float:
        return story.value(f"benzinga_processor_{name}", **labels)

    calls, alerts = story.topics["calls"], story.topics["alerts"]
    assert counted("sentences_total") == len(story.topics["transcripts"])
    assert counted("sentences_total", outcome="joined") > 0
    assert counted("sentences_total", outcome="corrected") > 0
    assert counted("calls_published_total") == len(calls)
    first = Counter(one.decoded["state"] for one in calls if one.decoded["revision"] == 1)
    for state, count in first.items():
        assert counted("calls_published_total", reason=state) == count
    assert counted("calls_published_total", reason="revised") == len(calls) - first.total()
    holes: dict[str | None, int] = {}
    missing: Counter[str | None] = Counter()
    for one in calls:  # the revisions of a call stand in their order; one that fills a hole takes nothing back
        known = holes.get(one.key, 0)
        holes[one.key] = sum(gap["last"] - gap["first"] + 1 for gap in one.decoded["missing"])
        missing[one.key] += max(0, holes[one.key] - known)
    assert counted("missing_sentences_total") == missing.total()
    assert len(alerts) > 10
    for rule, count in Counter(one.decoded["rule_id"] for one in alerts).items():
        assert counted("alerts_total", rule=rule) == count
    assert counted("alerts_total") == counted("alert_seconds_count") == len(alerts)
    assert counted("alerts_suppressed_total") >= sum(one.decoded["suppressed_before"] for one in alerts)
    assert {one.decoded["rules_version"] for one in alerts} == {
        labels["version"] for labels, value in story.metrics["benzinga_processor_rules_info"] if value == 1
    }
    assert counted("dead_letters_total") == 0
    assert counted("open_calls") == counted("close_overdue_seconds") == counted("rules_refused") == 0
    assert counted("consumer_lag_messages") == counted("consumer_lag_seconds") == 0
    assert len(story.metrics["benzinga_processor_consumer_lag_messages"]) == 3, "a series a partition"
    assert counted("rules_reloads_total") == 0
    assert counted("transactions_total", result="committed") > 0


def test_kafkas_clients_and_the_registry_are_seen(story: Story) -> None:
    clients = {labels["client"] for labels, _ in story.metrics["benzinga_kafka_client_brokers"]}
    assert clients == {f"source.{stream}" for stream in STREAMS} | {f"processor.{n}" for n in range(3)} | {
        "processor",
        "source",
    }
    for client in clients:
        assert story.value("benzinga_kafka_client_brokers", client=client, state="up") == 1, client
        assert story.value("benzinga_kafka_client_sent_bytes_total", client=client) > 0
        assert story.value("benzinga_kafka_client_queue_messages", client=client) == 0
        assert story.value("benzinga_kafka_client_errors_total", client=client) == 0
    for stream in STREAMS:
        size = sum(len(one.value or b"") for one in story.topics[stream])
        sent = story.value("benzinga_kafka_client_sent_bytes_total", client=f"source.{stream}")
        assert sent > size / 20, "records are compressed, and then sent"
    assert story.value("benzinga_schema_registry_requests_total", job="source", result="ok") == len(STREAMS) + 1
    assert story.value("benzinga_schema_registry_requests_total", result="unavailable") == 0
    assert {labels["version"] for labels, _ in story.metrics["benzinga_build_info"]} == {__version__}


# Panels


def shown(story: Story, board: str, title: str, index: int = 0, **labels: str) -> float:
    found = [value for one, value in story.panels[board, title, index] if labels.items() <= one.items()]
    assert found, (board, title)
    return sum(found)


def test_what_the_panels_show_is_true(story: Story) -> None:
    records = {stream: len(story.topics[stream]) for stream in STREAMS}
    nearly = 0.25  # `increase` reaches a little beyond the first and the last scrape
    assert shown(story, "overview", "Streams down") == 0
    assert shown(story, "overview", "Processor behind") == 0
    assert shown(story, "overview", "Losing") == pytest.approx(len(story.topics["gaps"]), rel=nearly)
    assert shown(story, "overview", "Not readable") == pytest.approx(len(story.topics["dead-letters"]), rel=nearly)
    assert shown(story, "source", "Published") == pytest.approx(sum(records.values()), rel=nearly)
    messages = sum(
        kinds(story, stream)["message"] + kinds(story, stream)["duplicate"] + story.replayed[stream]
        for stream in STREAMS
    )
    assert shown(story, "source", "Duplicates") == pytest.approx(messages - sum(records.values()), rel=nearly)
    assert shown(story, "processor", "Alerts") == pytest.approx(len(story.topics["alerts"]), rel=nearly)
    assert shown(story, "processor", "Open calls") == 0
    columns = [target["legendFormat"] for target in panel_of("overview", "Streams")["targets"]]
    for stream in STREAMS:
        assert shown(story, "overview", "Streams", columns.index("Owned"), stream=stream) == 1
        assert shown(story, "overview", "Streams", columns.index("Connected"), stream=stream) == 1
        gaps = sum(one.key == stream for one in story.topics["gaps"])
        assert shown(story, "overview", "Streams", columns.index("Gaps"), stream=stream) == pytest.approx(
            gaps, rel=nearly
        )
    # Trouble, by side: the one reconnect was the feed's doing; the processes are young.
    sides = [target["legendFormat"] for target in panel_of("overview", BLAME)["targets"]]
    assert shown(story, "overview", BLAME, sides.index("Feed")) == pytest.approx(1, rel=nearly)
    for side in ("Network", "Kafka", "Registry"):
        assert shown(story, "overview", BLAME, sides.index(side)) == 0, side


BLAME = "Trouble of the last five minutes, by side"


def panel_of(board: str, title: str) -> dict[str, list[dict[str, str]]]:
    return next(panel for panel in panels(boards()[board]) if panel["title"] == title)


# Alerts


def test_no_alert_has_a_reason_in_a_good_run_but_the_sentences_that_never_came(story: Story) -> None:
    reasons = {(name, labels.get("reason", "")) for name, found in story.quiet.items() for labels, _ in found}
    # A machine that has too much to do may make every commit slow: that is no fault of the rule.
    assert reasons <= {("BenzingaGap", "sequence"), ("BenzingaPublishSlow", "")}
    said = {one.decoded["reason"] for one in story.topics["gaps"]}
    assert said <= {"sequence"}


PROVOKED = (
    "BenzingaDeadLetters", "BenzingaDown", "BenzingaDuplicates",
    "BenzingaFeedCertificateRefused", "BenzingaFeedRefused", "BenzingaFeedStale", "BenzingaGap",
    "BenzingaJournalFilling", "BenzingaKafkaUnreachable", "BenzingaKeyInUse", "BenzingaReconnecting",
    "BenzingaRegistryUnavailable", "BenzingaRulesRefused", "BenzingaStreamNotConnected", "BenzingaStreamNotOwned",
)  # fmt: skip


@pytest.mark.parametrize("name", PROVOKED)
def test_an_alert_comes_true_under_its_fault(story: Story, name: str) -> None:
    assert name in story.fired
    assert set(story.fired) == set(PROVOKED)


def test_prometheus_says_in_plain_words_what_is_wrong(story: Story) -> None:
    firing = {alert["labels"]["alertname"]: alert for alert in story.shown if alert["state"] == "firing"}
    assert {"BenzingaGap", "BenzingaDeadLetters"} <= firing.keys(), "these wait for nothing"
    for alert in story.shown:
        for text in alert["annotations"].values():
            assert "error" not in text.lower().replace("errors of", "")
            assert "{{" not in text
    letters = firing["BenzingaDeadLetters"]["annotations"]["description"]
    assert "frames of news (market) went to dead-letters" in letters
