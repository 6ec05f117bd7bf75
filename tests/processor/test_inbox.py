"""What waits for a worker."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from connector.processor.inbox import FULL, End, Inbox
from connector.processor.task import Consumed

if TYPE_CHECKING:
    from collections.abc import Callable

STOP = threading.Event()
"""Never set."""


def records(*offsets: int) -> list[Consumed]:
    return [Consumed(offset, 1000 + offset, b"", b"") for offset in offsets]


def offsets(taken: list[Consumed]) -> list[int]:
    return [record.offset for record in taken]


def test_records_are_taken_in_order_and_as_many_as_wanted() -> None:
    inbox = Inbox()
    inbox.put(records(0, 1))
    inbox.put(records(2))
    assert inbox.waiting_since == 1000
    assert offsets(inbox.take(2, 0, STOP)) == [0, 1]
    assert inbox.waiting_since == 1000, "what is taken is not done"
    inbox.done()
    assert inbox.waiting_since == 1002
    assert offsets(inbox.take(2, 0, STOP)) == [2]
    inbox.done()
    assert inbox.waiting_since == 0
    assert inbox.take(2, 0, STOP) == []


def test_the_end_is_known_once_nothing_waits() -> None:
    inbox = Inbox()
    inbox.put(records(0))
    inbox.at_end(3)
    inbox.stable_until(77, 3)
    assert inbox.end() is None
    inbox.take(1, 0, STOP)
    assert inbox.end() == End(3, (77, 3))


def test_it_is_full_and_has_room_again() -> None:
    inbox = Inbox()
    inbox.put(records(*range(FULL)))
    assert (inbox.is_full, inbox.has_room) == (True, False)
    inbox.take(FULL // 2 - 1, 0, STOP)
    assert (inbox.is_full, inbox.has_room) == (False, False)
    inbox.take(1, 0, STOP)
    assert inbox.has_room


def test_what_is_given_back_comes_first_but_not_at_once() -> None:
    inbox = Inbox()
    inbox.put(records(0, 1, 2))
    taken = inbox.take(2, 0, STOP)
    inbox.give_back(taken, 0.2)
    began = time.monotonic()
    found: list[Consumed] = []
    while not found:
        found = inbox.take(5, 0.01, STOP)
    assert offsets(found) == [0, 1, 2]
    assert time.monotonic() - began > 0.15


EVENTS: tuple[Callable[[Inbox], None], ...] = (
    lambda inbox: inbox.put(records(0)),
    lambda inbox: inbox.at_end(1),
    lambda inbox: inbox.stable_until(1, 1),
    lambda inbox: inbox.wake(),
)


@pytest.mark.parametrize("event", EVENTS, ids=["records", "end", "stable", "stop"])
def test_whoever_waits_is_woken(event: Callable[[Inbox], None]) -> None:
    inbox, woken = Inbox(), threading.Event()

    def wait() -> None:
        inbox.take(1, 60, STOP)
        woken.set()

    threading.Thread(target=wait, daemon=True).start()
    while not woken.wait(0.01):  # again and again: it may not wait yet
        event(inbox)


def test_a_closed_one_keeps_nothing_and_takes_nothing() -> None:
    inbox = Inbox()
    inbox.put(records(0))
    inbox.close()
    inbox.put(records(1))
    assert inbox.take(5, 0, STOP) == []


def test_nothing_is_taken_once_it_is_to_stop() -> None:
    inbox, stop = Inbox(), threading.Event()
    inbox.put(records(0))
    stop.set()
    assert inbox.take(5, 60, stop) == []
