"""Waits: never under the minimum, never over the maximum, reset by stability alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import settings
from connector.feed.backoff import Backoff

DEFAULTS = settings.Backoff()


@pytest.mark.parametrize(
    ("random", "waits"),
    [(0.0, [2, 3, 6, 7.5, 7.5]), (1.0, [3, 6, 12, 15, 15]), (0.5, [2.5, 4.5, 9, 11.25, 11.25])],
)
def test_waits_double_up_to_the_maximum(random: float, waits: list[float]) -> None:
    backoff = Backoff(DEFAULTS, lambda: random)
    assert [backoff.next() for _ in waits] == pytest.approx(waits)


def test_a_handshake_alone_resets_nothing() -> None:
    backoff = Backoff(DEFAULTS, lambda: 0.0)
    waits = []
    for _ in range(4):
        waits.append(backoff.next())
        backoff.lasted(59.9)
    assert waits == [2, 3, 6, 7.5]
    backoff.lasted(60)
    assert backoff.next() == 2


@given(
    least=st.floats(0.01, 100),
    most=st.floats(0.01, 100),
    draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=20),
)
def test_every_wait_is_within_bounds(least: float, most: float, draws: list[float]) -> None:
    limits = settings.Backoff(min=timedelta(seconds=least), max=timedelta(seconds=most))
    low = limits.min.total_seconds()
    high = max(low, limits.max.total_seconds())
    drawn = iter(draws)
    backoff = Backoff(limits, lambda: next(drawn))
    for _ in draws:
        assert low <= backoff.next() <= high
