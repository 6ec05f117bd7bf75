"""Sentences become calls, on a real Kafka: every final revision equals an independent naive join."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from connector.simulator import Oddities
from tests.e2e.conftest import messages
from tests.support.calls import all_closed, check_alerts, check_calls, write_rules
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
    assert process.stop() == 0
    assert carrier.stop() == 0


@pytest.mark.slow
def test_kill_9_of_the_processor_changes_nothing(
    source: Callable[..., SourceProcess],
    processor: Callable[..., ProcessorProcess],
    feed: ThreadedSimulator,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
    rules: dict[str, str],
) -> None:
    dice = random.Random(5)
    carrier = source('["transcripts"]')
    carrier.start()
    carrier.until_ready()
    feed.wait(lambda simulator: simulator.subscribed())
    traffic = feed.call(
        lambda simulator: simulator.traffic.start("transcripts", rate=60, count=3000, oddities=Oddities.all(), calls=20)
    )
    one, two = processor(**QUICK, **rules), processor(**QUICK, **rules)
    one.start()
    for _ in range(8):
        two.start()
        time.sleep(dice.uniform(1.0, 6.0))
        one.kill()
        one, two = two, one
    feed.wait(lambda _simulator: traffic, timeout=120)
    two.start()
    frames = messages(feed, "transcripts")
    records = wait_for_records(
        kafka.bootstrap_servers, f"{prefix}.calls", all_closed(frames), registry_url=registry.url, timeout=90
    )
    check_calls(frames, records)
    transcripts, alerts = (
        read_topic(kafka.bootstrap_servers, f"{prefix}.{name}", registry_url=registry.url)
        for name in ("transcripts", "alerts")
    )
    check_alerts(transcripts, alerts)
    written = read_topic(kafka.bootstrap_servers, f"{prefix}.internal.calls", isolation="read_uncommitted")
    kept = read_topic(kafka.bootstrap_servers, f"{prefix}.internal.calls")
    assert len(written) >= len(kept)
    assert one.stop() == 0
    assert two.stop() == 0
    assert carrier.stop() == 0
