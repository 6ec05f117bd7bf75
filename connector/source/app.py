"""The process `benzinga-kafka source`: every configured stream, its metrics and health, and the way out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any, Final

from connector.errors import BenzingaKafkaError, KafkaError
from connector.http.health import Health
from connector.http.server import HttpServer
from connector.logs import get_logger
from connector.metrics import SourceMetrics, new_registry
from connector.preflight import prepare_source
from connector.source.activity import Activity
from connector.source.stream import State, StreamSource
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from connector.preflight import Ground
    from connector.settings import Settings

log = get_logger(__name__)

STOP_WITHIN: Final = 20.0
"""Seconds an orderly end may take: below the 30 that Kubernetes gives by default. Kafka may be away just then."""


class SourceApp:
    """Runs the configured streams until stopped."""

    def __init__(self, settings: Settings, registry: CollectorRegistry | None = None) -> None:
        self.settings = settings
        self.registry = registry or new_registry()
        self.metrics = SourceMetrics(self.registry, settings.feed.streams)
        self.instance = f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
        self.streams: list[StreamSource] = []
        self._activity = Activity(self.metrics, settings.feed.streams)
        self._halt = threading.Event()
        self._stop = asyncio.Event()

    def unready(self) -> list[str]:
        """Why `/readyz` is 503; empty where it is 200."""
        if not self.streams:
            return ["starting: broker, topics and schemas are being checked"]
        return [reason for stream in self.streams if (reason := stream.unready) is not None]

    def starting(self) -> list[str]:
        """Why `/startupz` is 503; empty where it is 200."""
        if not self.streams:
            return self.unready()
        return [reason for stream in self.streams if (reason := stream.starting) is not None]

    def status(self) -> dict[str, Any]:
        """What `/status` tells, as JSON values."""
        activity = self._activity.status()
        streams = {one.stream.name: one.status() | activity[one.stream.name] for one in self.streams}
        return {"process": "source", "instance": self.instance, "streams": streams}

    def stop(self) -> None:
        """Finish what is in flight, then end; a second call ends at once."""
        if self._stop.is_set():
            log.warning("source.halting")
            for stream in self.streams:
                stream.halt()
        else:
            log.info("source.stopping")
        self._halt.set()
        self._stop.set()

    async def run(self) -> None:
        """Carry the streams until `stop`. Raises ConfigurationError or KafkaError where that cannot begin."""
        health = Health(self.unready, starting=self.starting)
        server = HttpServer(self.settings.http, self.registry, health, self.status)
        server.start()
        watching = [asyncio.create_task(one.run()) for one in (health, self._activity)]
        try:
            ground = await self._prepare()
            if ground is None:
                return
            self.streams = [
                StreamSource(
                    STREAMS[name],
                    self.settings,
                    self.metrics,
                    partitions=ground.partitions,
                    schema_ids=ground.schema_ids,
                    instance=self.instance,
                )
                for name in self.settings.feed.streams
            ]
            log.info("source.started", instance=self.instance, streams=self.settings.feed.streams, port=server.port)
            await self._carry()
        finally:
            for task in watching:
                task.cancel()
            server.close()

    async def _prepare(self) -> Ground | None:
        """The ground to stand on; None where a signal ended the wait for it."""
        try:
            return await asyncio.to_thread(prepare_source, self.settings, self._halt, self.metrics.registry.count)
        except BenzingaKafkaError:
            if self._stop.is_set():
                return None
            raise

    async def _carry(self) -> None:
        running = {asyncio.create_task(stream.run(), name=stream.stream.name) for stream in self.streams}
        stopping = asyncio.create_task(self._stop.wait())
        try:
            # Streams are independent: one that was taken over ends alone; a fault of ours ends the process.
            pending: set[asyncio.Task[object]] = {*running, stopping}
            while not stopping.done():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {stopping}:
                    task.result()
            await asyncio.gather(*(stream.stop() for stream in self.streams))
            _done, late = await asyncio.wait(running, timeout=STOP_WITHIN)
            for stream in self.streams if late else ():
                stream.halt()
            await asyncio.gather(*running)
            left = sum(len(stream.outbox) for stream in self.streams if stream.state is not State.TAKEN_OVER)
            if left:
                raise KafkaError(
                    f"stopped with {left} messages that Kafka did not take in time; the next replay brings "
                    "back the last 100 of each stream, and what it does not is said on the gaps topic"
                )
            log.info("source.stopped")
        finally:
            stopping.cancel()
            for stream in self.streams:
                stream.halt()
            await asyncio.gather(*running, return_exceptions=True)


@contextlib.contextmanager
def on_signals(call: Callable[[], None]) -> Any:
    """Call `call` on SIGTERM and SIGINT while the context lasts."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, call)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def run_source(settings: Settings) -> None:
    """Run until a signal."""
    app = SourceApp(settings)
    with on_signals(app.stop):
        await app.run()
