"""Kafka or the registry away: the source waits, says so, and goes on without loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.embedded import EmbeddedKafka, EmbeddedRegistry
from tests.e2e.conftest import messages
from tests.support.consume import read_topic
from tests.support.oracle import check, expected

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import SourceProcess


@pytest.mark.slow
def test_a_broker_that_is_killed_and_comes_back(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, prefix: str
) -> None:
    with EmbeddedKafka() as kafka:
        process = source('["earnings"]', KAFKA__BOOTSTRAP_SERVERS=kafka.bootstrap_servers)
        process.start()
        process.until_ready()
        feed.wait(lambda simulator: simulator.connected("earnings"))
        traffic = feed.call(lambda simulator: simulator.traffic.start("earnings", rate=50, count=500))
        process.until(lambda: process.metric("benzinga_source_records_published_total") > 50)
        kafka.broker(0).kill()
        process.until(lambda: process.metric("benzinga_source_pending_messages") > 50)
        assert process.get("/livez")[0] == 200
        # Longer than a session: whether the stream is still ours, nobody can tell; the feed is read nevertheless.
        process.until(lambda: process.events("ownership.lost") != [])
        assert process.metric("benzinga_source_owned") == 0
        assert process.metric("benzinga_source_connected") == 1
        kafka.broker(0).start()
        feed.wait(lambda _simulator: traffic)
        sent = messages(feed, "earnings")
        wanted = expected("earnings", sent)
        process.until(lambda: process.metric("benzinga_source_records_published_total") == len(wanted), timeout=90)
        process.until(lambda: process.metric("benzinga_source_owned") == 1)
        assert process.stop() == 0
        check(wanted, read_topic(kafka.bootstrap_servers, f"{prefix}.earnings"))
        assert feed.call(lambda simulator: simulator.channels["earnings"].connections) == 1


def test_a_registry_that_is_away_at_the_start_and_during_the_run(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, kafka: EmbeddedKafka, prefix: str
) -> None:
    with EmbeddedRegistry() as registry:
        process = source('["bulls-bears"]', SCHEMA_REGISTRY__URL=registry.url)
        registry.stop()
        process.start()
        process.until(lambda: process.events("registry.waiting") != [])
        assert process.get("/livez")[0] == 200
        assert process.get("/readyz")[0] == 503
        registry.start()
        process.until_ready()
        feed.wait(lambda simulator: simulator.connected("bulls-bears"))
        registry.stop()
        feed.wait(lambda simulator: simulator.traffic.start("bulls-bears", rate=0, count=50))
        sent = messages(feed, "bulls-bears")
        wanted = expected("bulls-bears", sent)
        process.until(lambda: process.metric("benzinga_source_records_published_total") == len(wanted))
        assert process.get("/readyz")[0] == 200
        assert process.stop() == 0
    check(wanted, read_topic(kafka.bootstrap_servers, f"{prefix}.bulls-bears"))


@pytest.mark.slow
def test_an_orderly_end_while_kafka_is_away_is_bounded_and_says_what_is_left(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator
) -> None:
    with EmbeddedKafka() as kafka:
        process = source('["ratings"]', KAFKA__BOOTSTRAP_SERVERS=kafka.bootstrap_servers)
        process.start()
        process.until_ready()
        feed.wait(lambda simulator: simulator.connected("ratings"))
        process.until(lambda: process.events("stream.live") != [])
        kafka.broker(0).kill()
        feed.wait(lambda simulator: simulator.traffic.start("ratings", rate=0, count=20))
        process.until(lambda: process.metric("benzinga_source_pending_messages") > 0)
        assert process.stop(timeout=45) == 1
        assert "messages that Kafka did not take in time" in process.log_tail()
        assert "Traceback" not in process.log.read_text()
