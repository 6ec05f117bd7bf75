"""Sentences become calls, on a real Kafka: every final revision equals an independent naive join."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from connector.simulator import Oddities
from tests.e2e.conftest import messages
from tests.support.consume import Record, read_topic, wait_for_records
from tests.support.naive_alerts import NaiveAlerts, Said
from tests.support.naive_join import join

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import ProcessorProcess, SourceProcess

QUICK = {"PROCESSOR__GRACE": "500ms", "PROCESSOR__IDLE_TIMEOUT": "3s"}


def latest(records: list[Record]) -> dict[str, dict[str, Any]]:
    """The last revision of each call; every revision is there once, and they count up."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        call = record.decoded
        assert record.key == call["transcript_id"]
        assert call["revision"] == found.get(record.key, {"revision": 0})["revision"] + 1
        found[record.key] = call
    return found


def check_calls(frames: list[bytes], records: list[Record]) -> None:
    wanted, found = join(frames), latest(records)
    assert found.keys() == wanted.keys()
    for name, call in found.items():
        expected = wanted[name]
        assert call["text"] == expected["text"], name
        assert [sentence["sequence"] for sentence in call["sentences"]] == expected["sequences"]
        missing = [n for gap in call["missing"] for n in range(gap["first"], gap["last"] + 1)]
        assert missing == expected["missing"]
        assert call["state"] == ("complete" if expected["ended"] else "idle")
        assert call["sentence_count"] == len(expected["sequences"])


RULES: list[dict[str, Any]] = [
    {"id": "growth", "any": ["growth", "grew"], "cooldown": 0},
    {"id": "guidance", "any": ["guidance", "outlook"], "none": ["not"], "window": 1, "cooldown": 2_000_000},
    {"id": "money", "regex": [r"[Mm]argin\w*", r"\d+ percent"], "cooldown": 0, "min_confidence": 0.5},
    {"id": "both", "all": ["we", "quarter"], "window": 2, "cooldown": 0},
    {"id": "crossing", "any": ["you the", "thank you good", "the call the"], "cooldown": 0},
]


@pytest.fixture
def rules(tmp_path: Path) -> dict[str, str]:
    """The setting that names a file with RULES."""
    file = tmp_path / "rules.yaml"
    file.write_text(
        json.dumps({"rules": [rule | {"cooldown": f"{rule['cooldown'] // 1000}ms"} for rule in RULES]})  # JSON is YAML
    )
    return {"PROCESSOR__RULES": str(file)}


def check_alerts(transcripts: list[Record], alerts: list[Record]) -> None:
    """Every alert that a naive matcher finds in the topic's sentences is there, once, and no other."""
    wanted: Counter[tuple[Any, ...]] = Counter()
    matchers: dict[str, NaiveAlerts] = {}
    made: dict[tuple[str, int], Any] = {}
    for record in transcripts:  # in the order of each partition
        frame = record.decoded
        name, sequence = frame["transcript_id"], frame["sequence"]
        created = frame["created_time"]
        text = frame["sentence"]
        if text:
            if created and made.get((name, sequence)) and created < made[name, sequence]:
                continue
            made[name, sequence] = created or made.get((name, sequence))
        said = Said(
            sequence,
            text or None,
            round(frame["received_at"].timestamp() * 1_000_000),
            frame["speaker"],
            frame["confidence"],
            frame["symbol"],
        )
        for alert in matchers.setdefault(name, NaiveAlerts(RULES)).add(said):
            wanted[name, alert["rule_id"], *alert["sequences"], alert["suppressed_before"]] += 1
    found = Counter(
        (
            alert.decoded["transcript_id"],
            alert.decoded["rule_id"],
            *alert.decoded["sequences"],
            alert.decoded["suppressed_before"],
        )
        for alert in alerts
    )
    assert not wanted - found, f"missing: {list((wanted - found).items())[:5]}"
    assert not found - wanted, f"twice or invented: {list((found - wanted).items())[:5]}"
    assert len({alert.key for alert in alerts}) == len(alerts)
    assert len(alerts) > 100


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


def all_closed(frames: list[bytes]) -> Callable[[list[Record]], bool]:
    wanted = join(frames)

    def closed(records: list[Record]) -> bool:
        texts = {record.key: record.decoded["text"] for record in records}
        return all(texts.get(name) == call["text"] for name, call in wanted.items())

    return closed


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
