"""Two sources share the streams: whatever ends or stops one of them, the other one has its streams, and only it."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from connector.streams import STREAMS
from tests.e2e.conftest import messages
from tests.support.consume import read_topic
from tests.support.oracle import check, expected
from tests.support.owners import Watcher, owned

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.embedded import EmbeddedKafka
    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import SourceProcess

ALL = '["insights", "ratings", "consensus", "earnings", "bulls-bears", "news", "transcripts"]'
SESSION = 6.0
SLOW = 4.0
"""Seconds a loaded machine may add to what is measured."""


def moment(event: dict[str, str]) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp()


def seconds_until_published(process: SourceProcess, stream: str, since: float) -> float:
    """From `since` until the process was ready to publish the stream."""

    def reached() -> list[float]:
        events = process.events("stream.state")
        return [
            moment(event) - since
            for event in events
            if (event["stream"], event["state"]) == (stream, "publishing") and moment(event) > since
        ]

    process.until(lambda: bool(reached()))
    return reached()[0]


class Pair:
    """Two sources that carry the same streams, and the feed they share."""

    def __init__(self, processes: list[SourceProcess], feed: ThreadedSimulator) -> None:
        self.processes = processes
        self.feed = feed

    def settled(self, stream: str) -> tuple[SourceProcess, SourceProcess]:
        """Who owns the stream and who does not, once the streams are spread, and each has its owner and its socket."""
        one, two = self.processes

        def is_settled() -> bool:
            connected = sum(process.metric("benzinga_source_connected") for process in self.processes)
            ready = all(process.get("/readyz")[0] == 200 for process in self.processes)
            spread = sorted(len(owned(process)) for process in self.processes)
            return (
                ready and connected == len(STREAMS) and spread == [len(STREAMS) // 2, len(STREAMS) - len(STREAMS) // 2]
            )

        one.until(is_settled)
        return (one, two) if stream in owned(one) else (two, one)

    def publish(self, stream: str) -> None:
        self.feed.wait(lambda simulator: simulator.connected(stream))
        self.feed.wait(lambda simulator: simulator.traffic.start(stream, rate=300, count=25))


@pytest.mark.slow
def test_streams_have_one_owner_each_whatever_happens_to_it(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, kafka: EmbeddedKafka, prefix: str
) -> None:
    pair = Pair([source(ALL), source(ALL)], feed)
    one, two = pair.processes
    one.start()
    one.until_ready()
    with Watcher(pair.processes) as watcher:
        two.start()
        two.until_ready()
        owner, other = pair.settled("news")
        pair.publish("news")

        # Stopped for longer than a session: the other one has it, and the sleeper lets go as soon as it wakes.
        since = time.time()
        owner.pause()
        assert SESSION / 2 < seconds_until_published(other, "news", since) < SESSION + 2 + SLOW
        other.until(lambda: other.metric("benzinga_source_connects_total", stream="news", result="conflict") > 0)
        owner.resume()
        assert "news" not in owned(owner)
        owner.until(lambda: owner.events("ownership.lost") != [])
        feed.wait(lambda simulator: simulator.connected("news", times=2))
        owner, other = pair.settled("news")
        pair.publish("news")

        # Killed.
        owner.kill()
        since = time.time()
        assert seconds_until_published(other, "news", since) < SESSION + 2 + SLOW
        pair.publish("news")
        owner.start()
        owner, other = pair.settled("news")
        pair.publish("news")

        # Stopped in order: nobody waits for a session to end.
        since = time.time()
        owner.process.terminate()
        assert seconds_until_published(other, "news", since) < SESSION - 2
        assert owner.wait() == 0
        pair.publish("news")
        other.until(lambda: len(owned(other)) == len(STREAMS))
    assert other.stop() == 0

    assert watcher.disputes() == []
    assert {channel.most_clients for channel in feed.call(lambda simulator: simulator.channels).values()} == {1}
    check(expected("news", messages(feed, "news")), read_topic(kafka.bootstrap_servers, f"{prefix}.news"))
    assert read_topic(kafka.bootstrap_servers, f"{prefix}.gaps") == []
    taken = [event for process in pair.processes for event in process.events("stream.taken_over_from")]
    by_death = [event["unowned_seconds"] for event in taken if not event["released"]]
    assert max(by_death) > SESSION / 2  # the sleeper's and the dead one's streams
    assert all(event["unowned_seconds"] < SESSION for event in taken if event["released"])
