"""Repeated log lines."""

from __future__ import annotations

from connector.feed.repeats import Repeats


def test_a_repeated_line_passes_once_a_period_and_says_how_many_were_held_back() -> None:
    repeats = Repeats(60)
    assert repeats.held_back("retry closed", 0) == 0
    assert repeats.held_back("retry network", 1) == 0
    assert repeats.held_back("retry closed", 10) is None
    assert repeats.held_back("retry closed", 59) is None
    assert repeats.held_back("retry closed", 60) == 2
    assert repeats.held_back("retry closed", 119) is None
    assert repeats.held_back("retry closed", 500) == 1
    assert repeats.held_back("retry closed", 600) == 0
