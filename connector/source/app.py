"""The process `benzinga-kafka source`: the streams it owns, its metrics and health, and the way out."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from connector.errors import BenzingaKafkaError
from connector.http.health import Health
from connector.http.server import HttpServer
from connector.logs import get_logger
from connector.metrics import SourceMetrics, new_registry
from connector.preflight import prepare_source
from connector.source.activity import Activity
from connector.source.leftovers import give
from connector.source.ownership import Ownership
from connector.source.records import RecordBuilder
from connector.source.stream import StreamSource
from connector.streams import STREAMS
from connector.tracing import open_spans
from connector.tracing.source import SourceTracing

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from connector.preflight import Ground
    from connector.settings import Settings

log = get_logger(__name__)

_CHECKING: Final = "starting: broker, topics and schemas are being checked"


class SourceApp:
    """Runs those of the configured streams that its group gives it, until stopped."""

    def __init__(self, settings: Settings, registry: CollectorRegistry | None = None) -> None:
        self.settings = settings
        self.registry = registry or new_registry()
        self.metrics = SourceMetrics(self.registry, settings.feed.streams)
        self.instance = f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
        self._ownership: Ownership | None = None
        self._spans = open_spans(settings.tracing, "source", self.instance)
        self._tracing = None if self._spans is None else SourceTracing(self._spans, settings.tracing.sample_ratio)
        self._activity = Activity(self.metrics, settings.feed.streams)
        self._halt = threading.Event()
        self._stop = asyncio.Event()

    def unready(self) -> list[str]:
        """Why `/readyz` is 503; empty where it is 200."""
        return [_CHECKING] if self._ownership is None else self._ownership.unready

    def starting(self) -> list[str]:
        """Why `/startupz` is 503; empty where it is 200."""
        return [_CHECKING] if self._ownership is None else self._ownership.starting

    def status(self) -> dict[str, Any]:
        """What `/status` tells, as JSON values."""
        page: dict[str, Any] = {"process": "source", "instance": self.instance, "streams": {}}
        if self._ownership is not None:
            page |= self._ownership.status()
            activity = self._activity.status()
            page["streams"] = {name: told | activity[name] for name, told in page["streams"].items()}
        return page

    def stop(self) -> None:
        """Finish what is in flight, then end; a second call ends at once."""
        if self._stop.is_set():
            log.warning("source.halting")
            if self._ownership is not None:
                self._ownership.halt()
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
            self._ownership = Ownership(
                self.settings, self.metrics, self.instance, partial(self._stream, ground), partial(self._give, ground)
            )
            # What exists by now stays: the collector need not walk it again with every full collection.
            gc.collect()
            gc.freeze()
            log.info("source.started", instance=self.instance, streams=self.settings.feed.streams, port=server.port)
            await self._ownership.run(self._stop)
            log.info("source.stopped")
        finally:
            for task in watching:
                task.cancel()
            server.close()
            if self._spans is not None:
                await asyncio.to_thread(self._spans.close)

    async def _prepare(self) -> Ground | None:
        """The ground to stand on; None where a signal ended the wait for it."""
        try:
            return await asyncio.to_thread(prepare_source, self.settings, self._halt, self.metrics.registry.count)
        except BenzingaKafkaError:
            if self._stop.is_set():
                return None
            raise

    def _stream(self, ground: Ground, name: str) -> StreamSource:
        return StreamSource(
            STREAMS[name],
            self.settings,
            self.metrics,
            partitions=ground.partitions,
            schema_ids=ground.schema_ids,
            cluster=ground.cluster,
            instance=self.instance,
            tracing=self._tracing,
        )

    def _give(self, ground: Ground, name: str, stop: threading.Event) -> int:
        """Hand over what our journal holds of a stream that is another process's. Blocks."""
        builder = RecordBuilder(STREAMS[name], self.settings.topics, ground.partitions, ground.schema_ids)
        return give(self.settings, name, builder, ground.cluster, stop)


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
