"""When a worker that broke is made anew."""

from __future__ import annotations

from connector.processor.restarts import MAX, MIN, Restarts

SESSION = 6.0


def waited(restarts: Restarts, offset: int | None, now: float, *, fenced: bool = False) -> float:
    """Seconds from a worker's break at `now` until it is made anew."""
    at = now
    while not restarts.is_due(0, offset, at, fenced=fenced, stalled=False):
        at += 0.5
        assert at < now + 100
    restarts.begun(0)
    return at - now


def test_longer_and_longer_while_it_breaks_at_the_same_offset() -> None:
    restarts = Restarts(SESSION)
    assert [waited(restarts, 7, 100.0 * n) for n in range(6)] == [MIN, 2 * MIN, 4 * MIN, 8 * MIN, MAX, MAX]
    assert waited(restarts, 8, 1000.0) == MIN  # it got on
    restarts.forget(0)
    assert waited(restarts, 8, 2000.0) == MIN


def test_a_fenced_one_waits_until_the_group_would_have_told() -> None:
    assert waited(Restarts(SESSION), 7, 0.0, fenced=True) == SESSION


def test_a_process_that_was_stopped_first_hears_what_the_group_says() -> None:
    restarts = Restarts(SESSION)
    assert not restarts.is_due(0, 7, 0.0, fenced=False, stalled=False)
    assert not restarts.is_due(0, 7, 100.0, fenced=False, stalled=True)
    assert not restarts.is_due(0, 7, 100.0 + MIN / 2, fenced=False, stalled=False)
    assert restarts.is_due(0, 7, 100.0 + MIN, fenced=False, stalled=False)


def test_one_that_cannot_begin_is_tried_again() -> None:
    restarts = Restarts(SESSION)
    restarts.is_due(0, None, 0.0, fenced=False, stalled=False)
    assert restarts.is_due(0, None, MIN, fenced=False, stalled=False)
    restarts.postpone(0, MIN)
    assert not restarts.is_due(0, None, MIN, fenced=False, stalled=False)
    assert restarts.is_due(0, None, 2 * MIN, fenced=False, stalled=False)
