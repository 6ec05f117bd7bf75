"""The proxy carries everything until it is told to misbehave, and then misbehaves as told."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.chaos.proxy import HOST, Proxy, Way

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENCE = 0.2
SECONDS = 10.0


@pytest.fixture
def way() -> Iterator[Way]:
    """To a server that says everything back."""
    with socket.create_server((HOST, 0)) as server, Proxy() as proxy:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        made = proxy.way()
        made.lead_to([server.getsockname()[1]])
        yield made


def _echo(server: socket.socket) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_repeat, args=(client,), daemon=True).start()


def _repeat(client: socket.socket) -> None:
    with client:
        try:
            while data := client.recv(65536):
                client.sendall(data)
        except OSError:
            return


def connect(way: Way) -> socket.socket:
    return socket.create_connection((HOST, way.ports[0]), SECONDS)


def ask(client: socket.socket, text: bytes) -> bytes:
    client.sendall(text)
    return client.recv(100)


def test_what_is_said_arrives_and_an_end_too(way: Way) -> None:
    with closing(connect(way)) as client:
        assert ask(client, b"hello") == b"hello"
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""


def test_a_cut_is_a_reset_and_the_next_connection_works(way: Way) -> None:
    with closing(connect(way)) as client:
        ask(client, b"hello")
        assert way.cut() == 1
        with pytest.raises(ConnectionResetError):
            client.recv(100)
    with closing(connect(way)) as client:
        assert ask(client, b"again") == b"again"


def test_a_stall_delays_and_loses_nothing(way: Way) -> None:
    with closing(connect(way)) as client:
        ask(client, b"hello")
        way.stall()
        client.sendall(b"waits")
        client.settimeout(SILENCE)
        with pytest.raises(TimeoutError):
            client.recv(100)
        way.flow()
        client.settimeout(SECONDS)
        assert client.recv(100) == b"waits"


def test_half_open_connections_stay_silent_for_ever_and_new_ones_work(way: Way) -> None:
    with closing(connect(way)) as old, closing(connect(way)) as new:
        ask(old, b"hello")
        assert way.half_open() >= 1
        old.sendall(b"nobody hears")
        old.settimeout(SILENCE)
        with pytest.raises(TimeoutError):
            old.recv(100)
        new.close()
    with closing(connect(way)) as client:
        assert ask(client, b"again") == b"again"


def test_refused_until_no_longer(way: Way) -> None:
    with closing(connect(way)) as client:
        ask(client, b"hello")
        way.refuse(True)
        with pytest.raises(ConnectionResetError):
            client.recv(100)
    with closing(connect(way)) as client, pytest.raises((ConnectionResetError, BrokenPipeError)):
        ask(client, b"x")
    way.refuse(False)
    with closing(connect(way)) as client:
        assert ask(client, b"again") == b"again"
