"""Liveness, start and readiness (contract §5).

Alive: the event loop runs; never whether the feed, the broker or the registry is well, for a restart would not help
them. Started: for the first time nothing is being checked or restored any more; never whether the feed is well.
Ready: nothing that was promised is missing; the reasons come from whoever knows them.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BEAT_EVERY: Final = 1.0
STALE_AFTER: Final = 30.0
"""Seconds without a beat: far longer than any turn of the loop, shorter than a probe's patience."""


def no_reason() -> Sequence[str]:
    """Nothing stands in the way."""
    return ()


class Health:
    """The pulse of the event loop, and the reasons for not being started or ready. Read from any thread."""

    def __init__(
        self,
        reasons: Callable[[], Sequence[str]] = no_reason,
        *,
        starting: Callable[[], Sequence[str]] = no_reason,
        stale_after: float = STALE_AFTER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`reasons`: sentences that say why the process is not ready, none where it is; called in another thread.

        `starting`: those among them that are about the start: what is checked, fenced or restored.
        """
        self._reasons = reasons
        self._starting = starting
        self._started = False
        self._stale_after = stale_after
        self._clock = clock
        self._beat = clock()

    def beat(self) -> None:
        """The event loop runs."""
        self._beat = self._clock()

    async def run(self) -> None:
        """Beat every second, until cancelled."""
        while True:
            self.beat()
            await asyncio.sleep(BEAT_EVERY)

    @property
    def silence(self) -> float:
        """Seconds since the last beat."""
        return self._clock() - self._beat

    @property
    def alive(self) -> bool:
        """Whether the process makes progress."""
        return self.silence < self._stale_after

    def starting(self) -> list[str]:
        """What the start still waits for; empty once it was over, whatever is restored later on."""
        if self._started:
            return []
        reasons = list(self._starting())
        self._started = not reasons
        return reasons

    def reasons(self) -> list[str]:
        """Why the process is not ready; empty where it is."""
        return list(self._reasons())
