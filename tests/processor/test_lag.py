"""Lag in messages and seconds, and what an outage of Kafka does to deadlines."""

from __future__ import annotations

import pytest

from connector.processor.call import JoinSettings
from connector.processor.effects import PublishCall
from connector.processor.joiner import Joiner
from connector.processor.lag import OUTAGE, RECONNECT, PartitionLag
from tests.support.sentences import HOUR, MINUTE, SECOND, START, sentence

SETTINGS = JoinSettings(10 * SECOND, 30 * MINUTE, 12 * HOUR, 24 * HOUR)


@pytest.mark.parametrize(
    ("end", "position", "waiting", "processed", "expected"),
    [
        pytest.param(7, 7, 0, START - HOUR, (0, 0.0), id="idle for an hour"),
        pytest.param(7, 9, 0, START, (0, 0.0), id="read beyond what was measured"),
        pytest.param(9, 7, START - 5 * SECOND, START - 6 * SECOND, (2, 5.0), id="what waits is the oldest"),
        pytest.param(9, 7, 0, START - 6 * SECOND, (2, 6.0), id="not even fetched"),
        pytest.param(9, 7, 0, 0, (2, 0.0), id="of an age nobody knows"),
        pytest.param(9, 7, START + SECOND, 0, (2, 0.0), id="the source's clock is ahead"),
    ],
)
def test_the_lag_of_a_partition(
    end: int, position: int, waiting: int, processed: int, expected: tuple[int, float]
) -> None:
    lag = PartitionLag()
    measured = lag.measured(START, end, position, waiting=waiting, processed=processed, now=START)
    assert measured == lag.latest == (end, *expected)


def test_what_comes_after_a_quiet_hour_is_not_an_hour_old() -> None:
    lag = PartitionLag()
    lag.measured(START, 7, 7, waiting=0, processed=START - HOUR, now=START)
    later = START + SECOND
    assert lag.measured(later, 8, 7, waiting=0, processed=START - HOUR, now=later).seconds == 1.0


def test_after_an_outage_the_end_is_no_silence_until_a_source_can_have_published() -> None:
    lag = PartitionLag()
    for at in (0, SECOND, SECOND + OUTAGE):
        lag.answered(START + at, START + at)
        assert lag.held_until == 0
    back = START + SECOND + 2 * OUTAGE + SECOND
    lag.answered(back, back)
    assert lag.held_until == back + RECONNECT
    lag.answered(back + SECOND, back + SECOND)
    assert lag.held_until == back + RECONNECT


def test_a_call_that_was_silent_during_an_outage_is_closed_only_when_the_source_had_its_turn() -> None:
    lag, joiner = PartitionLag(), Joiner(0, SETTINGS)
    joiner.add(sentence(0), START)
    lag.answered(START, START)
    back = START + HOUR  # Kafka was away all the time, for the source as well

    def closed(at: int) -> list[str]:
        lag.answered(at, at)
        joiner.hold(lag.held_until)
        joiner.read_until(at)
        return [effect.reason for effect in joiner.due(at) if isinstance(effect, PublishCall)]

    for second in range(RECONNECT // SECOND):
        assert closed(back + second * SECOND) == []
    joiner.add(sentence(1, at=20 * 60, offset=1), back + RECONNECT - SECOND)  # received meanwhile, published now
    assert closed(back + RECONNECT) == ["idle"]
    assert joiner.open_calls == 0


def test_a_short_hiccup_delays_nothing() -> None:
    lag, joiner = PartitionLag(), Joiner(0, SETTINGS)
    joiner.add(sentence(0), START)
    for at in (START + 30 * MINUTE - OUTAGE, START + 30 * MINUTE):
        lag.answered(at, at)
        joiner.hold(lag.held_until)
        joiner.read_until(at)
    assert [effect.reason for effect in joiner.due(at) if isinstance(effect, PublishCall)] == ["idle"]
