"""What waits for a worker: records, and what is known of the partition's end. Handed over between two threads."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.processor.task import Consumed

FULL: Final = 2000
"""Records that may wait; above it the partition is paused, until half of them are done: a pause throws away what
librdkafka has fetched ahead."""


class End(NamedTuple):
    """How far a partition with nothing that waits is read."""

    read_to: int
    """Everything below this offset was handed over: behind the last record there are only markers. 0: not known."""

    stable: tuple[int, int] | None
    """An instant (µs since the epoch) and the last stable offset the partition had then."""


class Inbox:
    """One partition's. The group's thread puts, the worker's takes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._records: deque[Consumed] = deque()
        self._in_hand = 0
        """Timestamp of the oldest record that was taken and is not done."""
        self._again_at: float | None = None
        """When those that were given back may be taken again; monotonic seconds."""
        self._read_to = 0
        self._stable: tuple[int, int] | None = None
        self._closed = False

    # For the group's thread

    def put(self, records: Sequence[Consumed]) -> None:
        """These were consumed, in order."""
        with self._changed:
            if not self._closed:
                self._records.extend(records)
                self._changed.notify()

    def at_end(self, offset: int) -> None:
        """The consumer has handed over everything below `offset`."""
        with self._changed:
            self._read_to = offset
            self._changed.notify()

    def stable_until(self, instant: int, offset: int) -> None:
        """At `instant` (µs) the partition's last stable offset was `offset`."""
        with self._changed:
            self._stable = (instant, offset)
            self._changed.notify()

    def wake(self) -> None:
        """End the wait in `take`: something else is to be looked at."""
        with self._changed:
            self._changed.notify()

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be consumed for now."""
        return len(self._records) >= FULL

    @property
    def has_room(self) -> bool:
        """Whether a pause may end."""
        return len(self._records) <= FULL // 2

    @property
    def waiting_since(self) -> int:
        """Timestamp of the oldest record that is not done; ms since the epoch, 0: none waits."""
        try:
            return self._in_hand or self._records[0].timestamp
        except IndexError:
            return 0

    # For the worker's

    def take(self, at_most: int, patience: float, stop: threading.Event) -> list[Consumed]:
        """The next records, once there are any; none after `patience` seconds, a `wake`, or anything else that is new.

        None either while what was given back has to wait, or once `stop` is set.
        """
        with self._changed:
            if not stop.is_set() and (not self._records or self._again_at is not None):
                self._changed.wait(patience)
            if stop.is_set():
                return []
            if self._again_at is not None:
                if time.monotonic() < self._again_at:
                    return []
                self._again_at = None
            taken = [self._records.popleft() for _ in range(min(at_most, len(self._records)))]
            self._in_hand = taken[0].timestamp if taken else 0
            return taken

    def give_back(self, records: Sequence[Consumed], wait: float) -> None:
        """They could not be processed; they come first again, in `wait` seconds at the earliest."""
        with self._changed:
            self._records.extendleft(reversed(records))
            self._again_at = time.monotonic() + wait

    def done(self) -> None:
        """What was taken is processed and committed."""
        self._in_hand = 0

    def end(self) -> End | None:
        """How far the partition is read; None while records wait."""
        with self._changed:
            return None if self._records else End(self._read_to, self._stable)

    def close(self) -> None:
        """Take nothing more, and let go of what waits: a successor gets it."""
        with self._changed:
            self._closed = True
            self._records.clear()
