"""Kafka away for an hour at 50 messages a second, in quick motion; then how long until all of it is committed.

The broker is stopped (SIGSTOP) while 180,000 messages arrive as fast as the socket takes them: most of them wait in the
journal alone. The clock runs from the moment the broker goes on until the source has committed the last of them; then
the topic is read, and every message must be there exactly once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks.children import until
from benchmarks.machine import resident

if TYPE_CHECKING:
    from benchmarks.stage import Stage

STREAM: Final = "transcripts"
SIZE: Final = 1700


def measure(stage: Stage, messages: int) -> dict[str, Any]:
    """One row; seconds, and megabytes."""
    prefix = stage.prefix()
    topic = f"{prefix}.{STREAM}"
    broker = stage.kafka.broker(0)
    stage.prepare(STREAM, messages, SIZE)
    with stage.live_source(STREAM, prefix) as source:
        broker.pause()
        try:
            stage.send(STREAM)
            until(lambda: source.metric("messages_received_total") >= messages, "received")
            waiting = source.metric("pending_messages")
            journal = source.metric("journal_bytes")
            memory = resident(source.pid)["now"]
        finally:
            broker.resume()
        resumed = time.monotonic()
        until(lambda: source.metric("records_published_total") >= messages, "drained")
        drained = time.monotonic() - resumed
        peak = resident(source.pid)["peak"]
    records, keys = stage.topics.count(topic)
    if (records, keys) != (messages, messages):
        raise RuntimeError(f"{messages} sent, {records} records with {keys} keys found")
    return {
        "messages": messages,
        "waiting": waiting,
        "journal_megabytes": journal / 1e6,
        "memory_megabytes": memory,
        "peak_megabytes": peak,
        "drained_seconds": drained,
        "messages_per_second": messages / drained,
    }
