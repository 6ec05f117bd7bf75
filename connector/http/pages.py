"""What each path answers: pure, so that the server has only to carry it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.exposition import choose_encoder

from connector import __version__
from connector.logs import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prometheus_client import CollectorRegistry

    from connector.http.health import Health

_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response."""

    body: bytes
    content_type: str = _TEXT
    status: HTTPStatus = HTTPStatus.OK


class Pages:
    """The paths of one process. A page is a method that takes the request's `Accept` header."""

    def __init__(
        self, registry: CollectorRegistry, health: Health, status: Callable[[], Mapping[str, Any]] | None
    ) -> None:
        """`status`: what `/status` adds, as JSON values; called in another thread than the event loop's."""
        self._registry = registry
        self._health = health
        self._status = status
        self._pages: dict[str, Callable[[str], Answer]] = {
            "/": self._index,
            "/metrics": self._metrics,
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/status": self._status_json,
        }

    def answer(self, path: str, accept: str = "") -> Answer:
        """The answer to a GET of `path` (without a query)."""
        page = self._pages.get(path)
        if page is None:
            return _text(f"there is no {redact(path)}; there are {' '.join(self._pages)}", HTTPStatus.NOT_FOUND)
        return page(accept)

    def _index(self, _accept: str) -> Answer:
        return _text(f"benzinga-kafka {__version__}\n" + "\n".join(path for path in self._pages if path != "/"))

    def _metrics(self, accept: str) -> Answer:
        encode, content_type = choose_encoder(accept)
        return Answer(encode(self._registry), content_type)

    def _livez(self, _accept: str) -> Answer:
        if self._health.alive:
            return _text("ok")
        silence = f"the event loop has not run for {self._health.silence:.0f} s"
        return _text(silence, HTTPStatus.SERVICE_UNAVAILABLE)

    def _readyz(self, _accept: str) -> Answer:
        if reasons := self._health.reasons():
            return _text("\n".join(reasons), HTTPStatus.SERVICE_UNAVAILABLE)
        return _text("ok")

    def _status_json(self, _accept: str) -> Answer:
        reasons = self._health.reasons()
        page: dict[str, Any] = {
            "version": __version__,
            "alive": self._health.alive,
            "ready": not reasons,
            "reasons": reasons,
        }
        if self._status is not None:
            page |= self._status()
        return Answer(redact(json.dumps(page, default=str, ensure_ascii=False)).encode(), _JSON)


def _text(text: str, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    return Answer(f"{redact(text)}\n".encode(), status=status)
