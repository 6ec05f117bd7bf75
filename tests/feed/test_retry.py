"""What follows from each ending, and which exception is which ending."""

from __future__ import annotations

import socket
import ssl

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosedError,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidUpgrade,
    PayloadTooBig,
    WebSocketException,
)
from websockets.frames import Close
from websockets.http11 import Response

from connector.feed.endings import connection_ending, handshake_ending
from connector.feed.retry import Ending, Kind, Wait, decide
from connector.logs import add_secret
from connector.metrics import CONNECT_RESULTS, RECONNECT_REASONS
from tests.support.feeds import TOKEN


def status(code: int, body: bytes = b"") -> InvalidStatus:
    return InvalidStatus(Response(code, "", Headers(), body))


def caused(error: WebSocketException, cause: Exception) -> WebSocketException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (status(503), Kind.STATUS),
        (TimeoutError("timed out during opening handshake"), Kind.TIMEOUT),
        (socket.gaierror(-2, "Name or service not known"), Kind.DNS),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), Kind.TLS),
        (ConnectionRefusedError(111, "Connection refused"), Kind.NETWORK),
        (OSError("Multiple exceptions: …"), Kind.NETWORK),
        (caused(InvalidMessage("did not receive a valid HTTP response"), EOFError()), Kind.NETWORK),
        (caused(InvalidMessage("did not receive a valid HTTP response"), ValueError()), Kind.NOT_WEBSOCKET),
        (ConnectionClosedError(None, None), Kind.NETWORK),
        (InvalidUpgrade("Upgrade", "h2c"), Kind.NOT_WEBSOCKET),
        (InvalidHandshake(), Kind.NOT_WEBSOCKET),
        (InvalidProxyStatus(Response(407, "", Headers())), Kind.PROXY),
        (ImportError("connecting through a SOCKS proxy requires python-socks"), Kind.PROXY),
    ],
)
def test_why_a_connection_could_not_be_opened(error: Exception, kind: Kind) -> None:
    ending = handshake_ending(error)
    assert ending.kind is kind
    assert ending.detail
    assert not ending.opened


def test_the_detail_of_a_status_is_short_and_without_the_key() -> None:
    add_secret(TOKEN)
    ending = handshake_ending(status(400, f"bad key {TOKEN} ".encode() + b"\xff" * 1000))
    assert ending.status == 400
    assert ending.detail.startswith("HTTP 400: bad key *** ")
    assert len(ending.detail) <= 200


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionClosedError(Close(1011, "oops"), Close(1011, ""), rcvd_then_sent=True), Kind.CLOSED),
        (ConnectionClosedError(None, Close(1002, "invalid opcode")), Kind.CLOSED),
        (ConnectionClosedError(None, None), Kind.BROKEN),
        (caused(ConnectionClosedError(None, None), ConnectionResetError(104, "reset by peer")), Kind.BROKEN),
        (caused(ConnectionClosedError(None, Close(1009, "")), PayloadTooBig(9, 8)), Kind.TOO_LARGE),
        (caused(ConnectionClosedError(None, Close(1009, "")), ConnectionResetError(104, "reset")), Kind.TOO_LARGE),
        (
            ConnectionClosedError(Close(1009, ""), Close(1009, "too many fragments"), rcvd_then_sent=False),
            Kind.TOO_LARGE,
        ),
        (ConnectionClosedError(Close(1009, ""), Close(1009, ""), rcvd_then_sent=True), Kind.CLOSED),
    ],
)
def test_why_an_open_connection_ended(error: ConnectionClosedError, kind: Kind) -> None:
    ending = connection_ending(error)
    assert ending.kind is kind
    assert ending.detail
    assert ending.opened


def test_the_size_of_a_frame_in_pieces_counts_all_of_them() -> None:
    error = caused(ConnectionClosedError(None, Close(1009, "")), PayloadTooBig(10, 5, 7))
    assert isinstance(error, ConnectionClosedError)
    assert connection_ending(error).size == 17


@pytest.mark.parametrize(
    ("kind", "result", "reason", "wait"),
    [
        (Kind.NO_TOKEN, "unauthorized", "unauthorized", Wait.REFUSED),
        (Kind.TIMEOUT, "timeout", "timeout", Wait.BACKOFF),
        (Kind.DNS, "network", "network", Wait.BACKOFF),
        (Kind.TLS, "network", "tls", Wait.BACKOFF),
        (Kind.PROXY, "network", "network", Wait.BACKOFF),
        (Kind.NETWORK, "network", "network", Wait.BACKOFF),
        (Kind.NOT_WEBSOCKET, "unavailable", "unavailable", Wait.BACKOFF),
        (Kind.CLOSED, None, "closed", Wait.BACKOFF),
        (Kind.BROKEN, None, "network", Wait.BACKOFF),
        (Kind.PONG_TIMEOUT, None, "pong_timeout", Wait.BACKOFF),
        (Kind.IDLE, None, "idle", Wait.BACKOFF),
        (Kind.TOO_LARGE, None, "too_large", Wait.BACKOFF),
    ],
)
def test_what_follows_from_each_kind(kind: Kind, result: str | None, reason: str, wait: Wait) -> None:
    decision = decide(Ending(kind, ""), first_attempt=False)
    assert (decision.result, decision.reason, decision.wait) == (result, reason, wait)


@pytest.mark.parametrize("first_attempt", [True, False])
def test_every_status_has_known_labels(*, first_attempt: bool) -> None:
    for code in range(200, 600):
        decision = decide(Ending(Kind.STATUS, "", status=code), first_attempt=first_attempt)
        assert decision.result in CONNECT_RESULTS
        assert decision.reason in RECONNECT_REASONS
        assert (decision.wait is Wait.REFUSED) == (code in {401, 403})
        assert ("check the path" in (decision.hint or "")) == (code == 502 and first_attempt)


def test_every_kind_of_an_open_connection_is_counted_as_a_connect_only_once() -> None:
    for kind in Kind:
        ending = Ending(kind, "")
        assert (decide(ending, first_attempt=False).result is None) == ending.opened
