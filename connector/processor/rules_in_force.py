"""The rules in force: loaded at the start, followed when their file changes; metrics and `/status` tell which."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from connector.errors import ConfigurationError
from connector.kafka.records import rfc_3339
from connector.logs import get_logger
from connector.processor.alerts import AlertEngine
from connector.processor.reader import read_words
from connector.processor.rules import RuleSet
from connector.processor.rules_file import RulesFile
from connector.processor.status import RulesStatus

if TYPE_CHECKING:
    from pathlib import Path

    from connector.metrics import ProcessorMetrics

log = get_logger(__name__)

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the rules file."""


class RulesInForce:
    """Holds the engine that looks with them."""

    def __init__(self, path: Path | None, metrics: ProcessorMetrics) -> None:
        """Raise ConfigurationError where the file cannot be used; later on the old rules stay then."""
        self._file = None if path is None else RulesFile(path)
        self._metrics = metrics
        self._look_at = 0.0
        self._loaded_at = 0
        self._refused: str | None = None
        self.engine = AlertEngine(RuleSet.of() if self._file is None else self._file.load(), read_words)
        self._tell("")

    def poll(self, now: float) -> None:
        """Look whether the file has changed, now and then; `now` in monotonic seconds."""
        if self._file is None or now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY
        try:
            rules = self._file.poll()
        except ConfigurationError as error:
            self._metrics.rules_reloads.labels("refused").inc()
            self._metrics.rules_refused.set(1)
            self._refused = str(error)
            log.error("processor.rules_refused", problems=str(error), version=self.engine.rules.version)  # noqa: TRY400
            return
        if rules is not None:
            before, self.engine.rules = self.engine.rules.version, rules
            self._metrics.rules_reloads.labels("ok").inc()
            self._metrics.rules_refused.set(0)
            self._refused = None
            self._tell(before)

    def status(self) -> RulesStatus:
        """What `/status` tells of them; for any thread."""
        rules = self.engine.rules
        return RulesStatus(
            version=rules.version,
            count=len(rules.rules),
            file=None if self._file is None else str(self._file.path),
            loaded_at=rfc_3339(self._loaded_at),
            refused=self._refused,
        )

    def _tell(self, before: str) -> None:
        self._loaded_at = time.time_ns() // 1000
        rules = self.engine.rules
        file = None if self._file is None else str(self._file.path)
        log.info("processor.rules", version=rules.version, rules=len(rules.rules), file=file)
        if before and before != rules.version:
            self._metrics.rules_info.remove(before)
        self._metrics.rules_info.labels(rules.version).set(1)
        for rule in rules.rules:
            self._metrics.alerts.labels(rule.id)
            self._metrics.alerts_suppressed.labels(rule.id)
