"""The connector's own numbers, read from its `/metrics` as Prometheus does."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from prometheus_client.samples import Sample

    from connector.demo.child import Child

_EVERY: Final = 0.5
_SOURCE: Final = "benzinga_source_"
_PROCESSOR: Final = "benzinga_processor_"
_OF_STREAMS: Final = {
    f"{_SOURCE}owned": "owned",
    f"{_SOURCE}connected": "connected",
    f"{_SOURCE}messages_received_total": "received",
    f"{_SOURCE}duplicates_total": "duplicates",
    f"{_SOURCE}pending_messages": "pending",
}
_OF_PROCESSOR: Final = {
    f"{_PROCESSOR}open_calls": "open_calls",
    f"{_PROCESSOR}consumer_lag_messages": "lag_messages",
    f"{_PROCESSOR}consumer_lag_seconds": "lag_seconds",
    f"{_PROCESSOR}alerts_suppressed_total": "suppressed",
    f"{_PROCESSOR}alert_seconds_sum": "alert_seconds",
    f"{_PROCESSOR}alert_seconds_count": "alerts_timed",
}

T = TypeVar("T")


@dataclass(slots=True)
class Numbers:
    """Of one stream."""

    owned: float = 0.0
    connected: float = 0.0
    received: float = 0.0
    """Messages that left the socket, replays counted, audio events not."""

    duplicates: float = 0.0
    pending: float = 0.0


@dataclass(slots=True)
class ProcessorNumbers:
    """Of the processor."""

    open_calls: float = 0.0
    lag_messages: float = 0.0
    """Of all partitions."""

    lag_seconds: float = 0.0
    """Of the partition that is farthest behind."""

    suppressed: float = 0.0
    alert_seconds: float = 0.0
    alerts_timed: float = 0.0

    @property
    def alert_latency(self) -> float | None:
        """Mean seconds from a sentence's receipt to its alert's commit; None before the first alert."""
        return self.alert_seconds / self.alerts_timed if self.alerts_timed else None


def numbers(page: str) -> dict[str, Numbers]:
    """By stream, from a page of the source's in Prometheus's text format."""
    found: dict[str, Numbers] = {}
    for sample in _samples(page, _OF_STREAMS):
        if sample.labels.get("action") == "audio":
            continue
        of_stream = found.setdefault(sample.labels["stream"], Numbers())
        field = _OF_STREAMS[sample.name]
        setattr(of_stream, field, getattr(of_stream, field) + sample.value)
    return found


def processor_numbers(page: str) -> ProcessorNumbers:
    """From a page of the processor's."""
    found = ProcessorNumbers()
    for sample in _samples(page, _OF_PROCESSOR):
        field = _OF_PROCESSOR[sample.name]
        known = getattr(found, field)
        setattr(found, field, max(known, sample.value) if field == "lag_seconds" else known + sample.value)
    return found


def _samples(page: str, wanted: Collection[str]) -> Iterator[Sample]:
    # Most of the page are histograms: what nobody asks for need not be parsed.
    lines = [text for text in page.splitlines() if text.partition("{")[0].partition(" ")[0] in wanted]
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        yield from (sample for sample in family.samples if sample.name in wanted)


class Telemetry(Generic[T]):
    """Asks again and again, in a thread of its own, until closed."""

    def __init__(self, child: Child, read: Callable[[str], T], tell: Callable[[T], None]) -> None:
        """`read` makes numbers of a page; `tell` is called with them in the thread."""
        self._child = child
        self._read = read
        self._tell = tell
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"demo-telemetry-{child.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End it, with a last look where the child still answers."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self._look()

    def _run(self) -> None:
        while not self._closing.wait(_EVERY):
            self._look()

    def _look(self) -> None:
        try:
            _, page = self._child.get("/metrics")
        except OSError:
            return  # not there: whoever watches the process says so
        self._tell(self._read(page))
