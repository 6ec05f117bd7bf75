"""Whether a process may carry a stream: single rules, then seeded runs of several processes that share one stream."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from connector.kafka.claims import Claim
from connector.source.tenure import Effect, Phase, Tenure

RUNS = 300
STEPS = 60


def claim(instance: str, at: int = 1, released_at: int | None = None) -> Claim:
    return Claim("news", instance, at, "g", released_at)


@pytest.fixture
def owner() -> Tenure:
    """One that was assigned, and has claimed."""
    tenure = Tenure("news", "us")
    assert tenure.claimed(claim("before us")) is None
    assert tenure.assigned() is Effect.START
    assert tenure.claimed(claim("us", 2)) is None
    assert tenure.owner == "us"
    return tenure


def test_claims_from_before_our_own_do_not_dispute_it() -> None:
    tenure = Tenure("news", "us")
    tenure.assigned()
    for at in range(3):  # history that is read while we fence
        assert tenure.claimed(claim(f"dead {at}", at)) is None
    assert tenure.among(Phase.OWNED)


def test_revoked_is_finished_in_order(owner: Tenure) -> None:
    assert owner.revoked() is Effect.STOP
    assert owner.among(Phase.ABSENT)
    assert owner.assigned() is Effect.START


def test_who_slept_gives_the_socket_up_at_once(owner: Tenure) -> None:
    assert owner.lost(slept=True) is Effect.HALT
    assert owner.among(Phase.ABSENT)
    assert owner.claimed(claim("other", 3)) is None


def test_a_silent_group_costs_no_connection_where_the_stream_comes_back(owner: Tenure) -> None:
    assert owner.lost(slept=False) is None
    assert owner.among(Phase.DOUBTFUL)
    assert owner.assigned() is None
    assert owner.among(Phase.OWNED)


def test_what_was_kept_in_doubt_is_halted_where_the_group_gave_it_to_another(owner: Tenure) -> None:
    owner.lost(slept=False)
    assert owner.rejoined(assigned=False) is Effect.HALT
    assert owner.among(Phase.ABSENT)


@pytest.mark.parametrize("told", ["claim", "fence", "sleep"])
def test_doubt_ends_when_another_has_it_or_we_slept(owner: Tenure, told: str) -> None:
    owner.lost(slept=False)
    if told == "claim":
        assert owner.claimed(claim("other", 3)) is Effect.HALT
    elif told == "sleep":
        assert owner.lost(slept=True) is Effect.HALT
    else:
        assert owner.fenced() is None  # it has ended by itself
    assert owner.among(Phase.ABSENT)


def test_a_stream_taken_by_another_group_is_waited_for(owner: Tenure) -> None:
    assert owner.claimed(claim("other", 3)) is Effect.HALT
    assert owner.among(Phase.CONTESTED)
    assert owner.claimed(claim("third", 4)) is None
    assert owner.claimed(claim("third", 4, released_at=5)) is None  # in its group it may be on its way to a fourth
    assert owner.among(Phase.CONTESTED)
    assert owner.freed() is Effect.START
    assert owner.among(Phase.OWNED)


def test_a_contest_ends_with_the_assignment(owner: Tenure) -> None:
    owner.claimed(claim("other", 3))
    assert owner.revoked() is None  # nothing runs
    assert owner.claimed(claim("other", 3, released_at=4)) is None
    assert owner.among(Phase.ABSENT)


def test_a_contest_ends_with_the_claimant(owner: Tenure) -> None:
    assert owner.fenced() is None
    assert owner.among(Phase.CONTESTED)
    assert owner.freed() is Effect.START
    assert owner.freed() is None


@dataclass
class Process:
    """A tenure, and what runs because of it."""

    name: str
    tenure: Tenure
    running: bool = False
    unread: list[Claim] = field(default_factory=list)


class World:
    """Two sources of one group, and a rival of another one; each hears of claims when it gets round to it."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.processes = [Process(name, Tenure("news", name)) for name in ("one", "two", "rival")]
        *self.group, self.rival = self.processes
        self.assigned: Process | None = None
        """Who has the partition in the group of two."""

        self.log: list[Claim] = []

    def step(self) -> None:
        """Something happens to somebody."""
        events = [self.hear, self.rebalance, self.lose, self.join_rival, self.leave_rival]
        self.dice.choice(events)(self.dice.choice(self.processes))

    def hear(self, process: Process) -> None:
        while process.unread:
            self.do(process, process.tenure.claimed(process.unread.pop(0)))

    def rebalance(self, process: Process) -> None:
        """In order: the old one is done before the new one begins."""
        if process is self.rival or process is self.assigned:
            return
        if self.assigned is not None:
            self.do(self.assigned, self.assigned.tenure.revoked())
        self.give(process)

    def lose(self, process: Process) -> None:
        """Its session times out; perhaps the other one gets the stream before it is back."""
        if process is not self.assigned:
            return
        self.do(process, process.tenure.lost(slept=self.dice.random() < 0.5))
        if self.dice.random() < 0.5:
            self.give(next(other for other in self.group if other is not process))
            self.do(process, process.tenure.rejoined(assigned=False))
        else:
            self.give(process)

    def join_rival(self, process: Process) -> None:
        if process is self.rival and process.tenure.among(Phase.ABSENT):
            self.do(process, process.tenure.assigned())

    def leave_rival(self, process: Process) -> None:
        if process is self.rival and process.tenure.among(Phase.OWNED):
            self.do(process, process.tenure.revoked())

    def give(self, process: Process) -> None:
        self.assigned = process
        self.do(process, process.tenure.assigned())

    def do(self, process: Process, effect: Effect | None) -> None:
        fences = self.log and self.log[-1].instance == process.name
        match effect:
            case Effect.START:
                process.running = True
                self.append(claim(process.name, len(self.log)))
            case Effect.STOP:
                process.running = False
                if fences:  # else the release is refused: another one has fenced it
                    self.append(claim(process.name, len(self.log), released_at=len(self.log)))
            case Effect.HALT:
                process.running = False

    def append(self, one: Claim) -> None:
        self.log.append(one)
        for process in self.processes:
            process.unread.append(one)


def test_with_any_order_of_events_the_last_to_fence_has_it_and_nobody_is_locked_out() -> None:
    contests = 0
    for seed in range(RUNS):
        world = World(seed)
        for _ in range(STEPS):
            world.step()
        for _ in range(3):
            for process in world.processes:
                world.hear(process)
        running = [process for process in world.processes if process.running]
        assert len(running) <= 1, seed
        if running:
            assert world.log[-1].instance == running[0].name, seed
        for process in world.group:
            if process.tenure.among(Phase.CONTESTED):
                contests += 1
                assert process is world.assigned, seed
                world.do(process, process.tenure.freed())  # once it is seen that the claimant is gone
                assert process.running, seed
        if world.assigned is not None:
            assert world.assigned.running, seed
    assert contests > RUNS / 20
