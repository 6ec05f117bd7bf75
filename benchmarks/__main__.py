"""`python -m benchmarks`: one whole round, its tables on standard output and all numbers as JSON where wanted."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import cold_start, latency, memory, outage, processor, throughput
from benchmarks.machine import describe
from benchmarks.report import show
from benchmarks.stage import NO_JOURNAL, Stage
from connector import logs

if TYPE_CHECKING:
    from collections.abc import Callable


def _throughput(stage: Stage, quick: bool) -> Any:
    found = throughput.measure(stage, messages=20_000 if quick else 50_000, rounds=1 if quick else 3)
    show("Throughput at saturation (CPU seconds for 100,000 messages)", found["medians"])
    return found


def _latency(stage: Stage, quick: bool) -> Any:
    rates = {1: 10, 100: 500, 1000: 5000} if quick else {1: 40, 100: 2000, 1000: 20_000}
    found = latency.measure(stage, rates)
    show("Latency: frame sent → seen by a consumer (milliseconds)", found)
    return found


def _memory(stage: Stage, quick: bool) -> Any:
    found = memory.measure(stage, (0, 10_000, 30_000) if quick else memory.STEPS)
    show("Resident memory (megabytes)", found)
    return found


def _cold_start(stage: Stage, quick: bool) -> Any:
    found = cold_start.measure(stage, records=20_000 if quick else 100_000, rounds=1 if quick else 5)
    show("From start to ready (seconds)", found)
    return found


def _journal(stage: Stage, quick: bool) -> Any:
    rates = {1000: 5000 if quick else 20_000}
    rows = [
        {"journal": name, **row}
        for name, settings in (("yes", {}), ("no", NO_JOURNAL))
        for row in latency.measure(stage, rates, **settings)
    ]
    show("Latency with and without the journal (milliseconds)", rows)
    drained = outage.measure(stage, 30_000 if quick else 180_000)
    show("After an outage of Kafka", [drained])
    return {"latency": rows, "outage": drained}


def _processor(stage: Stage, quick: bool) -> Any:
    found = processor.measure(stage, sentences=30_000 if quick else 100_000, each=100 if quick else 500)
    for title, row in found.items():
        show(f"Processor: {title}", [row])
    return found


PARTS: Final[dict[str, Callable[[Stage, bool], Any]]] = {
    "throughput": _throughput,
    "latency": _latency,
    "memory": _memory,
    "cold-start": _cold_start,
    "journal": _journal,
    "processor": _processor,
}


def main() -> None:
    """Parse the command line, run the parts, print and keep the results."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; none: all of them")
    parser.add_argument("--quick", action="store_true", help="fewer messages and one round: about two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number here")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    logs.configure("warning")
    machine = describe()
    show("Machine", [machine])
    results: dict[str, Any] = {"machine": machine, "quick": options.quick}
    with Stage() as stage:
        for name in options.parts or PARTS:
            results[name] = PARTS[name](stage, options.quick)
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
