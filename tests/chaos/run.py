"""One run: traffic, faults by schedule, everything is mended, something fresh must pass, all is judged."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.chaos.faults import Faults, Skipped
from tests.chaos.judge import judge
from tests.chaos.obligations import Violation
from tests.chaos.plan import plan
from tests.support.consume import read_topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.judge import Verdict
    from tests.chaos.plan import Fault, Shape
    from tests.chaos.world import Member, World

WARM_UP = 2.0
"""Seconds of traffic before the first fault: a stream of which nothing is known yet owes no gap."""

FRESH_SECONDS = 120.0
STOP_SECONDS = 60.0
WATCH_SECONDS = 0.25
UNREACHABLE = "Error: kafka.bootstrap_servers"
"""What a process ends with that finds no Kafka when it starts: whoever runs it starts it again."""


@dataclass
class Outcome:
    """What a run came to."""

    seed: int
    schedule: list[Fault]
    began: float
    """Seconds since the epoch."""

    done: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    verdict: Verdict | None = None
    seconds_until_fresh: float = 0.0


class Run:
    """Carries a schedule out on a world that is ready."""

    def __init__(self, world: World, shape: Shape) -> None:
        self._world = world
        self._shape = shape
        self._faults = Faults(world)
        self._over = threading.Event()
        self.outcome = Outcome(world.seed, plan(world.seed, shape), time.time())

    def run(self) -> Outcome:
        world, outcome = self._world, self.outcome
        watcher = threading.Thread(target=self._watch, name="watch")
        watcher.start()
        try:
            world.feed.call(lambda _simulator: world.feeder.begin())
            time.sleep(WARM_UP)
            outcome.began = time.time()
            self._carry_out()
            self._faults.mend()
            self._fresh()
        finally:
            self._over.set()
            watcher.join()
        self._end()
        outcome.verdict = judge(world, outcome.schedule)
        outcome.violations += outcome.verdict.violations
        return outcome

    def _carry_out(self) -> None:
        begin = time.monotonic()
        with ThreadPoolExecutor(24, thread_name_prefix="fault") as pool:
            under_way = []
            for fault in self.outcome.schedule:
                time.sleep(max(0.0, begin + fault.at - time.monotonic()))
                under_way.append(pool.submit(self._one, fault))
            for future in under_way:
                future.result()

    def _one(self, fault: Fault) -> None:
        try:
            self._faults.carry_out(fault)
        except Skipped:
            self.outcome.skipped[fault.kind] += 1
        else:
            self.outcome.done[fault.kind] += 1

    def _watch(self) -> None:
        """A process that ends by itself is a violation; as Kubernetes would, it is started again."""
        while not self._over.wait(WATCH_SECONDS):
            for member in self._world.members:
                if member.lock.acquire(blocking=False):
                    try:
                        self._look_at(member)
                    finally:
                        member.lock.release()

    def _look_at(self, member: Member) -> None:
        process = member.process
        if not process.running:
            tail = process.log_tail().splitlines()
            if UNREACHABLE in tail[-1]:
                self.outcome.done["(start without Kafka, given up)"] += 1
            else:
                self._violate("ended", f"{process.command} ended by itself with {process.process.returncode}", tail)
            process.start()

    def _violate(self, name: str, what: str, history: list[str]) -> None:
        self.outcome.violations.append(Violation("", name, what, history, round(time.time() * 1_000_000)))

    def _fresh(self) -> None:
        """A message of each stream that is sent from now on arrives on its topic."""
        world, began = self._world, time.monotonic()
        world.feed.wait(lambda _simulator: world.feeder.end())
        missing, number = set(world.streams), 0
        while missing and time.monotonic() - began < FRESH_SECONDS:
            number += 1
            for stream in missing:
                world.feed.call(lambda _simulator, s=stream, n=number: world.feeder.fresh(s, n))  # type: ignore[misc]
            time.sleep(1.0)
            missing = {stream for stream in missing if not self._is_fresh(stream)}
        self.outcome.seconds_until_fresh = time.monotonic() - began
        for stream in missing:
            self._violate("stuck", f"no fresh message of {stream} within {FRESH_SECONDS:g} s", self._tails())
        for source in world.sources:
            self._await(lambda source=source: self._drained(source), f"a source is not drained: {source.process.log}")  # type: ignore[misc]

    def _is_fresh(self, stream: str) -> bool:
        records = read_topic(self._world.kafka.bootstrap_servers, self._world.topic(stream))
        return any((record.key or "").startswith("fresh-") for record in records)

    def _drained(self, source: Member) -> bool:
        process = source.process
        return process.get("/readyz")[0] == 200 and process.metric("benzinga_source_pending_messages") == 0

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + FRESH_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                self._violate("stuck", what, self._tails())
                return
            time.sleep(0.2)

    def _tails(self) -> list[str]:
        return [line for member in self._world.members for line in member.process.log_tail(8).splitlines()]

    def _end(self) -> None:
        """Orderly ends; the processors' only after their calls are closed."""
        world = self._world
        for source in world.sources:
            source.exits.append(source.process.stop(STOP_SECONDS))
        for stream_problem in self._await_calls():
            self._violate("stuck", stream_problem, [member.process.get("/status")[1] for member in world.processors])
        for processor in world.processors:
            processor.exits.append(processor.process.stop(STOP_SECONDS))
        for member in world.members:
            if member.exits and member.exits[-1] != 0:
                what = f"{member.process.command} ended with {member.exits[-1]} after everything was mended"
                self._violate("ended", what, member.process.log_tail().splitlines())

    def _await_calls(self) -> list[str]:
        if not self._world.processors or "transcripts" not in self._world.streams:
            return []
        deadline = time.monotonic() + FRESH_SECONDS
        while True:
            open_ = sum(p.process.metric("benzinga_processor_open_calls") for p in self._world.processors)
            lag = sum(p.process.metric("benzinga_processor_consumer_lag_messages") for p in self._world.processors)
            if not open_ and not lag and all(p.process.get("/readyz")[0] == 200 for p in self._world.processors):
                return []
            if time.monotonic() > deadline:
                return [f"{open_:g} calls are still open, {lag:g} sentences behind"]
            time.sleep(0.3)
