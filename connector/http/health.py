"""Liveness and readiness (contract §5).

Alive: the event loop runs; never whether the feed or the broker is well, for a restart would not help them.
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


def always_ready() -> Sequence[str]:
    """No reason not to be."""
    return ()


class Health:
    """The pulse of the event loop, and the reasons for not being ready. Read from any thread."""

    def __init__(
        self,
        reasons: Callable[[], Sequence[str]] = always_ready,
        *,
        stale_after: float = STALE_AFTER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`reasons`: sentences that say why the process is not ready, none where it is; called in another thread."""
        self._reasons = reasons
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

    def reasons(self) -> list[str]:
        """Why the process is not ready; empty where it is."""
        return list(self._reasons())
