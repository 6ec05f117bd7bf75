"""Somebody deletes a topic under way: the source waits, says so, and goes on once the topic is there again."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from connector.simulator import SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator
from tests.e2e.conftest import TOKEN, messages
from tests.support.consume import read_topic
from tests.support.oracle import expected, identities

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from confluent_kafka.admin import AdminClient

    from connector.embedded import EmbeddedKafka
    from tests.support.source import SourceProcess


@pytest.mark.slow
@pytest.mark.kafka
def test_a_topic_that_is_deleted_and_provisioned_again(
    tmp_path: Path,
    cluster: EmbeddedKafka,
    admin: AdminClient,
    source_on_cluster: Callable[..., SourceProcess],
    prefix: str,
) -> None:
    topic = f"{prefix}.ratings"
    with ThreadedSimulator(SimulatorSettings(token=TOKEN)) as feed:
        process = source_on_cluster(tmp_path, feed.url, prefix, '["ratings"]')
        with process:
            process.until_ready()
            feed.wait(lambda simulator: simulator.connected("ratings"))
            feed.wait(lambda simulator: simulator.traffic.start("ratings", rate=0, count=20, seed=1))
            process.until(lambda: process.metric("benzinga_source_pending_messages") == 0)
            before = len(messages(feed, "ratings"))
            for future in admin.delete_topics([topic]).values():
                future.result(30)
            feed.wait(lambda simulator: simulator.traffic.start("ratings", rate=0, count=20, seed=2))
            process.until(lambda: process.metric("benzinga_source_pending_messages") >= 15)
            assert process.get("/livez")[0] == 200

            command = [sys.executable, "-m", "connector", "provision"]
            subprocess.run(command, env=process.environment, check=True, capture_output=True)
            process.until(lambda: process.metric("benzinga_source_pending_messages") == 0, timeout=120)
            assert process.stop() == 0
        sent = messages(feed, "ratings")
    found = identities(read_topic(cluster.bootstrap_servers, topic))
    # What was there before may have come again by a replay: nobody knows it any more.
    assert found.keys() >= {item.identity for item in expected("ratings", sent[before:])}
    assert found.keys() <= {item.identity for item in expected("ratings", sent)}
    assert max(found.values()) == 1
