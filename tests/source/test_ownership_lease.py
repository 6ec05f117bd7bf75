"""A lease ends before the brokers could give the stream to another process."""

from __future__ import annotations

import random

from connector.source.lease import Lease, boot_seconds

SESSION = 6.0


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_is_valid_from_the_answer_on_counted_from_the_question() -> None:
    clock = Clock()
    lease = Lease(SESSION, clock)
    assert lease.due
    lease.ask()
    assert (lease.due, lease.valid) == (False, False)
    clock.now += 2
    lease.answered(ok=True)
    assert lease.valid
    clock.now += 3.9
    assert lease.valid
    clock.now += 0.1
    assert not lease.valid


def test_a_refused_or_late_answer_does_not_renew() -> None:
    clock = Clock()
    lease = Lease(SESSION, clock)
    lease.ask()
    lease.answered(ok=False)
    assert not lease.valid
    clock.now += 1.5
    assert lease.due
    lease.ask()
    clock.now += SESSION
    lease.answered(ok=True)
    assert not lease.valid


def test_an_answer_that_never_comes_is_not_waited_for() -> None:
    clock = Clock()
    lease = Lease(SESSION, clock)
    lease.ask()
    clock.now += SESSION
    assert not lease.due
    clock.now += 0.1
    assert lease.due
    for _ in range(2):
        lease.ask()
        clock.now += 0.1
        lease.answered(ok=True)
    assert lease.valid


def test_what_is_answered_after_the_end_counts_no_more() -> None:
    clock = Clock()
    lease = Lease(SESSION, clock)
    lease.ask()
    lease.end()
    lease.hurry()
    assert lease.due
    lease.ask()
    lease.answered(ok=True)  # the one from before
    assert not lease.valid
    lease.answered(ok=True)
    assert lease.valid


def test_no_two_leases_are_valid_at_one_moment() -> None:
    assert sum(stream_is_given_away(random.Random(seed)) for seed in range(200)) > 20


def stream_is_given_away(dice: random.Random) -> bool:
    """By a broker that hears questions late and answers late: a session after the last one that it heard."""
    clock = Clock()
    old = Lease(SESSION, clock)
    heard_at, given = clock.now, False
    under_way: list[tuple[float, float]] = []
    for _ in range(200):
        clock.now += dice.choice([0.05, 0.3, 2.0 * dice.random()])
        if old.due and dice.random() < 0.8:
            old.ask()
            arrives = clock.now + dice.choice([0.01, 4 * dice.random()])
            under_way.append((arrives, arrives + 3 * dice.random()))
            under_way.sort()
        while under_way and under_way[0][1] <= clock.now:
            arrived, _ = under_way.pop(0)
            ok = arrived - heard_at < SESSION and not given
            if ok:
                heard_at = max(heard_at, arrived)
            old.answered(ok=ok)
        if not given and clock.now - heard_at >= SESSION and not under_way:
            given = True
        assert not (given and old.valid)
    return given


def test_the_clock_goes_on() -> None:
    before = boot_seconds()
    assert boot_seconds() >= before
