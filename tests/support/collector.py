"""An OpenTelemetry collector on loopback: takes OTLP over HTTP, keeps the spans."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """A context manager; `endpoint` is what `tracing.endpoint` takes."""

    def __init__(self) -> None:
        self.spans: list[dict[str, Any]] = []
        """In the order of arrival: name, ids as hex, instants in nanoseconds, attributes, links, resource."""
        self._arrived = threading.Condition()

    def __enter__(self) -> Self:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector._take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def named(self, prefix: str) -> list[dict[str, Any]]:
        with self._arrived:
            return [span for span in self.spans if span["name"].startswith(prefix)]

    def until(self, prefix: str, count: int = 1, timeout: float = 30.0) -> list[dict[str, Any]]:
        """Wait for so many spans whose name begins so."""
        with self._arrived:
            enough = self._arrived.wait_for(
                lambda: sum(span["name"].startswith(prefix) for span in self.spans) >= count, timeout
            )
        assert enough, f"only {[span['name'] for span in self.spans]}"
        return self.named(prefix)

    def _take(self, request: ExportTraceServiceRequest) -> None:
        with self._arrived:
            for of_resource in request.resource_spans:
                resource = _attributes(of_resource.resource.attributes)
                for of_scope in of_resource.scope_spans:
                    self.spans += [_span(span, resource) for span in of_scope.spans]
            self._arrived.notify_all()


def _span(span: Any, resource: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": span.name,
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "begin": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "attributes": _attributes(span.attributes),
        "events": {event.name: event.time_unix_nano for event in span.events},
        "links": [(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
        "resource": resource,
    }


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
