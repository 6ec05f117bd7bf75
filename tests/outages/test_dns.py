"""The name of the feed cannot be resolved for a while."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from tests.support.feeds import make_settings, running_feed, websocket_server

if TYPE_CHECKING:
    import pytest
    from websockets.asyncio.server import ServerConnection

HOST = "feed.invalid"
FAILURES = 3


async def test_a_name_that_does_not_resolve_is_tried_again_until_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, asked = socket.getaddrinfo, 0

    def failing(host: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal asked
        if host != HOST:
            return resolve(host, *args, **kwargs)
        asked += 1
        if asked <= FAILURES:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve("127.0.0.1", *args, **kwargs)

    async def serve(connection: ServerConnection) -> None:
        await connection.send('{"data": {}}')
        await connection.wait_closed()

    monkeypatch.setattr(socket, "getaddrinfo", failing)
    async with (
        websocket_server(serve) as url,
        running_feed(make_settings(url.replace("127.0.0.1", HOST))) as running,
    ):
        await running.sink.until("frame")
        assert running.metric("connects_total", result="network") == FAILURES
        assert running.metric("reconnects_total", reason="network") == FAILURES
        assert running.metric("connects_total", result="ok") == 1
