"""Sources that carry overlapping sets of streams: the newer one has what both carry; nobody takes it back in turn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import messages
from tests.support.consume import read_topic
from tests.support.oracle import check, expected
from tests.support.owners import owned

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.embedded import EmbeddedKafka
    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import SourceProcess


def publish(feed: ThreadedSimulator, count: int) -> None:
    feed.wait(lambda simulator: simulator.connected("ratings"))
    feed.wait(lambda simulator: simulator.traffic.start("ratings", rate=200, count=count))


@pytest.mark.slow
def test_a_source_gives_up_what_a_newer_one_takes_and_has_it_back_when_that_one_leaves(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, kafka: EmbeddedKafka, prefix: str
) -> None:
    old, *newer = source('["ratings", "news"]'), source('["ratings"]'), source('["ratings"]')
    old.start()
    old.until_ready()
    publish(feed, 30)
    old.until(lambda: old.metric("benzinga_source_records_published_total") >= 25)

    newer[0].start()
    newer[0].until(lambda: owned(newer[0]) == {"ratings"})
    old.until(lambda: old.events("stream.taken_over") != [])
    feed.wait(lambda simulator: simulator.connected("ratings", times=2))
    publish(feed, 30)
    # What is left to the old one goes on, and it is ready: the other stream is not its own any more.
    assert owned(old) == {"news"}
    assert old.metric("benzinga_source_connected") == 1
    assert old.get("/readyz")[0] == 200

    # A standby is ready, holds no connection, and knows who has the stream.
    newer[1].start()
    newer[1].until_ready()
    newer[1].until(lambda: newer[1].events("ownership.assigned") != [])  # perhaps without this stream
    newer[1].until(lambda: sum(len(owned(one)) for one in newer) == 1)
    owner, standby = sorted(newer, key=lambda one: not owned(one))
    assert standby.get("/readyz")[0] == 200
    assert standby.metric("benzinga_source_connected") == 0
    status = json.loads(standby.get("/status")[1])
    assert status["group"]["id"] == f"{prefix}.source.ratings"
    assert status["group"]["state"] == "member"
    standby.until(lambda: json.loads(standby.get("/status")[1])["streams"]["ratings"]["owner"] is not None)
    shown = json.loads(standby.get("/status")[1])["streams"]["ratings"]
    assert shown["ownership"] == "standby"
    assert shown["owner"]["instance"] == json.loads(owner.get("/status")[1])["instance"]

    owner.until(lambda: owner.metric("benzinga_source_connected") == 1)
    publish(feed, 30)
    owner.kill()
    standby.until(lambda: owned(standby) == {"ratings"})
    assert owned(old) == {"news"}  # it waited, for the stream was another's all the time
    standby.until(lambda: standby.metric("benzinga_source_connected") == 1)
    publish(feed, 30)

    assert standby.stop() == 0
    old.until(lambda: owned(old) == {"news", "ratings"})
    old.until(lambda: old.metric("benzinga_source_connected") == 2)
    publish(feed, 30)
    assert old.stop() == 0

    assert len(old.events("stream.taken_over")) == 1
    assert feed.call(lambda simulator: simulator.channels["ratings"].most_clients) == 1
    check(expected("ratings", messages(feed, "ratings")), read_topic(kafka.bootstrap_servers, f"{prefix}.ratings"))
    assert read_topic(kafka.bootstrap_servers, f"{prefix}.gaps") == []
