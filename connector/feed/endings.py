"""From the exceptions of `websockets`, `ssl` and the socket to an `Ending`: the only place that knows them.

An exception never travels further: some hold the URL, and with it the API key, in a field or a cause.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Final

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    PayloadTooBig,
    ProxyError,
    WebSocketException,
)

from connector.feed.retry import Ending, Kind
from connector.logs import redact

if TYPE_CHECKING:
    from websockets.http11 import Response

HANDSHAKE_ERRORS: Final = (OSError, EOFError, WebSocketException, ImportError)
"""What opening a connection may raise. TimeoutError and ssl.SSLError are OSErrors; ImportError: no SOCKS package."""

_DETAIL: Final = 200
_TOO_MANY_FRAGMENTS: Final = "TooManyFragments"
"""websockets ≥ 16 gives up on a message in more than 4,096 pieces, which is a frame too large by other means."""


def handshake_ending(error: Exception) -> Ending:
    """Why a connection could not be opened."""
    kind, detail = Kind.NETWORK, _sentence(error)
    match error:
        case InvalidStatus():
            status = error.response.status_code
            return Ending(Kind.STATUS, _status_detail(error.response), status=status)
        case TimeoutError():
            kind = Kind.TIMEOUT
        case ssl.SSLError():
            kind = Kind.TLS
        case socket.gaierror():
            kind = Kind.DNS
        case ProxyError() | InvalidProxy() | ImportError():
            kind, detail = Kind.PROXY, _sentence(error) if not isinstance(error, InvalidProxy) else "not a valid proxy"
        case ConnectionClosed():
            detail = "the connection was closed during the handshake"
        case InvalidMessage() if isinstance(error.__cause__, EOFError | OSError):
            detail = "the connection was closed during the handshake"
        case InvalidHandshake():
            kind = Kind.NOT_WEBSOCKET
        case _:
            pass
    return Ending(kind, detail)


def connection_ending(error: ConnectionClosed) -> Ending:
    """Why an open connection has ended."""
    cause = error.__cause__
    if isinstance(cause, PayloadTooBig):
        size = None if cause.size is None else cause.size + (cause.current_size or 0)
        return Ending(Kind.TOO_LARGE, _sentence(cause), size=size)
    if type(cause).__name__ == _TOO_MANY_FRAGMENTS:
        return Ending(Kind.TOO_LARGE, _sentence(error))
    if error.rcvd is not None or error.sent is not None:
        return Ending(Kind.CLOSED, _sentence(error))
    return Ending(Kind.BROKEN, _sentence(cause) if isinstance(cause, OSError) else "no close frame received")


def _status_detail(response: Response) -> str:
    body = bytes(response.body or b"").decode("utf-8", "replace").strip()
    return redact(f"HTTP {response.status_code}{': ' if body else ''}{body}")[:_DETAIL]


def _sentence(error: BaseException) -> str:
    return redact(str(error) or type(error).__name__)[:_DETAIL]
