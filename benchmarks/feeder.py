"""The sender, a process of its own: the simulator, with messages that are made before they are sent.

It obeys JSON lines on standard input, each answered by one on standard output:

    {"prepare": "news", "size": 5000, "first": 0, "count": 1000}   make these messages, ready to be written
    {"send": "news", "rate": 0}                                    write them; 0: as fast as they are taken

The answer to `send` says when each was written (seconds of the monotonic clock, which all processes share); at
saturation only when it began.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from functools import cache
from typing import Any, Final

from benchmarks.frames import Frames
from connector import logs
from connector.simulator import Simulator, SimulatorSettings
from connector.simulator.prepared import wire
from connector.streams import STREAMS, Protocol

CHUNK: Final = 65_536
"""Bytes written to the socket at once."""

_frames = cache(Frames)


class Feeder:
    """One simulator and what is ready to be sent."""

    def __init__(self, feed: Simulator) -> None:
        self._feed = feed
        self._ready: dict[str, list[bytes]] = {}

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what one line says; the answer."""
        if "prepare" in order:
            stream = order["prepare"]
            frames = _frames(stream, order["size"])
            first = order["first"]
            self._ready[stream] = [wire(frames.payload(n)) for n in range(first, first + order["count"])]
            return {"bytes": sum(map(len, self._ready[stream]))}
        stream, rate = order["send"], order["rate"]
        messages = self._ready.pop(stream)
        client = await self._client(stream)
        began = time.monotonic()
        sent_at = await _paced(client, messages, rate) if rate else await _saturating(client, messages)
        return {"began": began, "seconds": time.monotonic() - began, "sent_at": sent_at}

    async def _client(self, stream: str) -> Any:
        """The one client, once it is there; on transcripts, once it has subscribed."""
        await self._feed.connected(stream)
        if STREAMS[stream].protocol is Protocol.TRANSCRIPTS:
            await self._feed.subscribed()
        return self._feed.connected_clients(stream)[0]


async def _saturating(client: Any, messages: list[bytes]) -> list[float]:
    chunk: list[bytes] = []
    pending = 0
    for message in messages:
        chunk.append(message)
        pending += len(message)
        if pending >= CHUNK:
            client.transport.write(b"".join(chunk))
            chunk, pending = [], 0
            await client.drain()
    client.transport.write(b"".join(chunk))
    await client.drain()
    return []


async def _paced(client: Any, messages: list[bytes], rate: float) -> list[float]:
    began, sent_at = time.monotonic(), []
    for index, message in enumerate(messages):
        pause = began + index / rate - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        sent_at.append(time.monotonic())
        client.transport.write(message)
    return sent_at


async def serve() -> None:
    """Obey until standard input ends."""
    loop = asyncio.get_running_loop()
    async with Simulator(SimulatorSettings(history=0)) as feed:
        feeder = Feeder(feed)
        _say({"url": feed.url, "token": feed.settings.token})
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            _say(await feeder.obey(json.loads(line)))


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logs.configure("warning")
    asyncio.run(serve())
