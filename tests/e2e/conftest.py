"""A feed, a source's settings, and what they have in common: one topic prefix a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient

from connector.simulator import SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator
from tests.support.consume import read_topic
from tests.support.source import ProcessorProcess, SourceProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry

TOKEN = "bz.production0123456789abcdef"


@pytest.fixture
def feed() -> Iterator[ThreadedSimulator]:
    with ThreadedSimulator(SimulatorSettings(token=TOKEN)) as simulator:
        yield simulator


@pytest.fixture
def source(
    tmp_path: Path, feed: ThreadedSimulator, kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str
) -> Iterator[Callable[..., SourceProcess]]:
    """Makes sources that are not started yet; what still runs at the end is killed."""
    made: list[SourceProcess] = []

    def make(streams: str = '["news"]', **settings: str) -> SourceProcess:
        process = SourceProcess(tmp_path, **(defaults(feed.url, kafka, registry, prefix, streams) | settings))
        made.append(process)
        return process

    yield make
    metrics = [process.get("/metrics")[1] for process in made if process.running]
    for process in made:
        if process.running:
            process.kill()
    # Whatever the test was about: the key is nowhere to be seen.
    for text in (*metrics, *(process.log.read_text() for process in made if process.log.exists())):
        assert TOKEN not in text
    for topic in topics_of(kafka.bootstrap_servers, prefix):
        for record in read_topic(kafka.bootstrap_servers, topic, isolation="read_uncommitted"):
            assert TOKEN.encode() not in (record.value or b"")
            assert TOKEN not in f"{record.key} {record.headers}"


def topics_of(bootstrap_servers: str, prefix: str) -> list[str]:
    """Every topic under `prefix`, internal ones included."""
    listed = AdminClient({"bootstrap.servers": bootstrap_servers}).list_topics(timeout=10).topics
    return [name for name in listed if name.startswith(f"{prefix}.")]


@pytest.fixture
def processor(
    tmp_path: Path, kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str
) -> Iterator[Callable[..., ProcessorProcess]]:
    """Makes processors that are not started yet; what still runs at the end is killed."""
    made: list[ProcessorProcess] = []

    def make(**settings: str) -> ProcessorProcess:
        common = defaults("ws://127.0.0.1:1", kafka, registry, prefix, '["transcripts"]')
        process = ProcessorProcess(tmp_path, **(common | settings))
        made.append(process)
        return process

    yield make
    for process in made:
        if process.running:
            process.kill()


def messages(feed: ThreadedSimulator, stream: str) -> list[bytes]:
    """What was sent so far on `stream`, without control frames and garbage, in the feed's order."""
    return feed.call(
        lambda simulator: [frame.payload for frame in simulator.sent(stream) if frame.kind in {"message", "duplicate"}]
    )


def defaults(url: str, kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str, streams: str) -> dict[str, str]:
    return {
        "FEED__URL": url,
        "FEED__TOKEN": TOKEN,
        "FEED__STREAMS": streams,
        "KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "SCHEMA_REGISTRY__URL": registry.url,
        "TOPICS__PREFIX": prefix,
        "TOPICS__PARTITIONS": "3",
        "TOPICS__REPLICATION_FACTOR": "1",
        "SOURCE__SETTLE": "300ms",
        "SOURCE__BACKOFF__MIN": "100ms",
        "SOURCE__BACKOFF__MAX": "500ms",
        "LOG__FORMAT": "json",
        "LOG__LEVEL": "debug",
    }
