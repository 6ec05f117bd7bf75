"""A feed, a source's settings, and what they have in common: one topic prefix a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.simulator import SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator
from tests.support.source import SourceProcess

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
