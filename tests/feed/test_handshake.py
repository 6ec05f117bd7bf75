"""Connections that cannot be opened: what is counted, said and done about each."""

from __future__ import annotations

import asyncio
import http
import json
import socket
import struct
from typing import TYPE_CHECKING, Any

import pytest

from connector.feed import State
from tests.support.feeds import TOKEN, UNIT, make_settings, running_feed, tcp_server, units, websocket_server

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

    from tests.support.feeds import Running


class Gate:
    """A WebSocket server's answers to handshakes, one after the other; the last one stays."""

    def __init__(self, *statuses: int, location: str | None = None, delay: float = 0.0) -> None:
        self.statuses = list(statuses)
        self.location = location
        self.delay = delay
        self.tokens: list[str] = []

    async def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        self.tokens.append(request.path.partition("token=")[2])
        await asyncio.sleep(self.delay)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == 101:
            return None
        response = connection.respond(http.HTTPStatus(status), '{"message":"no"}')
        if self.location is not None:
            response.headers["Location"] = self.location
        return response


async def answer_pings(ws: ServerConnection) -> None:
    async for text in ws:
        if text == "ping":
            await ws.send("pong")


def said(log_output: io.StringIO, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log_output.getvalue().splitlines()]
    return [line for line in lines if line["event"] == event]


@pytest.mark.parametrize(
    ("status", "label", "hint"),
    [
        (302, "unavailable", "redirects are not followed"),
        (400, "unavailable", "feed.filters"),
        (404, "unavailable", "no such path"),
        (429, "conflict", "one connection per key and stream"),
        (500, "unavailable", None),
        (502, "unavailable", "check the path"),
        (503, "unavailable", None),
    ],
)
async def test_a_status_is_counted_explained_and_retried(
    status: int, label: str, hint: str | None, log_output: io.StringIO
) -> None:
    gate = Gate(status, 101)
    async with (
        websocket_server(answer_pings, process_request=gate) as url,
        running_feed(make_settings(url)) as running,
    ):
        await running.sink.until("connected")
        assert running.metric("connects_total", result=label) == 1
        assert running.metric("connects_total", result="ok") == 1
        assert running.metric("reconnects_total", reason=label) == 1
        assert running.sink.calls == [("connected", True)]
    (line,) = said(log_output, "feed.retry")
    assert (line["stream"], line["reason"], line["level"]) == ("news", label, "warning")
    assert line["detail"] == f'HTTP {status}: {{"message":"no"}}'
    assert (hint in line["hint"]) if hint else ("hint" not in line)


async def test_a_502_later_on_is_an_outage(log_output: io.StringIO) -> None:
    gate = Gate(503, 502, 101)
    async with (
        websocket_server(answer_pings, process_request=gate) as url,
        running_feed(make_settings(url)) as running,
    ):
        await running.sink.until("connected")
    assert "check the path" not in log_output.getvalue()


@pytest.mark.parametrize(("status", "label"), [(401, "unauthorized"), (403, "forbidden")])
async def test_a_refusal_is_loud_and_tried_again_slowly(status: int, label: str, log_output: io.StringIO) -> None:
    gate = Gate(status, 101)
    async with (
        websocket_server(answer_pings, process_request=gate) as url,
        running_feed(make_settings(url)) as running,
    ):
        began = asyncio.get_running_loop().time()
        assert await running.sink.until("refused") == [status]
        assert running.feed.state.value == "refused"
        assert running.feed.detail == f'HTTP {status}: {{"message":"no"}}'
        await running.sink.until("connected")
        assert asyncio.get_running_loop().time() - began >= 9.9 * UNIT
        assert running.sink.calls == [("refused", status), ("connected", True)]
        assert running.metric("connects_total", result=label) == 1
        assert running.metric("reconnects_total", reason=label) == 1
        assert running.feed.state.value == "settling"
        assert running.feed.detail == ""
    (line,) = said(log_output, "feed.refused")
    assert (line["stream"], line["reason"], line["level"]) == ("news", label, "error")


