"""From a frame's sending until a consumer has its record, at a given rate; the broker's own commit time beside it.

Two consumers look on, one read_committed, one read_uncommitted, each a process of its own; sender and consumers note
the time on the clock they share. The yardstick comes right after: transactions of as many records as the source put in
its own on average, as often, by a producer that does nothing else.
"""

from __future__ import annotations

import json
import statistics
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from benchmarks.children import Child
from benchmarks.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.stage import Stage

STREAM: Final = "transcripts"
SIZE: Final = 1700
WARM_UP: Final = 50
"""Messages before those that count: everybody has met the broker by then."""

_ISOLATIONS: Final = ("read_committed", "read_uncommitted")


def measure(stage: Stage, rates: Mapping[int, int], **settings: str) -> list[dict[str, Any]]:
    """One row a rate; `rates`: messages a second, and how many. Times are milliseconds."""
    prefix = stage.prefix()
    topic = f"{prefix}.{STREAM}"
    keys = Frames(STREAM, SIZE)
    with ExitStack() as stack:
        source = stack.enter_context(stage.live_source(STREAM, prefix, **settings))
        readers = {name: stack.enter_context(_reader(stage, topic, name)) for name in _ISOLATIONS}
        stage.prepare(STREAM, WARM_UP, SIZE)
        stage.send(STREAM, 50)
        stage.topics.complete(topic, WARM_UP)
        first, rows = WARM_UP, []
        for rate, count in rates.items():
            _seen(readers)
            transactions = source.metric("transactions_total", result="committed")
            stage.prepare(STREAM, count, SIZE, first)
            sent = stage.send(STREAM, rate)["sent_at"]
            stage.topics.complete(topic, first + count)
            transactions = source.metric("transactions_total", result="committed") - transactions
            row: dict[str, Any] = {"rate": rate, "messages": count, "mean_batch": count / transactions}
            for name, seen in _seen(readers).items():
                waits = [seen[keys.key(first + n)] - at for n, at in enumerate(sent)]
                row |= _percentiles(name, waits)
            rows.append(row)
            first += count
    for row in rows:
        row.update(_commits(stage, row))
        row["committed_p99 / commit_p99"] = row["read_committed_p99"] / row["commit_p99"]
    return rows


def _reader(stage: Stage, topic: str, isolation: str) -> Child:
    where = {"bootstrap_servers": stage.kafka.bootstrap_servers, "topic": topic, "isolation": isolation}
    child = Child("benchmarks.reader", environment={"READER": json.dumps(where)})
    child.hear()
    return child


def _seen(readers: dict[str, Child]) -> dict[str, dict[str, float]]:
    return {name: reader.ask({})["seen"] for name, reader in readers.items()}


def _commits(stage: Stage, row: dict[str, Any]) -> dict[str, float]:
    topic = stage.prefix()
    stage.topics.create(topic)
    batch = max(1, round(row["mean_batch"]))
    todo = {
        "bootstrap_servers": stage.kafka.bootstrap_servers,
        "topic": topic,
        "stream": STREAM,
        "size": SIZE,
        "batch": batch,
        # At a message a second nobody learns more from waiting.
        "interval": min(batch / row["rate"], 0.1),
        "count": min(500, max(100, round(row["messages"] / batch))),
    }
    with Child("benchmarks.commits", environment={"COMMITS": json.dumps(todo)}) as child:
        return _percentiles("commit", child.hear()["took"])


def _percentiles(name: str, seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {f"{name}_p50": cuts[49] * 1000, f"{name}_p99": cuts[98] * 1000}
