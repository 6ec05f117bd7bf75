"""The yardstick for latency: how long the broker takes to commit, as a process of its own.

A transactional producer and nothing else: every `interval` seconds it begins a transaction, produces `batch` records,
and commits; configured as the source's own. `COMMITS` says what, as JSON; the answer is the seconds each took, from
the begin until the commit was acknowledged. The first ones are not counted: they look up coordinators and leaders.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Final

from benchmarks.frames import Frames
from benchmarks.topics import PARTITIONS
from connector.kafka import clients
from connector.settings import KafkaSettings

WARM_UP: Final = 10


def measure(
    bootstrap_servers: str, topic: str, stream: str, *, size: int, batch: int, interval: float, count: int
) -> list[float]:
    """The seconds of `count` transactions."""
    producer = clients.producer(KafkaSettings(bootstrap_servers=bootstrap_servers), topic)
    producer.init_transactions(30)
    frames, took, sent = Frames(stream, size), [], 0
    due = time.monotonic()
    for _ in range(count + WARM_UP):
        values = [frames.payload(n) for n in range(sent, sent + batch)]
        due = max(due + interval, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        began = time.monotonic()
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, partition=sent % PARTITIONS)
            sent += 1
        producer.commit_transaction(30)
        took.append(time.monotonic() - began)
    return took[WARM_UP:]


if __name__ == "__main__":
    todo: dict[str, Any] = json.loads(os.environ["COMMITS"])
    sys.stdout.write(json.dumps({"took": measure(**todo)}) + "\n")
