"""Resident memory of a source that has carried 10,000, 50,000 and 100,000 messages, at saturation.

`now` is read once everything sent so far is committed, `peak` is the highest since the process began.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.machine import resident
from benchmarks.throughput import SIZES

if TYPE_CHECKING:
    from benchmarks.stage import Stage

STEPS: Final = (0, 10_000, 50_000, 100_000)
_AT_ONCE: Final = 10_000
"""Messages the sender makes before it sends them."""


def measure(stage: Stage, steps: tuple[int, ...] = STEPS) -> list[dict[str, Any]]:
    """One row a stream and step, in megabytes."""
    return [row for stream in SIZES for row in _rows(stage, stream, steps)]


def _rows(stage: Stage, stream: str, steps: tuple[int, ...]) -> list[dict[str, Any]]:
    prefix, rows, done = stage.prefix(), [], 0
    with stage.live_source(stream, prefix) as source:
        for step in steps:
            while done < step:
                count = min(_AT_ONCE, step - done)
                stage.prepare(stream, count, SIZES[stream], done)
                stage.send(stream)
                done += count
            if step:
                stage.topics.complete(f"{prefix}.{stream}", step)
            rows.append({"stream": stream, "messages": step, **resident(source.pid)})
    return rows
