"""Merging a replay with live frames."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.source.settle import in_event_order

Item = tuple[int, int | None]


def ordered(times: list[int | None]) -> list[Item]:
    return in_event_order(list(enumerate(times)), lambda item: item[1])


def test_replayed_frames_that_come_newest_first_are_turned_round() -> None:
    assert [time for _, time in ordered([3, 2, 1, 4])] == [1, 2, 3, 4]


def test_a_frame_without_a_time_keeps_its_place() -> None:
    assert [time for _, time in ordered([3, None, 1])] == [1, None, 3]


@given(st.lists(st.none() | st.integers(0, 5)))
def test_nothing_is_lost_and_equal_times_keep_their_order(times: list[int | None]) -> None:
    result = ordered(times)
    assert sorted(result, key=lambda item: item[0]) == list(enumerate(times))
    assert [index for index, (_, time) in enumerate(result) if time is None] == [
        index for index, time in enumerate(times) if time is None
    ]
    timed = [(time, arrival) for arrival, time in result if time is not None]
    assert timed == sorted(timed)
