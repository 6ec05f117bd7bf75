"""Messages a second, and CPU seconds for 100,000 messages, at saturation; the bare parts beside it.

The source runs as it is, and once more without its journal, which says what that costs. All carry the same messages
from the same sender into a topic of their own, in turns. The clock runs from the first byte sent until the last record
is committed (bare parts: acknowledged), as the topic's end offsets tell; CPU seconds are what the kernel charged the
process in that time. Afterwards the topic is read: a run counts only if every message
is there exactly once.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.children import Child
from benchmarks.machine import resident, usage
from benchmarks.stage import NO_JOURNAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.stage import Stage

WHO: Final = ("source", "no journal", "bare")
SIZES: Final = {"transcripts": 1700, "news": 5000}


@dataclass(frozen=True)
class Run:
    """One run of one of them."""

    stream: str
    who: str
    messages: int
    mean_bytes: int
    messages_per_second: float
    cpu_seconds: float
    """For 100,000 messages."""

    librdkafka_cpu_seconds: float
    """The part of it in librdkafka's threads."""

    peak_megabytes: float
    cores: float
    """Mean cores kept busy."""


def measure(stage: Stage, *, messages: int, rounds: int) -> dict[str, Any]:
    """Every run, and the medians with their ratios."""
    # Whoever goes first goes second the next time.
    orders = [WHO[:: -1 if number % 2 else 1] for number in range(rounds)]
    runs = [_run(stage, stream, who, messages) for stream in SIZES for order in orders for who in order]
    return {"runs": [asdict(run) for run in runs], "medians": list(_medians(runs))}


def _run(stage: Stage, stream: str, who: str, messages: int) -> Run:
    size = SIZES[stream]
    prefix = stage.prefix()
    topic = f"{prefix}.{stream}"
    written = stage.prepare(stream, messages, size)
    if who == "bare":
        child = _bare(stage, stream, topic, size)
    else:
        child = stage.live_source(stream, prefix, **(NO_JOURNAL if who == "no journal" else {}))
    with child:
        before = usage(child.pid)
        sent = stage.send(stream)
        ended = stage.topics.complete(topic, messages)
        used, peak = usage(child.pid) - before, resident(child.pid)["peak"]
    records, keys = stage.topics.count(topic)
    if records != messages or (who != "bare" and keys != messages):
        raise RuntimeError(f"{who}, {stream}: {messages} sent, {records} records with {keys} keys found")
    seconds, scale = ended - sent["began"], 100_000 / messages
    return Run(
        stream,
        who,
        messages,
        mean_bytes=written // messages,
        messages_per_second=messages / seconds,
        cpu_seconds=used.total * scale,
        librdkafka_cpu_seconds=used.librdkafka * scale,
        peak_megabytes=peak,
        cores=used.total / seconds,
    )


def _bare(stage: Stage, stream: str, topic: str, size: int) -> Child:
    stage.topics.create(topic)
    todo = {
        "stream": stream,
        "size": size,
        "topic": topic,
        "bootstrap_servers": stage.kafka.bootstrap_servers,
        "url": stage.feed["url"],
        "token": stage.feed["token"],
    }
    child = Child("benchmarks.bare", environment={"BARE": json.dumps(todo)})
    child.hear()
    return child


def _medians(runs: list[Run]) -> Iterator[dict[str, Any]]:
    for stream in SIZES:
        rows = {}
        for who in WHO:
            mine = [run for run in runs if (run.stream, run.who) == (stream, who)]
            rows[who] = {
                name: statistics.median(getattr(run, name) for run in mine)
                for name in ("messages_per_second", "cpu_seconds", "librdkafka_cpu_seconds", "peak_megabytes")
            }
            yield {"stream": stream, "who": who, "bytes": mine[0].mean_bytes, **rows[who]}
        for other in WHO[1:]:
            yield {"stream": stream, "who": f"source / {other}"} | {
                name: rows["source"][name] / rows[other][name] for name in ("messages_per_second", "cpu_seconds")
            }
