"""Every test here ends with a search for the API key in all that was logged, `websockets` at DEBUG included."""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING

import pytest
import structlog

from connector import logs
from tests.support.feeds import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Raw(logging.Handler):
    """Keeps every record as the library wrote it, before anything is masked."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(autouse=True)
def log_output(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What went to standard error, as JSON lines."""
    output, raw, root = io.StringIO(), _Raw(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", output)
    logs.configure("debug", "json")
    root.addHandler(raw)
    talkative = {
        logger: logger.level for logger in map(logging.getLogger, ("websockets", "websockets.client", "asyncio"))
    }
    for logger in talkative:
        logger.setLevel(logging.DEBUG)
    yield output
    for logger, before in talkative.items():
        logger.setLevel(before)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    # The test servers of `websockets` log their side of the handshake: that is not ours.
    ours = [line for line in raw.lines if not line.startswith("websockets.server")]
    assert not [line for line in ours if TOKEN in line]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
