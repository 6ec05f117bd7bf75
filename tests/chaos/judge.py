"""Reads everything as a foreign consumer would, lets the obligations be checked, and counts what recovering it took."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.streams import STREAMS
from tests.chaos.evidence import MESSAGES, Case, instant
from tests.chaos.obligations import Violation, check
from tests.chaos.world import IDLE_SECONDS, PARTITIONS
from tests.support.calls import check_alerts, check_calls, fell_silent
from tests.support.consume import read_topic
from tests.support.oracle import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chaos.plan import Fault
    from tests.chaos.world import World
    from tests.support.consume import Record


UNSURE_SECONDS = 20.0
"""So much shorter than the idle time a silence may be, and a call may still have been closed by it."""


@dataclass
class Verdict:
    """What was found."""

    violations: list[Violation] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """What was sent and what is there."""

    recoveries: Counter[str] = field(default_factory=Counter)
    """How often each way of recovering was gone: proof that the faults were real."""


def judge(world: World, schedule: Sequence[Fault]) -> Verdict:
    """The world's processes have ended; its brokers and its simulator still stand."""
    verdict = Verdict()
    kinds = {fault.kind for fault in schedule}
    letters = _read(world, "dead-letters", decode=False)
    gaps = [{name: instant(value) for name, value in r.decoded.items()} for r in _read(world, "gaps")]
    transcripts: Case | None = None
    for stream in world.streams:
        sent, attached = world.feed.call(
            lambda simulator, s=stream: (simulator.sent(s), list(simulator.channels[s].attached))  # type: ignore[misc]
        )
        case = Case(
            stream,
            sent,
            attached,
            _read(world, stream),
            [letter for letter in letters if letter.headers["stream"] == stream],
            [gap for gap in gaps if gap["stream"] == stream],
            PARTITIONS,
            new_ids="feed.new-ids" in kinds,
            reordered="feed.new-first" in kinds,
            sources=len(world.sources),
        )
        verdict.violations += check(case)
        verdict.counts["frames sent"] += len(sent)
        verdict.counts["messages sent"] += sum(frame.kind in MESSAGES for frame in sent)
        verdict.counts["records"] += len(case.records)
        verdict.counts["dead letters"] += len(case.letters)
        verdict.counts["connections"] += len(attached)
        transcripts = case if stream == "transcripts" else transcripts
    for gap in gaps:
        verdict.counts[f"gaps {gap['reason']}"] += 1
    if transcripts is not None and world.processors:
        verdict.violations += _calls_and_alerts(world, transcripts, verdict.counts)
    verdict.recoveries = _recoveries(world)
    return verdict


def _read(world: World, name: str, *, decode: bool = True, isolation: str = "read_committed") -> list[Record]:
    url = world.registry.url if decode else None
    return read_topic(world.kafka.bootstrap_servers, world.topic(name), registry_url=url, isolation=isolation)


def _calls_and_alerts(world: World, case: Case, counts: Counter[str]) -> list[Violation]:
    """Every call and alert is what a naive join and a naive matcher make of what is on `transcripts`."""
    sent = {digest(frame.payload): frame.payload for frame in case.sent if frame.kind in MESSAGES}
    frames = [sent[print_] for r in case.records if (print_ := r.headers["benzinga-fingerprint"]) in sent]
    calls, alerts = _read(world, "calls"), _read(world, "alerts")
    counts["call revisions"], counts["alerts"] = len(calls), len(alerts)
    found = []
    # Where the source could not publish for a while, the silence that the processor saw was a longer one.
    silent = fell_silent(list(case.records), IDLE_SECONDS, unsure=UNSURE_SECONDS)
    try:
        check_calls(frames, calls, silent)
    except AssertionError as error:
        found.append(Violation("calls", "joined", f"calls are not what their sentences add up to: {error}"))
    try:
        check_alerts(list(case.records), alerts, at_least=1)
    except AssertionError as error:
        found.append(Violation("alerts", "alerted", f"alerts are not what the rules ask for: {error}"))
    return found


def _recoveries(world: World) -> Counter[str]:
    counted: Counter[str] = Counter()
    for event in world.events("stream.live"):
        counted["replays"] += 1
        repeated = int(str(event["replayed"])) - int(str(event["new"]))
        counted["messages a replay brought again"] += repeated
        counted["messages a replay recovered"] += int(str(event["new"]))
    for event in world.events("journal.recovered"):
        counted["journal recoveries"] += 1
        counted["entries recovered from journals"] += int(str(event["unpublished"])) + int(str(event["settling"]))
    for name, label in (
        ("stream.fenced", "fencings"),
        ("stream.taken_over_from", "streams taken over"),
        ("ownership.lost", "memberships lost"),
        ("processor.partition_fenced", "fencings of processors"),
        ("stream.rebuilding", "producers rebuilt"),
        ("kafka.transaction_aborted", "aborts asked for by Kafka"),
        ("processor.partition_restored", "partitions restored"),
        ("stream.tail_read", "tails read"),
    ):
        counted[label] = sum(1 for _ in world.events(name))
    for stream in (*world.streams, "calls", "alerts"):
        if stream in STREAMS or world.processors:
            written = len(_read(world, stream, decode=False, isolation="read_uncommitted"))
            kept = len(_read(world, stream, decode=False))
            counted["records of aborted transactions"] += written - kept
    return counted
