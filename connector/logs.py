"""Structured logs on standard error, and the one place where secrets are taken out of them.

An event is a stable name (`feed.connected`) with key=value fields; what repeats is counted by a metric,
not logged each time.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

MASK: Final = "***"

_TELLTALES: Final = ("websockets", "httpx", "httpx2", "httpcore", "httpcore2", "urllib3", "asyncio")
"""Below WARNING these print the request line, and with it the token."""

_secrets: set[str] = set()
_PARAMETERS: Final = re.compile(
    r"""(?ix) \b (token | apikey | api_key | key-pair-id | policy | signature | password)
    (=|%3D|["']?\s*:\s*["']) [^&\s"'\\<>]+"""
)
_KEYS: Final = re.compile(r"\bbz\.[A-Za-z]+[A-Za-z0-9*]{8,}")


def add_secret(value: str) -> None:
    """From now on `value` shows as `***`, wherever it stands."""
    if len(value) >= 4:  # noqa: PLR2004 - a shorter one would blank out ordinary words
        _secrets.add(value)


def redact(text: str) -> str:
    """`text` without tokens, passwords and signatures."""
    for secret in _secrets:
        text = text.replace(secret, MASK)
    return _KEYS.sub(MASK, _PARAMETERS.sub(rf"\1\2{MASK}", text))


def _redact_event(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
        elif value is not None and not isinstance(value, bool | int | float):
            event[key] = redact(str(value))
    return event


def _no_telltale(record: logging.LogRecord) -> bool:
    """For the handler: it holds whatever level a logger below `_TELLTALES` was, or will be, given."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in _TELLTALES


def configure(level: str = "info", format_: Literal["auto", "json", "text"] = "auto") -> None:
    """Send every log line of the process, also those of libraries, through one renderer."""
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
