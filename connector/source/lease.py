"""How long this process may believe that it is a member of its group: pure, but for the clock.

The brokers give a member up one session time-out after they last heard of it. Counted from when a request that they
answered was *sent*, a lease of the same length always ends before that: what is said under a valid lease cannot be said
by a successor at the same moment, whether this process was stopped, starved or cut off in between.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

RENEWALS: Final = 4
"""In a lease: one answer may be lost, another late."""

_NEVER: Final = float("-inf")

_BOOT_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_seconds() -> float:
    """Seconds since the machine started, with those in which it slept, where the system counts them (Linux)."""
    return time.clock_gettime(_BOOT_CLOCK)


class Lease:
    """One process's membership, renewed by answers. `valid` is asked from any thread."""

    def __init__(self, seconds: float, clock: Callable[[], float] = boot_seconds) -> None:
        """`seconds`: the session time-out; `clock`: seconds that go on while the process is stopped."""
        self._seconds = seconds
        self._clock = clock
        self._until = _NEVER
        self._asked_at: deque[float] = deque()
        self._due = _NEVER

    @property
    def valid(self) -> bool:
        """Whether the brokers still count on this process."""
        return self._clock() < self._until

    @property
    def due(self) -> bool:
        """Whether a renewal should be asked for now: one at a time, until it could not help any more."""
        now = self._clock()
        return now >= self._due and all(now - at > self._seconds for at in self._asked_at)

    def ask(self) -> None:
        """A renewal is being sent."""
        now = self._clock()
        self._asked_at.append(now)
        self._due = now + self._seconds / RENEWALS

    def answered(self, *, ok: bool) -> None:
        """The oldest renewal was answered, or given up; `ok`: the brokers took it from a member."""
        asked_at = self._asked_at.popleft()
        if ok:
            self._until = max(self._until, asked_at + self._seconds)

    def hurry(self) -> None:
        """Renew at the next chance: there is something new to hold."""
        self._due = _NEVER

    def end(self) -> None:
        """The group has gone on without us, or we leave it. An answer that is still under way counts no more."""
        self._until = _NEVER
        self._asked_at = deque(_NEVER for _ in self._asked_at)

    def abandon(self) -> None:
        """As `end`; and of what was asked nothing will be answered any more."""
        self.end()
        self._asked_at.clear()
