"""What each path answers: pure, so that the server has only to carry it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.exposition import choose_encoder

from connector import __version__
from connector.http import status_page
from connector.kafka.records import rfc_3339
from connector.logs import problems, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prometheus_client import CollectorRegistry

    from connector.http.health import Health

_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response."""

    body: bytes
    content_type: str = _TEXT
    status: HTTPStatus = HTTPStatus.OK
    policy: str = "default-src 'none'; frame-ancestors 'none'"
    """`Content-Security-Policy`: what a browser may do with it."""


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
            "/": self._page,
            "/metrics": self._metrics,
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/startupz": self._startupz,
            "/status": self._status_json,
        }
        self._since = _now()

    def answer(self, path: str, accept: str = "") -> Answer:
        """The answer to a GET of `path` (without a query)."""
        page = self._pages.get(path)
        if page is None:
            return _text(f"there is no {redact(path)}; there are {' '.join(self._pages)}", HTTPStatus.NOT_FOUND)
        return page(accept)

    def _page(self, _accept: str) -> Answer:
        return Answer(status_page.render(self._facts()), _HTML, policy=status_page.policy())

    def _metrics(self, accept: str) -> Answer:
        encode, content_type = choose_encoder(accept)
        return Answer(encode(self._registry), content_type)

    def _livez(self, _accept: str) -> Answer:
        if self._health.alive:
            return _text("ok")
        silence = f"the event loop has not run for {self._health.silence:.0f} s"
        return _text(silence, HTTPStatus.SERVICE_UNAVAILABLE)

    def _readyz(self, _accept: str) -> Answer:
        return _text_or(self._health.reasons())

    def _startupz(self, _accept: str) -> Answer:
        return _text_or(self._health.starting())

    def _status_json(self, _accept: str) -> Answer:
        return Answer(json.dumps(self._facts(), ensure_ascii=False).encode(), _JSON)

    def _facts(self) -> dict[str, Any]:
        """What there is to say, without secrets."""
        starting, reasons = self._health.starting(), self._health.reasons()
        facts: dict[str, Any] = {
            "version": __version__,
            "now": _now(),
            "started_at": self._since,
            "alive": self._health.alive,
            "started": not starting,
            "ready": not reasons,
            "reasons": reasons,
            "problems": problems.latest(),
        }
        if self._status is not None:
            facts |= self._status()
        redacted: dict[str, Any] = _redacted(facts)
        return redacted


def _text_or(reasons: list[str]) -> Answer:
    """`ok`, or why not."""
    return _text("\n".join(reasons), HTTPStatus.SERVICE_UNAVAILABLE) if reasons else _text("ok")


def _text(text: str, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    return Answer(f"{redact(text)}\n".encode(), status=status)


def _redacted(value: Any) -> Any:
    """JSON values without secrets; what is none of them as text."""
    if isinstance(value, str):
        return redact(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {redact(str(key)): _redacted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(inner) for inner in value]
    return redact(str(value))


def _now() -> str:
    return rfc_3339(time.time_ns() // 1000)