async def test_a_new_key_in_the_token_file_is_tried_at_once(tmp_path: Path) -> None:
    gate = Gate(401, 101)
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    async with websocket_server(answer_pings, process_request=gate) as url:
        settings = make_settings(url, feed={"token": None, "token_file": file}, backoff={"refused": units(200)})
        async with running_feed(settings) as running:
            await running.sink.until("refused")
            file.write_text(TOKEN + "new")
            async with asyncio.timeout(100 * UNIT):
                await running.sink.until("connected")
    assert gate.tokens == [TOKEN, TOKEN + "new"]


async def test_a_missing_token_file_is_a_refusal_until_it_appears(tmp_path: Path, log_output: io.StringIO) -> None:
    file = tmp_path / "token"
    gate = Gate(101)
    async with websocket_server(answer_pings, process_request=gate) as url:
        settings = make_settings(url, feed={"token": None, "token_file": file})
        async with running_feed(settings) as running:
            assert await running.sink.until("refused") == [401]
            file.write_text(TOKEN)
            await running.sink.until("connected")
            assert running.metric("connects_total", result="unauthorized") >= 1
    assert "feed.token_file" in said(log_output, "feed.refused")[0]["detail"]


async def test_a_redirect_is_not_followed() -> None:
    elsewhere, gate = Gate(101), Gate(302)
    async with (
        websocket_server(answer_pings, process_request=elsewhere) as other,
        websocket_server(answer_pings, process_request=gate) as url,
    ):
        gate.location = f"{other}/?token={TOKEN}"
        async with running_feed(make_settings(url)) as running:
            await running.until(lambda: len(gate.tokens) == 3)
            assert running.sink.calls == []
    assert elsewhere.tokens == []


async def test_a_slow_refusal_is_waited_for() -> None:
    gate = Gate(429, 101, delay=10 * UNIT)
    async with (
        websocket_server(answer_pings, process_request=gate) as url,
        running_feed(make_settings(url)) as running,
    ):
        await running.sink.until("connected")
        assert running.metric("connects_total", result="conflict") == 1


async def test_a_handshake_that_takes_too_long_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with (
        tcp_server(silent) as url,
        running_feed(make_settings(url, feed={"open_timeout": units(4)})) as running,
    ):
        await until_counted(running, "timeout")


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        (b"", "network"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "unavailable"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "unavailable"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "unavailable"),
        (b"\x00" * 10_000, "unavailable"),
    ],
)
async def test_what_answers_is_no_websocket_server(answer: bytes, label: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with tcp_server(speak) as url, running_feed(make_settings(url)) as running:
        await until_counted(running, label)


async def test_a_server_that_resets_at_once_is_a_network_error() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with tcp_server(reset) as url, running_feed(make_settings(url)) as running:
        await running.until(lambda: running.metric("connects_total", result="network") >= 3)
        assert not running.task.done()


async def test_nobody_listens(log_output: io.StringIO) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with running_feed(make_settings(f"ws://127.0.0.1:{port}")) as running:
        await until_counted(running, "network")
        assert running.feed.state is State.WAITING
    assert said(log_output, "feed.retry")[0]["hint"] == "check feed.url and the way to it"


async def test_tls_that_is_none_is_explained(log_output: io.StringIO) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with tcp_server(plain) as url, running_feed(make_settings(url.replace("ws:", "wss:"))) as running:
        await until_counted(running, "network")
    assert "CA certificates" in said(log_output, "feed.retry")[0]["hint"]


async def test_a_stop_during_the_handshake_does_not_wait_for_it() -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    async with (
        tcp_server(silent) as url,
        running_feed(make_settings(url, feed={"open_timeout": "1h"})) as running,
    ):
        await asked.wait()
        await running.feed.close()
        assert running.sink.calls == []


async def until_counted(running: Running, result: str) -> None:
    await running.until(lambda: running.metric("connects_total", result=result) > 0)
