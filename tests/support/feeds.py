"""A feed that runs against a loopback server, a sink that records it, and a time scale of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from websockets.asyncio.server import serve

from connector.feed import Feed
from connector.messages import Control
from connector.metrics import SourceMetrics
from connector.settings import Settings
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from websockets.asyncio.server import ServerConnection

    from connector.messages import Frame

TOKEN = "bz.production0123456789abcdef"  # made up
UNIT = float(os.environ.get("FEED_TEST_UNIT", "0.1"))
"""Seconds. Every time in these tests is a multiple of it; raise it on a slow machine."""


def units(n: float) -> timedelta:
    """`n` units."""
    return timedelta(seconds=n * UNIT)


class RecordingSink:
    """Keeps what the feed says, in order, and lets tests wait for it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.full = False
        self.error: Exception | None = None
        self.room = asyncio.Event()
        self._waiters: list[tuple[str, int, asyncio.Event]] = []

    async def ready(self) -> None:
        self._add("waiting", None)
        await self.room.wait()
        self.full = False

    def connected(self, at: int, *, replaying: bool) -> None:
        self._add("connected", replaying)

    def receive(self, frame: Frame) -> Control | None:
        if self.error is not None:
            raise self.error
        self._add("frame", frame.payload)
        if frame.payload in {b"pong", b'"pong"', b'{"message":"pong"}'}:
            return Control("pong", "pong")
        return None

    def settled(self, at: int) -> None:
        self._add("settled", None)

    def disconnected(self, at: int, reason: str, detail: str) -> None:
        self._add("disconnected", reason)

    def too_large(self, at: int, size: int | None, detail: str, payload: bytes = b"") -> None:
        assert len(payload) in {0, size}
        self._add("too_large", size)

    def refused(self, at: int, status: int) -> None:
        self._add("refused", status)

    def of(self, name: str) -> list[Any]:
        """The values of every call of `name` so far."""
        return [value for called, value in self.calls if called == name]

    async def until(self, name: str, count: int = 1) -> list[Any]:
        """Wait until `name` was called `count` times; the values of these calls."""
        event = asyncio.Event()
        self._waiters.append((name, count, event))
        self._wake()
        async with asyncio.timeout(400 * UNIT):
            await event.wait()
        return self.of(name)

    def _add(self, name: str, value: Any) -> None:
        self.calls.append((name, value))
        self._wake()

    def _wake(self) -> None:
        for name, count, event in self._waiters:
            if len(self.of(name)) >= count:
                event.set()
        self._waiters = [waiter for waiter in self._waiters if not waiter[2].is_set()]


def make_settings(url: str, *, feed: dict[str, Any] | None = None, **source: Any) -> Settings:
    """Settings whose every time is some units; keyword arguments replace parts of `source`."""
    return Settings.model_validate(
        {
            "feed": {"url": url, "token": TOKEN, "open_timeout": units(20)} | (feed or {}),
            "source": {
                "settle": units(20),
                "max_frame_bytes": 4096,
                "heartbeat": {"interval": units(10), "timeout": units(10)},
                "backoff": {"min": units(1), "max": units(4), "stable_after": units(100), "refused": units(10)},
            }
            | source,
        }
    )


class Running:
    """A feed that runs, with all one may want to look at."""

    def __init__(self, feed: Feed, sink: RecordingSink, metrics: CollectorRegistry) -> None:
        self.feed, self.sink, self._metrics = feed, sink, metrics
        self.task = asyncio.create_task(feed.run())

    def metric(self, name: str, **labels: str) -> float:
        """A sample of this stream, named without `benzinga_source_`."""
        labels["stream"] = self.feed.stream.name
        value = self._metrics.get_sample_value(f"benzinga_source_{name}", labels)
        assert value is not None, f"no series {name} {labels}"
        return value

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what has no event: a metric, or a server's memory."""
        async with asyncio.timeout(400 * UNIT):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(UNIT / 10)


@contextlib.asynccontextmanager
async def running_feed(settings: Settings, stream: str = "news", **options: Any) -> AsyncIterator[Running]:
    """A feed on `settings`, cancelled at the end."""
    metrics, sink = CollectorRegistry(), RecordingSink()
    feed = Feed(STREAMS[stream], settings, sink, SourceMetrics(metrics, STREAMS), **{"random": lambda: 0.0} | options)
    running = Running(feed, sink, metrics)
    try:
        yield running
    finally:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)


@contextlib.asynccontextmanager
async def websocket_server(
    handler: Callable[[ServerConnection], Awaitable[None]], **options: Any
) -> AsyncIterator[str]:
    """A WebSocket server that runs `handler`; its URL."""
    quiet = {"compression": None, "ping_interval": None, "close_timeout": 2 * UNIT}
    async with serve(handler, "127.0.0.1", 0, **quiet | options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def tcp_server(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that speaks whatever `handler` speaks; its URL, as if it spoke WebSocket."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await handler(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
