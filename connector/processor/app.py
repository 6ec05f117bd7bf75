"""The process `benzinga-kafka processor`: its membership in the group, metrics and health, and the way out."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from connector.errors import BenzingaKafkaError
from connector.http import Health, HttpServer
from connector.kafka.registry import Registry
from connector.kafka.topics import (
    ALERTS,
    CALLS,
    GAPS,
    HANDOVER,
    OWNERSHIP,
    TRANSCRIPTS,
    processor_topics,
    source_topics,
    topic_name,
)
from connector.logs import get_logger
from connector.metrics import ProcessorMetrics, new_registry
from connector.preflight import Ground, prepare
from connector.processor.group import Group, group_id
from connector.processor.outputs import Outputs
from connector.processor.partition import consumed
from connector.processor.recent import RecentAlerts
from connector.processor.rules_in_force import RulesInForce
from connector.processor.status import CallsStatus, ProcessorStatus, calls_status, counts
from connector.processor.task import PartitionTask
from connector.processor.worker import Worker
from connector.tracing import open_spans
from connector.tracing.processor import ProcessorTracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector.settings import Settings

log = get_logger(__name__)


class _Untraced:
    """The parts where nothing is traced; else `ProcessorTracing` has them."""

    consumed = staticmethod(consumed)
    task = PartitionTask


class ProcessorApp:
    """Processes the partitions that the group gives it, until stopped."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.instance = f"{socket.gethostname()}-{os.getpid()}"
        self.registry = new_registry()
        self.metrics = ProcessorMetrics(self.registry)
        self._rules = RulesInForce(settings.processor.rules, self.metrics)
        self._alerts = RecentAlerts()
        self._spans = open_spans(settings.tracing, "processor", self.instance)
        self._stop = threading.Event()
        self._group: Group | None = None

    def stop(self) -> None:
        """Finish what is in flight, leave the group, then end."""
        log.info("processor.stopping")
        self._stop.set()

    def unready(self) -> list[str]:
        """Why `/readyz` is 503; empty where it is 200."""
        if self._group is None:
            return ["starting: broker, topics and schemas are being checked"]
        return self._group.unready

    def starting(self) -> list[str]:
        """Why `/startupz` is 503; empty where it is 200: once the first partitions are restored, if there are any."""
        return self.unready() if self._group is None else self._group.starting

    def status(self) -> dict[str, Any]:
        """What `/status` tells, as JSON values; for any thread."""
        group = self._group
        status = ProcessorStatus(
            group=group_id(self.settings.topics),
            instance_id=self.settings.processor.instance_id,
            partitions=[] if group is None else group.partitions(),
            calls=CallsStatus() if group is None else calls_status(group.open_calls()),
            alerts=self._alerts.newest(),
            rules=self._rules.status(),
            counts=counts(self.metrics),
        )
        return {"process": "processor", "instance": self.instance, "processor": status.as_json()}

    def run(self) -> None:
        """Process until `stop`. Raises ConfigurationError or KafkaError where that cannot begin or go on."""
        health = Health(self.unready, starting=self.starting)
        server = HttpServer(self.settings.http, self.registry, health, self.status)
        server.start()
        try:
            ground = self._prepare(health)
            if ground is not None:
                log.info("processor.started", port=server.port)
                self._process(ground, health)
                log.info("processor.stopped")
        finally:
            server.close()
            if self._spans is not None:
                self._spans.close()

    def _process(self, ground: Ground, health: Health) -> None:
        outputs = Outputs(self.settings.topics, ground)
        schemas = Registry(self.settings.schema_registry, self.metrics.registry.count)
        rules = self._rules
        parts = _Untraced if self._spans is None else ProcessorTracing(self._spans)

        def make_worker(partition: int, group_id: str, group_metadata: Callable[[], object]) -> Worker:
            return Worker(
                partition,
                self.settings,
                self.metrics,
                outputs=outputs,
                alerts=rules.engine,
                recent=self._alerts,
                schema_id=ground.schema_ids[TRANSCRIPTS],
                schema_of=schemas.schema_by_id,
                group_id=group_id,
                group_metadata=group_metadata,
                make_task=parts.task,
            )

        self._group = Group(self.settings, self.metrics, make_worker, parts.consumed)

        def turn() -> None:
            health.beat()
            rules.poll(time.monotonic())

        self._group.run(self._stop, turn)

    def _prepare(self, health: Health) -> Ground | None:
        """The ground to stand on; None where a signal ended the wait for it."""
        topics = self.settings.topics
        specs = [
            spec
            for spec in (*source_topics(topics, [TRANSCRIPTS]), *processor_topics(topics))
            if spec.name not in {topic_name(topics, name) for name in (GAPS, OWNERSHIP, HANDOVER)}
        ]
        halt = threading.Event()
        watching = threading.Thread(target=self._watch, args=(halt, health), daemon=True)
        watching.start()
        try:
            return prepare(
                self.settings, specs, [TRANSCRIPTS, CALLS, ALERTS], [], halt, on_answer=self.metrics.registry.count
            )
        except BenzingaKafkaError:
            if self._stop.is_set():
                return None
            raise
        finally:
            halt.set()

    def _watch(self, halt: threading.Event, health: Health) -> None:
        """Keep the process alive to its probe while it waits, and end the wait when it is to stop."""
        while not halt.wait(0.5):
            health.beat()
            if self._stop.is_set():
                halt.set()


@contextmanager
def on_signals(call: Callable[[], None]) -> Iterator[None]:
    """Call `call` at the first SIGTERM or SIGINT; the second one ends the process at once."""

    def first(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        call()

    before = {number: signal.signal(number, first) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_processor(settings: Settings) -> None:
    """Run until a signal."""
    app = ProcessorApp(settings)
    with on_signals(app.stop):
        app.run()
