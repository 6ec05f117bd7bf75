"""What the simulated feed does in the demo: a busy day with every oddity, and a lost connection now and then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from itertools import cycle
from typing import TYPE_CHECKING, Final

from connector.simulator import SCENARIOS, Oddities
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.simulator import Simulator

_BUSY: Final = SCENARIOS["busy"]

DAY: Final = replace(
    _BUSY, rates=_BUSY.rates | {"transcripts": 10.0}, calls=3, questions=0, oddities=Oddities.everything()
)
"""Garbage included: somebody should see a dead letter. Three calls of about 40 sentences, so that the first ones end
within a quarter of a minute."""

FIRST_LOSS: Final = 2.5
LOSS_EVERY: Final = 10.0
"""Seconds. With seven streams each keeps its connection for longer than `backoff.stable_after`."""

_ORDER: Final = ("news", "transcripts", "ratings", "earnings", "insights", "consensus", "bulls-bears")


@dataclass(frozen=True, slots=True)
class Loss:
    """The simulator ended a connection."""

    stream: str


class Storyline:
    """Runs in the simulator's event loop."""

    def __init__(self, feed: Simulator, tell: Callable[[Loss], None]) -> None:
        self._feed = feed
        self._tell = tell
        self._losses: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start the traffic; every stream has a client by now."""
        self._feed.traffic.start_scenario(DAY, STREAMS)
        self._losses = asyncio.get_running_loop().create_task(self._lose_connections())

    async def end(self) -> None:
        """No more traffic, no more trouble."""
        await self._feed.traffic.stop()
        if self._losses is not None:
            self._losses.cancel()
            await asyncio.gather(self._losses, return_exceptions=True)

    def all_connected(self) -> bool:
        """Whether every stream has a client, and transcripts a subscriber."""
        transcripts = self._feed.connected_clients("transcripts")
        subscribed = any(client.session and client.session.subscriptions for client in transcripts)
        return subscribed and all(self._feed.connection_count(name) for name in STREAMS)

    async def _lose_connections(self) -> None:
        await asyncio.sleep(FIRST_LOSS)
        for stream in cycle(_ORDER):
            # What was written to a socket arrives before its end. Transcripts, which have no replay, get a closing
            # handshake: nothing is on its way then that nobody would ever know of.
            hit = self._feed.faults.drop(stream, "fin" if STREAMS[stream].has_replay else "clean")
            if hit:
                self._tell(Loss(stream))
            await asyncio.sleep(LOSS_EVERY)
