from __future__ import annotations

from connector.processor.horizon import Horizon


def test_before_anything_is_read_no_deadline_has_passed() -> None:
    assert Horizon().limit(1_000) == 0


def test_while_reading_behind_time_is_that_of_the_records() -> None:
    horizon = Horizon()
    horizon.heard(100)
    horizon.heard(90)
    assert horizon.limit(1_000) == 100


def test_at_the_end_time_is_that_of_the_clock() -> None:
    horizon = Horizon()
    horizon.heard(100)
    horizon.read_until(900)
    assert horizon.limit(1_000) == 900


def test_a_source_whose_clock_is_ahead_hurries_nothing() -> None:
    horizon = Horizon()
    horizon.heard(5_000)
    assert horizon.limit(1_000) == 1_000


def test_after_an_outage_the_end_proves_nothing_for_a_while() -> None:
    horizon = Horizon()
    horizon.heard(100)
    horizon.hold(950)
    horizon.read_until(900)
    assert horizon.limit(1_000) == 100
    horizon.read_until(950)
    assert horizon.limit(1_000) == 950
