"""What the feed sends meanwhile: every stream at its own steady rate, and bursts on demand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from connector.simulator import Oddities, source

if TYPE_CHECKING:
    from connector.simulator import Simulator

RATES = {
    "insights": 2.0,
    "ratings": 3.0,
    "consensus": 2.0,
    "earnings": 3.0,
    "bulls-bears": 1.0,
    "news": 4.0,
    "transcripts": 8.0,
}
"""Messages a second: an interruption of half a minute is within a replay, one of a minute is not."""


class Feeder:
    """Publishes on the simulator; lives on its loop. One generator a stream, so that its times never go back."""

    def __init__(self, simulator: Simulator, streams: list[str], seed: int) -> None:
        self._simulator = simulator
        self._frames = {stream: source(stream, seed, Oddities.everything(), calls=3, questions=2) for stream in streams}
        self._dice = random.Random(f"traffic/{seed}")
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Begin the steady traffic."""
        self._tasks = [asyncio.get_running_loop().create_task(self._steady(stream)) for stream in self._frames]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def burst(self, stream: str, count: int, rate: float = 400.0) -> None:
        """So many more, quickly: transactions are open nearly all the time meanwhile."""
        for _ in range(count):
            self.publish(stream)
            await asyncio.sleep(1 / rate)

    def publish(self, stream: str) -> None:
        """The stream's next frame, now."""
        frame = self._frames[stream].next(datetime.now(UTC))
        self._simulator.publish(stream, frame.text, kind=frame.kind)

    def fresh(self, stream: str, number: int) -> None:
        """A message like no other: after everything has been mended it must pass."""
        name = f"fresh-{number}"
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if stream == "transcripts":
            frame = {"transcript_id": name, "call_id": name, "symbol": "ACME", "sequence": 0, "start_time": now}
            frame |= {"sentence": "We grew our outlook.", "status": "COMPLETE", "created_time": now}
            self._simulator.publish(stream, json.dumps(frame))
            return
        data = {"action": "Created", "id": name, "timestamp": now, "updated_at": now}
        data |= {"content": {"id": name}} if stream != "consensus" else {"ticker": "ACME"}
        self._simulator.publish(stream, json.dumps({"id": name, "kind": "fresh/v1", "data": data}))

    async def _steady(self, stream: str) -> None:
        while True:
            await asyncio.sleep(self._dice.expovariate(RATES[stream]))
            self.publish(stream)
