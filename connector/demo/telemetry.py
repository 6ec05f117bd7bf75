"""The source's own numbers, read from its `/metrics` as Prometheus does."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.demo.source_process import SourceProcess

_EVERY: Final = 0.5
_PREFIX: Final = "benzinga_source_"
_WANTED: Final = {
    f"{_PREFIX}owned": "owned",
    f"{_PREFIX}connected": "connected",
    f"{_PREFIX}messages_received_total": "received",
    f"{_PREFIX}duplicates_total": "duplicates",
    f"{_PREFIX}pending_messages": "pending",
}


@dataclass(slots=True)
class Numbers:
    """Of one stream."""

    owned: float = 0.0
    connected: float = 0.0
    received: float = 0.0
    """Messages that left the socket, replays counted, audio events not."""

    duplicates: float = 0.0
    pending: float = 0.0


def numbers(page: str) -> dict[str, Numbers]:
    """By stream, from a page in Prometheus's text format."""
    # Most of the page are histograms: what nobody asks for need not be parsed.
    lines = [text for text in page.splitlines() if text.partition("{")[0] in _WANTED]
    found: dict[str, Numbers] = {}
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        for sample in family.samples:
            field = _WANTED.get(sample.name)
            if field is None or sample.labels.get("action") == "audio":
                continue
            of_stream = found.setdefault(sample.labels["stream"], Numbers())
            setattr(of_stream, field, getattr(of_stream, field) + sample.value)
    return found


class Telemetry:
    """Asks again and again, in a thread of its own, until closed."""

    def __init__(self, source: SourceProcess, tell: Callable[[dict[str, Numbers]], None]) -> None:
        """`tell` is called in the thread."""
        self._source = source
        self._tell = tell
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-telemetry", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End it, with a last look where the source still answers."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self._look()

    def _run(self) -> None:
        while not self._closing.wait(_EVERY):
            self._look()

    def _look(self) -> None:
        try:
            _, page = self._source.get("/metrics")
        except OSError:
            return  # not there: whoever watches the process says so
        self._tell(numbers(page))
