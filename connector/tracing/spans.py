"""The one place that knows OpenTelemetry: spans that are over go to a collector, from a thread of its own."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from connector import __version__
from connector.errors import ConfigurationError
from connector.logs import get_logger
from connector.tracing.context import Place, new_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    from connector.settings import TracingSettings

log = get_logger(__name__)

EXPORT_TIMEOUT: Final = 5.0
"""Seconds for the collector to take a batch: it is told once more at the end, within what a shutdown may take."""

LINKS: Final = 128
"""Frames or sentences that a transaction's span names, at most: OpenTelemetry's own limit."""

Kind: TypeAlias = Literal["producer", "consumer", "client"]


def now_micros() -> int:
    """Now, µs since the epoch."""
    return time.time_ns() // 1000


class Spans:
    """Tells a collector of spans that are over. Threads may share it; nothing waits for the collector.

    A span's place is chosen when its record is made, its times are known when it is committed: so it is told at once,
    as a whole, and there is no span in memory for what never gets that far.
    """

    def __init__(self, exporter: SpanExporter, process: str, instance: str) -> None:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an optional dependency
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415

        resource = Resource.create(
            {
                "service.name": f"benzinga-kafka-{process}",
                "service.version": __version__,
                "service.instance.id": instance,
            }
        )
        self._ids = _PlannedIds()
        generator = cast("IdGenerator", self._ids)
        self._provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=generator)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("benzinga-kafka", __version__)

    def tell(
        self,
        name: str,
        place: Place,
        *,
        kind: Kind,
        begin: int,
        end: int,
        parent: Place | None = None,
        links: Sequence[Place] = (),
        attributes: Mapping[str, Any] | None = None,
        events: Mapping[str, int] | None = None,
    ) -> None:
        """A span is over; `begin`, `end` and `events` in microseconds since the epoch."""
        from opentelemetry import trace  # noqa: PLC0415

        context = None if parent is None else trace.set_span_in_context(trace.NonRecordingSpan(_context(parent)))
        with self._ids.planned(place):
            span = self._tracer.start_span(
                name,
                context=context,
                kind=trace.SpanKind[kind.upper()],
                attributes={key: value for key, value in (attributes or {}).items() if value is not None},
                links=[trace.Link(_context(one)) for one in links[:LINKS]],
                start_time=begin * 1000,
            )
        for event, at in (events or {}).items():
            span.add_event(event, timestamp=at * 1000)
        span.end(end * 1000)

    def tell_transaction(self, name: str, *, begin: int, end: int, of: Sequence[Place], records: int) -> None:
        """A transaction that is committed: a trace of its own, with links to those of its records that are traced."""
        attributes = {"messaging.system": "kafka", "messaging.batch.message_count": records}
        self.tell(name, new_place(), kind="client", begin=begin, end=end, links=of, attributes=attributes)

    def close(self) -> None:
        """Send what is left, and end."""
        self._provider.shutdown()


def open_spans(settings: TracingSettings, process: str, instance: str) -> Spans | None:
    """As the settings ask for it; None where tracing is off. Raises ConfigurationError where the extra is missing."""
    if settings.endpoint is None or not settings.sample_ratio:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    except ImportError as error:
        problem = f"tracing.endpoint: {error.name or error} is missing; install `benzinga-kafka[otel]`, or unset it"
        raise ConfigurationError([problem]) from error
    exporter = OTLPSpanExporter(settings.endpoint, timeout=EXPORT_TIMEOUT)
    log.info("tracing.on", endpoint=settings.endpoint, sample_ratio=settings.sample_ratio)
    return Spans(exporter, process, instance)


class _PlannedIds:
    """An `IdGenerator` that gives the next span of a thread the place its record's header has already."""

    def __init__(self) -> None:
        self._mine = threading.local()

    @contextmanager
    def planned(self, place: Place) -> Iterator[None]:
        """The span that begins within is this one."""
        self._mine.place = place
        yield
        del self._mine.place

    def generate_span_id(self) -> int:
        place: Place = self._mine.place
        return place.span_id

    def generate_trace_id(self) -> int:
        place: Place = self._mine.place
        return place.trace_id

    def is_trace_id_random(self) -> bool:
        return True


def _context(place: Place) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415

    return SpanContext(place.trace_id, place.span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
