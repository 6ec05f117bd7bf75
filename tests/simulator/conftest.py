"""A simulator, and a plain client to look at it from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
from websockets.asyncio.client import ClientConnection, connect

from connector.simulator import Simulator, SimulatorSettings
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Dial(Protocol):
    """Opens a socket on a stream of the simulator; `query` comes after the token."""

    async def __call__(self, stream: str, query: str = "", token: str | None = None) -> ClientConnection: ...


@pytest.fixture
def settings() -> SimulatorSettings:
    """Overridden where a test needs others."""
    return SimulatorSettings()


@pytest.fixture
async def feed(settings: SimulatorSettings) -> AsyncIterator[Simulator]:
    async with Simulator(settings) as simulator:
        yield simulator


@pytest.fixture
async def dial(feed: Simulator) -> AsyncIterator[Dial]:
    opened: list[ClientConnection] = []

    async def dial(stream: str, query: str = "", token: str | None = None) -> ClientConnection:
        token = feed.settings.token if token is None else token
        socket = await connect(
            f"{feed.url}{STREAMS[stream].path}?token={token}{query}",
            ping_interval=None,
            max_size=None,
            close_timeout=0.2,
        )
        opened.append(socket)
        return socket

    yield dial
    for socket in opened:
        await socket.close()
