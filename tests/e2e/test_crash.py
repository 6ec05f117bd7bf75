"""kill -9 at random moments under load: nothing lost, nothing twice, for a read_committed reader."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from connector.simulator import Oddities
from tests.e2e.conftest import messages
from tests.support.consume import read_topic
from tests.support.oracle import check, expected

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.embedded import EmbeddedKafka
    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import SourceProcess

KILLS = 20
BURST = 70
"""Messages sent around each kill: fewer than a replay brings back."""

SEED = 20260105


def last(events: list[dict[str, str]]) -> str:
    """When the last of them was logged; ISO texts compare like times."""
    return events[-1]["timestamp"] if events else ""


def recovered(process: SourceProcess) -> None:
    """Wait until the settle window of the process that runs is over and its messages are committed."""
    process.until_ready()
    process.until(lambda: last(process.events("stream.live")) > last(process.events("source.started")))
    process.until(lambda: process.metric("benzinga_source_pending_messages") == 0)


@pytest.mark.slow
def test_kill_9_loses_nothing_and_doubles_nothing(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, kafka: EmbeddedKafka, prefix: str
) -> None:
    dice = random.Random(SEED)
    # Longer than a start is waited for: a process that comes back takes its own place in the group at once.
    process = source('["news"]', SOURCE__OWNERSHIP__SESSION_TIMEOUT="120s")

    def cut_off() -> bool:
        """Whether a kill has left a transaction behind that was never committed."""
        written = read_topic(kafka.bootstrap_servers, f"{prefix}.news", isolation="read_uncommitted")
        return len(written) > len(read_topic(kafka.bootstrap_servers, f"{prefix}.news"))

    for kill in range(3 * KILLS):
        if kill >= KILLS and cut_off():
            break
        process.start()
        process.until_ready()
        if kill % 2:
            # While what the kill before has cost is being recovered.
            time.sleep(dice.uniform(0.0, 0.6))
            process.kill()
            continue
        recovered(process)
        # Anywhere in the burst, however slow the machine is: by what was sent, not by the clock.
        target = feed.call(lambda simulator: simulator.channels["news"].published) + dice.randint(1, BURST - 10)
        traffic = feed.call(
            lambda simulator: simulator.traffic.start(
                "news", rate=400, count=BURST, oddities=Oddities(missing_ids=True, duplicates=True)
            )
        )
        feed.wait(lambda simulator, at=target: simulator.until(lambda: simulator.channels["news"].published >= at))
        time.sleep(dice.uniform(0.0, 0.02))
        process.kill()
        feed.wait(lambda _simulator, traffic=traffic: traffic)
    process.start()
    recovered(process)
    assert process.stop() == 0

    sent = messages(feed, "news")
    committed = read_topic(kafka.bootstrap_servers, f"{prefix}.news")
    check(expected("news", sent), committed)
    assert read_topic(kafka.bootstrap_servers, f"{prefix}.gaps") == []

    # And the faults really happened.
    replays = process.events("stream.live")
    assert cut_off(), "no transaction was cut off by a kill"
    assert sum(event["replayed"] - event["new"] for event in replays) > 0, "no replay brought anything twice"
    assert sum(event["new"] for event in replays) > 0, "no replay brought anything that a kill had lost"
