"""What to do when a connection could not be opened or has ended: one pure function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """How an attempt or a connection ended."""

    # before the connection was open
    NO_TOKEN = "no_token"  # noqa: S105 - a name
    STATUS = "status"
    """The server answered the handshake with an HTTP status other than 101."""
    TIMEOUT = "timeout"
    DNS = "dns"
    TLS = "tls"
    PROXY = "proxy"
    NETWORK = "network"
    NOT_WEBSOCKET = "not_websocket"
    """Something answered, but not a WebSocket server."""

    # afterwards
    CLOSED = "closed"
    """With a close frame."""
    BROKEN = "broken"
    """Without one."""
    PONG_TIMEOUT = "pong_timeout"
    IDLE = "idle"
    TOO_LARGE = "too_large"
    STOPPED = "stopped"
    """We were told to."""


_OPENED: Final = frozenset({Kind.CLOSED, Kind.BROKEN, Kind.PONG_TIMEOUT, Kind.IDLE, Kind.TOO_LARGE, Kind.STOPPED})


@dataclass(frozen=True, slots=True)
class Ending:
    """What happened, without secrets."""

    kind: Kind
    detail: str
    status: int | None = None
    """HTTP status of a refused handshake."""
    size: int | None = None
    """Bytes of the frame that was too large, where the feed said it."""

    @property
    def opened(self) -> bool:
        """Whether the connection was open before it ended."""
        return self.kind in _OPENED


class Wait(Enum):
    """How long the next attempt is put off."""

    BACKOFF = "backoff"
    REFUSED = "refused"
    """`backoff.refused`, or until the token file changes: only an operator can help, but keys do get fixed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from an ending."""

    result: str | None
    """Label of `connects_total`; None where the handshake had succeeded and is counted already."""
    reason: str
    """Label of `reconnects_total`."""
    wait: Wait = Wait.BACKOFF
    hint: str | None = None
    """What an operator may do about it."""


_FAILED: Final[dict[Kind, tuple[str, str | None]]] = {
    Kind.TIMEOUT: ("timeout", "the feed takes about 5 s to refuse a connection: see feed.open_timeout"),
    Kind.DNS: ("network", "check the host in feed.url, and the name server"),
    Kind.TLS: ("network", "check feed.url, the clock, the CA certificates and any proxy on the way"),
    Kind.PROXY: ("network", "check https_proxy and no_proxy in the environment"),
    Kind.NETWORK: ("network", "check feed.url and the way to it"),
    Kind.NOT_WEBSOCKET: ("unavailable", "what answers is not a WebSocket server: check feed.url"),
}
"""Label and hint of a connection that could not be opened."""

_STATUSES: Final[dict[int, tuple[str, str | None]]] = {
    401: ("unauthorized", "the feed does not accept the API key: check feed.token_file or feed.token"),
    403: ("forbidden", "the API key is not licensed for this stream: ask Benzinga, or take it out of feed.streams"),
    404: ("unavailable", "there is no such path: check feed.url"),
    429: ("conflict", "the feed allows one connection per key and stream, and one is open or not yet given up"),
}
"""Label and hint of a refused handshake (fact sheet §1.1)."""

_REFUSALS: Final = frozenset({401, 403})
_BAD_GATEWAY: Final = 502


def decide(ending: Ending, *, first_attempt: bool) -> Decision:
    """Decide how to go on. `first_attempt`: the stream has never been connected and this was the first try."""
    if ending.kind is Kind.STATUS:
        return _decide_status(ending.status or 0, first_attempt=first_attempt)
    if ending.kind is Kind.NO_TOKEN:
        return Decision("unauthorized", "unauthorized", Wait.REFUSED, "the API key belongs in feed.token_file")
    if ending.kind in _FAILED:
        label, hint = _FAILED[ending.kind]
        reason = "tls" if ending.kind is Kind.TLS else label  # nothing that passes by itself: somebody is to be told
        return Decision(label, reason, hint=hint)
    if ending.kind is Kind.TOO_LARGE:
        return Decision(None, "too_large", hint="the next connect goes without replay, which would bring it again")
    return Decision(None, "network" if ending.kind is Kind.BROKEN else ending.kind.value)


def _decide_status(status: int, *, first_attempt: bool) -> Decision:
    label, hint = _STATUSES.get(status, ("unavailable", _general_hint(status)))
    if status == _BAD_GATEWAY and first_attempt:
        hint = "the feed answers 502 to a wrong path as well: check the path, see feed.url"
    return Decision(label, label, Wait.REFUSED if status in _REFUSALS else Wait.BACKOFF, hint)


def _general_hint(status: int) -> str | None:
    match status // 100:
        case 3:
            return "redirects are not followed, they would carry the API key: check feed.url"
        case 4:
            return "the feed does not accept the request: check feed.url and feed.filters"
        case _:
            return None
