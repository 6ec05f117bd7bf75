"""From the feed to calls and alerts, on a real Kafka: every final revision equals an independent naive join.

What kills, hand-overs and odd records do to it is in `test_processor_group.py` and `test_processor_records.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from connector.simulator import Oddities
from tests.e2e.conftest import messages
from tests.support.calls import RULES, all_closed, check_alerts, check_calls, write_rules
from tests.support.consume import read_topic, wait_for_records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import ProcessorProcess, SourceProcess

QUICK = {"PROCESSOR__GRACE": "500ms", "PROCESSOR__IDLE_TIMEOUT": "3s"}


@pytest.fixture
def rules(tmp_path: Path) -> dict[str, str]:
    """The setting that names a file with RULES."""
    return write_rules(tmp_path / "rules.yaml")


def carry(source: Callable[..., SourceProcess], feed: ThreadedSimulator, count: int, calls: int) -> SourceProcess:
    """Run a source until `count` transcript frames are in Kafka."""
    process = source('["transcripts"]')
    process.start()
    process.until_ready()
    feed.wait(lambda simulator: simulator.subscribed())
    feed.wait(
        lambda simulator: simulator.traffic.start(
            "transcripts", rate=0, count=count, oddities=Oddities.all(), calls=calls
        ),
        timeout=120,
    )
    sent = len(messages(feed, "transcripts"))
    process.until(
        lambda: (
            process.metric("benzinga_source_records_published_total")
            + process.metric("benzinga_source_duplicates_total")
            >= sent
        )
    )
    return process


def check_status(process: ProcessorProcess, prefix: str, published: int, alerts: int) -> None:
    """`/status` says the same as the metrics; everything is processed."""
    status = json.loads(process.get("/status")[1])
    assert status["process"] == "processor"
    shown = status["processor"]
    assert shown["group"] == f"{prefix}.processor"
    assert [(one["state"], one["lag_messages"], one["open_calls"]) for one in shown["partitions"]] == [
        ("live", 0, 0)
    ] * 3
    assert all(one["position"] >= one["end"] > 0 for one in shown["partitions"])
    assert shown["calls"] == {"total": 0, "newest": []}
    assert sum(shown["counts"]["calls_published"].values()) == published
    assert shown["counts"]["alerts"] == alerts
    assert len(shown["alerts"]) == min(20, alerts)
    assert {alert["rule_id"] for alert in shown["alerts"]} <= {rule["id"] for rule in RULES}
    assert shown["rules"]["count"] == len(RULES)


def test_calls_close_as_a_naive_join_has_them(
    source: Callable[..., SourceProcess],
    processor: Callable[..., ProcessorProcess],
    feed: ThreadedSimulator,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
    rules: dict[str, str],
) -> None:
    carrier = carry(source, feed, count=3000, calls=20)
    process = processor(**QUICK, **rules)
    process.start()
    process.until_ready()
    frames = messages(feed, "transcripts")
    records = wait_for_records(
        kafka.bootstrap_servers, f"{prefix}.calls", all_closed(frames), registry_url=registry.url, timeout=60
    )
    check_calls(frames, records)
    transcripts, alerts = (
        read_topic(kafka.bootstrap_servers, f"{prefix}.{name}", registry_url=registry.url)
        for name in ("transcripts", "alerts")
    )
    check_alerts(transcripts, alerts)
    process.until(lambda: process.metric("benzinga_processor_open_calls") == 0)
    process.until(lambda: process.metric("benzinga_processor_consumer_lag_messages") == 0)
    assert process.metric("benzinga_processor_calls_published_total") == len(records)
    assert process.metric("benzinga_processor_alerts_total") == len(alerts)
    assert process.metric("benzinga_processor_alert_seconds_count") == len(alerts)
    assert process.metric("benzinga_processor_alerts_suppressed_total", rule="guidance") > 0
    check_status(process, prefix, len(records), len(alerts))
    assert process.stop() == 0
    assert carrier.stop() == 0
