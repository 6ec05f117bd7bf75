"""What repeats is let through a few times, then counted: nothing is dropped without a number."""

from __future__ import annotations

import random

from connector.repeats import Repeats


def test_the_first_few_pass_and_the_rest_is_told_when_the_window_ends() -> None:
    repeats: Repeats[int] = Repeats(burst=2, window=60)
    assert [repeats.admit("news", number, number) for number in range(5)] == [True, True, False, False, False]
    assert repeats.admit("ratings", 0, 5)
    assert repeats.due(59) == []
    assert repeats.next_due == 60
    assert repeats.due(60) == [(4, 3)]
    assert repeats.due(60) == []
    assert repeats.next_due is None


def test_what_goes_on_is_told_once_a_window_and_begins_anew_after_a_quiet_one() -> None:
    repeats: Repeats[str] = Repeats(burst=1, window=60)
    assert repeats.admit("news", "a", 0)
    assert not repeats.admit("news", "b", 1)
    assert repeats.due(60) == [("b", 1)]
    assert not repeats.admit("news", "c", 70)
    assert repeats.due(119) == []
    assert repeats.due(120) == [("c", 1)]
    assert repeats.admit("news", "d", 200)


def test_every_item_passes_or_is_counted() -> None:
    chance = random.Random(7)
    repeats: Repeats[int] = Repeats(burst=3, window=10)
    passed = told = 0
    now = 0.0
    for number in range(20_000):
        now += chance.choice((0.01, 0.5, 4.0, 30.0)) * chance.random()
        passed += repeats.admit(chance.randrange(5), number, now)
        if chance.random() < 0.2:
            told += sum(count for _, count in repeats.due(now))
    told += sum(count for _, count in repeats.due(now, everything=True))
    assert passed + told == 20_000
    assert told > 1000


def test_quiet_keys_are_forgotten() -> None:
    repeats: Repeats[int] = Repeats(burst=1, window=1)
    for number in range(10_000):
        repeats.admit(f"key {number}", number, number / 100)
    assert len(repeats._windows) < 200
