"""The HTTP server, in a thread of its own: it answers while the event loop is stuck, which is what `/livez` is for."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Final

from connector.errors import ConfigurationError
from connector.http.pages import Answer, Pages
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prometheus_client import CollectorRegistry

    from connector.http.health import Health
    from connector.settings import HttpSettings

_PATIENCE: Final = 10.0
"""Seconds for a client to send its request and take its answer."""

_POLL: Final = 0.1
"""Seconds until `close` is noticed."""

log = get_logger(__name__)


class HttpServer:
    """`/` and `/status`, `/metrics`, `/livez /startupz /readyz` on `http.host` and `http.port`."""

    def __init__(
        self,
        settings: HttpSettings,
        registry: CollectorRegistry,
        health: Health,
        status: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        """`status`: what `/status` adds, as JSON values; called in this server's threads."""
        self._settings = settings
        self._pages = Pages(registry, health, status)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen. Raises ConfigurationError where host and port cannot be had."""
        self._server = _listen(self._settings, self._pages)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL,), name="http", daemon=True)
        self._thread.start()
        log.info("http.listening", host=self._settings.host, port=self.port)

    @property
    def port(self) -> int:
        """The port it listens on; with `http.port: 0`, the one it was given by `start`."""
        if self._server is None:
            return self._settings.port
        port: int = self._server.socket.getsockname()[1]
        return port

    def close(self) -> None:
        """Stop listening; idempotent."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        if self._thread is not None:
            self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, family: socket.AddressFamily, address: tuple[Any, ...], pages: Pages) -> None:
        self.address_family = family
        self.pages = pages
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the signature is fixed
        error = sys.exception()
        if isinstance(error, OSError):
            log.debug("http.client_left", error=str(error))  # it hung up, or was too slow
        else:
            log.error("http.failed", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    # HTTP/1.0, one request a connection: an idle keep-alive connection would hold a thread.
    server: _Server
    server_version = "benzinga-kafka"
    sys_version = ""
    timeout = _PATIENCE

    def do_GET(self) -> None:
        answer = self._answer()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", answer.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_HEAD = do_GET  # noqa: N815

    def _answer(self) -> Answer:
        path = self.path.partition("?")[0]
        try:
            return self.server.pages.answer(path, self.headers.get("Accept", ""))
        except Exception:  # a page's bug must not look like a process that is not ready
            log.exception("http.page_failed", path=path)
            return Answer(b"this page failed; the log says why\n", status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is http.server's
        """Log no requests: probes and scrapes come every few seconds."""


def _listen(settings: HttpSettings, pages: Pages) -> _Server:
    where = f"{settings.host}:{settings.port}"
    try:
        family, *_, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return _Server(family, address, pages)
    except (socket.gaierror, UnicodeError) as error:
        problem = f"http.host: {settings.host!r} is no address of this machine: {error}"
        raise ConfigurationError([problem]) from error
    except OSError as error:
        reason = error.strerror or error
        problem = f"http.port: cannot listen on {where}: {reason}; see http.host and http.port (0: a free one)"
        raise ConfigurationError([problem]) from error
