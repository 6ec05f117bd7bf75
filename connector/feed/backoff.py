"""How long to wait before the next attempt: jittered exponential, reset by stability and not by a handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector import settings

_SPREAD: Final = 1.5
"""A first wait of 2 s is drawn from 2 to 3 s, so that streams dropped together do not come back together."""


class Backoff:
    """The waits of one stream.

    A server that accepts and closes at once succeeds at every handshake: only a connection that lasted
    `stable_after` starts the waits anew.
    """

    def __init__(self, settings: settings.Backoff, random: Callable[[], float]) -> None:
        self._min = settings.min.total_seconds()
        self._max = max(self._min, settings.max.total_seconds())
        self._stable_after = settings.stable_after.total_seconds()
        self._random = random
        self._step = self._min

    def next(self) -> float:
        """Seconds to wait now, between `min` and `max`; the following wait is longer."""
        high = min(self._max, self._step * _SPREAD)
        low = max(self._min, high / 2)
        self._step = min(self._max, self._step * 2)
        return min(low + (high - low) * self._random(), high)

    def lasted(self, seconds: float) -> None:
        """A connection has ended after so long."""
        if seconds >= self._stable_after:
            self._step = self._min
