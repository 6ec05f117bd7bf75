"""Two sources on the same streams: the older one is fenced, and writes nothing any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.conftest import messages
from tests.support.consume import read_topic
from tests.support.oracle import check, expected

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.embedded import EmbeddedKafka
    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import SourceProcess


def publish(feed: ThreadedSimulator, count: int) -> None:
    feed.wait(lambda simulator: simulator.traffic.start("ratings", rate=200, count=count))


def test_the_older_source_gives_its_stream_and_its_socket_up(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, kafka: EmbeddedKafka, prefix: str
) -> None:
    old, new = source('["ratings"]'), source('["ratings"]')
    old.start()
    old.until_ready()
    feed.wait(lambda simulator: simulator.connected("ratings"))
    publish(feed, 30)
    old.until(lambda: old.metric("benzinga_source_records_published_total") >= 25)

    new.start()
    new.until(lambda: any(event["state"] == "publishing" for event in new.events("stream.state")))
    publish(feed, 30)  # the old one still has the socket: what it reads now it can no longer publish
    old.until(lambda: old.events("stream.taken_over") != [])
    feed.wait(lambda simulator: simulator.connected("ratings", times=2))
    publish(feed, 30)
    new.until(lambda: new.metric("benzinga_source_replayed_messages_total") >= 30)
    new.until(lambda: new.metric("benzinga_source_pending_messages") == 0)

    status, reasons = old.get("/readyz")
    assert status == 503
    assert "taken over by" in reasons
    assert old.metric("benzinga_source_owned") == 0
    assert old.metric("benzinga_source_connected") == 0
    assert old.metric("benzinga_source_transactions_total", result="fenced") == 1
    assert new.metric("benzinga_source_owned") == 1
    assert feed.call(lambda simulator: simulator.channels["ratings"].most_clients) == 1
    assert old.stop() == 0
    assert new.stop() == 0

    sent = messages(feed, "ratings")
    check(expected("ratings", sent), read_topic(kafka.bootstrap_servers, f"{prefix}.ratings"))
    assert read_topic(kafka.bootstrap_servers, f"{prefix}.gaps") == []
