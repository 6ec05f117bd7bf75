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
from websockets.frames import CloseCode

from connector.feed.retry import Ending, Kind
from connector.logs import redact

if TYPE_CHECKING:
    from websockets.http11 import Response

HANDSHAKE_ERRORS: Final = (OSError, EOFError, WebSocketException, ImportError)
"""What opening a connection may raise. TimeoutError and ssl.SSLError are OSErrors; ImportError: no SOCKS package."""

_DETAIL: Final = 200


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
    # Its cause does not tell for sure that a frame was too large: a reset that follows takes its place.
    if error.sent is not None and error.sent.code == CloseCode.MESSAGE_TOO_BIG and not error.rcvd_then_sent:
        return Ending(Kind.TOO_LARGE, _sentence(error), size=_size(cause) if isinstance(cause, PayloadTooBig) else None)
    if error.rcvd is not None or error.sent is not None:
        return Ending(Kind.CLOSED, _sentence(error))
    return Ending(Kind.BROKEN, _sentence(cause) if isinstance(cause, OSError) else "no close frame received")


def _size(error: PayloadTooBig) -> int | None:
    # What was read of it before, in pieces, has another name in websockets 15.
    before = getattr(error, "current_size", None) or getattr(error, "cur_size", None) or 0
    return None if error.size is None else error.size + before


def _status_detail(response: Response) -> str:
    body = bytes(response.body or b"").decode("utf-8", "replace").strip()
    return redact(f"HTTP {response.status_code}{': ' if body else ''}{body}")[:_DETAIL]


def _sentence(error: BaseException) -> str:
    return redact(str(error) or type(error).__name__)[:_DETAIL]
