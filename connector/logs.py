"""Structured logs on standard error, and the one place where secrets are taken out of them.

An event is a stable name (`feed.connected`) with key=value fields; `docs/logging.md` lists them all. What repeats is
folded into one line with its count, and every warning is remembered for the status page.
"""

from __future__ import annotations

import atexit
import logging
import re
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog

from connector.problems import Problems
from connector.repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, MutableMapping

MASK: Final = "***"

_TELLTALES: Final = ("websockets", "httpx", "httpx2", "httpcore", "httpcore2", "urllib3", "asyncio")
"""Below WARNING these print the request line, and with it the token."""

BURST: Final = 5
WINDOW: Final = 60.0
"""So many lines of one kind in so many seconds, then one with a count."""

_KIND: Final = ("event", "stream", "partition", "transactional_id", "call", "reason", "state")
"""Fields that make two lines the same kind; what they say beyond these may differ."""

problems: Final = Problems()
"""Every warning and error of this process, whether its line was folded or not."""

_secrets: list[str] = []
"""Longest first: of one that begins with another, nothing may be left."""

_PARAMETERS: Final = re.compile(
    r"""(?ix) \b (token | apikey | api_key | key-pair-id | policy | signature | password)
    (=|%3D|["']?\s*:\s*["']) [^&\s"'\\<>]+"""
)
_KEYS: Final = re.compile(r"\bbz\.[A-Za-z]+[A-Za-z0-9*]{8,}")


def add_secret(value: str) -> None:
    """From now on `value` shows as `***`, wherever it stands."""
    if len(value) >= 4 and value not in _secrets:  # noqa: PLR2004 - a shorter one would blank out ordinary words
        _secrets[:] = sorted([*_secrets, value], key=len, reverse=True)


def redact(text: str) -> str:
    """`text` without tokens, passwords and signatures."""
    return _PARAMETERS.sub(rf"\1\2{MASK}", mask_secrets(text))


def mask_secrets(text: str) -> str:
    """`text` without the secrets that are known, and without what looks like a key of Benzinga's."""
    for secret in _secrets:
        text = text.replace(secret, MASK)
    return _KEYS.sub(MASK, text) if "bz." in text else text


def _redact_event(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
        elif value is not None and not isinstance(value, bool | int | float):
            event[key] = redact(str(value))
    return event


def _remember(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if event["level"] in {"warning", "error", "critical"} and "repeated" not in event:
        problems.note(event["level"], event, time.time_ns() // 1000)
    return event


class _Folding:
    """Holds repeats back; a timer tells how many there were."""

    def __init__(self, burst: int, window: float) -> None:
        self._lock = threading.Lock()
        self._repeats: Repeats[Callable[[int], None]] = Repeats(burst, window)
        """What is held back tells itself, given its count."""
        self._timer: threading.Timer | None = None

    def admit(self, key: Hashable, tell: Callable[[int], None]) -> bool:
        """Whether a line of this kind is to be written; else `tell` may be called later."""
        with self._lock:
            if self._repeats.admit(key, tell, time.monotonic()):
                return True
            if self._timer is None:
                self._wait()
            return False

    def tell(self, *, everything: bool = False) -> None:
        """Log what was held back until now; `everything`: also what is not due."""
        with self._lock:
            told = self._repeats.due(time.monotonic(), everything=everything)
            if self._timer is not None:
                self._timer.cancel()
            self._wait()
        for tell, count in told:
            tell(count)

    def _wait(self) -> None:
        due = self._repeats.next_due
        self._timer = None if due is None else threading.Timer(max(0.0, due - time.monotonic()), self.tell)
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()


_folding = _Folding(BURST, WINDOW)


def _fold(logger: logging.Logger, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For our own events, as a processor."""
    if "repeated" in event:
        return event
    level = logging.getLevelNamesMapping()[event["level"].upper()]
    fields = {key: value for key, value in event.items() if key not in {"event", "level"}}

    def tell(count: int) -> None:
        structlog.stdlib.get_logger(logger.name).log(level, event["event"], **(fields | {"repeated": count}))

    if _folding.admit(tuple(str(event.get(field)) for field in _KIND), tell):
        return event
    raise structlog.DropEvent


def _fold_foreign(record: logging.LogRecord) -> bool:
    """For the lines of libraries, as the handler's filter: a kind is what one line of their code says."""
    ours = isinstance(record.msg, dict)  # made by the processors, and folded there
    if ours or record.name == "librdkafka" or hasattr(record, "repeated"):
        return True

    def tell(count: int) -> None:
        record.repeated = count
        logging.getLogger(record.name).handle(record)

    return _folding.admit((record.name, record.levelno, record.lineno), tell)


@atexit.register
def tell_repeats() -> None:
    """Log now what is held back: a process ends without owing a count."""
    _folding.tell(everything=True)


def _no_telltale(record: logging.LogRecord) -> bool:
    """For the handler: it holds whatever level a logger below `_TELLTALES` was, or will be, given."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in _TELLTALES


def configure(level: str = "info", format_: Literal["auto", "json", "text"] = "auto") -> None:
    """Send every log line of the process, also those of libraries, through one renderer."""
    global _folding  # noqa: PLW0603 - like the handler, there is one a process
    _folding.tell(everything=True)
    _folding = _Folding(sys.maxsize if level == "debug" else BURST, WINDOW)  # who debugs wants every line
    text = format_ == "text" or (format_ == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if text else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_no_telltale)
    handler.addFilter(_fold_foreign)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _TELLTALES:
        logging.getLogger(name).setLevel(logging.WARNING)  # so that they do not even make their lines
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            _remember,
            _fold,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def get_logger(name: str, **fields: object) -> structlog.stdlib.BoundLogger:
    """A logger whose every line carries `fields`."""
    logger: structlog.stdlib.BoundLogger = (
        structlog.stdlib.get_logger(name).bind(**fields) if fields else structlog.stdlib.get_logger(name)
    )
    return logger
