"""The process `benzinga-kafka processor`: its membership in the group, metrics and health, and the way out."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from connector.errors import BenzingaKafkaError, ConfigurationError
from connector.http import Health, HttpServer
from connector.kafka.registry import Registry
from connector.kafka.topics import (
    ALERTS,
    CALLS,
    OPEN_CALLS,
    TRANSCRIPTS,
    processor_topics,
    source_topics,
    topic_name,
)
from connector.logs import get_logger
from connector.metrics import ProcessorMetrics, new_registry
from connector.preflight import Ground, prepare
from connector.processor.alerts import AlertEngine
from connector.processor.group import Group
from connector.processor.outputs import Outputs
from connector.processor.reader import read_words
from connector.processor.rules import RuleSet
from connector.processor.rules_file import RulesFile
from connector.processor.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connector.settings import Settings

log = get_logger(__name__)


RULES_EVERY: Final = 1.0
"""Seconds between two looks at the rules file."""


class Rules:
    """The rules in force: loaded at the start, followed when the file changes."""

    def __init__(self, path: Path | None, metrics: ProcessorMetrics) -> None:
        """Raise ConfigurationError where the file cannot be used; later on the old rules stay then."""
        self._file = None if path is None else RulesFile(path)
        self._metrics = metrics
        self._look_at = 0.0
        self.engine = AlertEngine(RuleSet.of() if self._file is None else self._file.load(), read_words)
        self._tell("")

    def poll(self, now: float) -> None:
        """Look whether the file has changed, now and then; `now` in monotonic seconds."""
        if self._file is None or now < self._look_at:
            return
        self._look_at = now + RULES_EVERY
        try:
            rules = self._file.poll()
        except ConfigurationError as error:
            self._metrics.rules_reloads.labels("refused").inc()
            self._metrics.rules_refused.set(1)
            log.error("processor.rules_refused", problems=str(error), version=self.engine.rules.version)  # noqa: TRY400
            return
        if rules is not None:
            before, self.engine.rules = self.engine.rules.version, rules
            self._metrics.rules_reloads.labels("ok").inc()
            self._metrics.rules_refused.set(0)
            self._tell(before)

    def _tell(self, before: str) -> None:
        rules = self.engine.rules
        file = None if self._file is None else str(self._file.path)
        log.info("processor.rules", version=rules.version, rules=len(rules.rules), file=file)
        if before and before != rules.version:
            self._metrics.rules_info.remove(before)
        self._metrics.rules_info.labels(rules.version).set(1)
        for rule in rules.rules:
            self._metrics.alerts.labels(rule.id)
            self._metrics.alerts_suppressed.labels(rule.id)


class ProcessorApp:
    """Processes the partitions that the group gives it, until stopped."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.registry = new_registry()
        self.metrics = ProcessorMetrics(self.registry)
        self._rules = Rules(settings.processor.rules, self.metrics)
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

    def run(self) -> None:
        """Process until `stop`. Raises ConfigurationError or KafkaError where that cannot begin or go on."""
        health = Health(self.unready)
        server = HttpServer(self.settings.http, self.registry, health)
        server.start()
        try:
            ground = self._prepare(health)
            if ground is not None:
                log.info("processor.started", port=server.port)
                self._process(ground, health)
                log.info("processor.stopped")
        finally:
            server.close()

    def _process(self, ground: Ground, health: Health) -> None:
        outputs = Outputs(self.settings.topics, ground)
        schemas = Registry(self.settings.schema_registry, self.metrics.registry.count)
        rules = self._rules

        def make_worker(partition: int, group_id: str, group_metadata: Callable[[], object]) -> Worker:
            return Worker(
                partition,
                self.settings,
                self.metrics,
                outputs=outputs,
                alerts=rules.engine,
                schema_id=ground.schema_ids[TRANSCRIPTS],
                schema_of=schemas.schema_by_id,
                group_id=group_id,
                group_metadata=group_metadata,
            )

        self._group = Group(self.settings, self.metrics, make_worker)

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
            if spec.name not in {topic_name(topics, "gaps"), topic_name(topics, "internal.ownership")}
        ]
        halt = threading.Event()
        watching = threading.Thread(target=self._watch, args=(halt, health), daemon=True)
        watching.start()
        try:
            ground = prepare(
                self.settings, specs, [TRANSCRIPTS, CALLS, ALERTS], [], halt, on_answer=self.metrics.registry.count
            )
        except BenzingaKafkaError:
            if self._stop.is_set():
                return None
            raise
        finally:
            halt.set()
        source, entries = (topic_name(topics, name) for name in (TRANSCRIPTS, OPEN_CALLS))
        if ground.partitions[source] != ground.partitions[entries]:
            raise ConfigurationError(
                [
                    (
                        f"{entries} has {ground.partitions[entries]} partitions and {source} has "
                        f"{ground.partitions[source]}: they must have the same number; delete {entries} while no "
                        "processor runs and no call is open, or make it anew"
                    )
                ]
            )
        return ground

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
