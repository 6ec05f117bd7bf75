"""A TCP proxy that can misbehave: cut, stall, go half-open, refuse. It knows nothing of what it carries.

Every `Link` is one listening port and the port it leads to. All of them live on one event loop in a thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

HOST = "127.0.0.1"
CHUNK = 64 * 1024

T = TypeVar("T")


class _Pair:
    """Two sockets, and whatever runs between them."""

    def __init__(self, link: Link, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._link = link
        self._writers = (client, server)
        self._silent = False

    async def run(self, from_client: asyncio.StreamReader, from_server: asyncio.StreamReader) -> None:
        client, server = self._writers
        try:
            await asyncio.gather(self._pump(from_client, server), self._pump(from_server, client))
        finally:
            self.abort()

    def go_silent(self) -> None:
        """From now on nothing arrives, on either side, and neither hears that the other one has gone."""
        self._silent = True

    def abort(self) -> None:
        """Reset both."""
        for writer in self._writers:
            _reset(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                await self._link.flowing.wait()
                if not self._silent:
                    writer.write(data)
                    await writer.drain()
            if not self._silent:
                writer.write_eof()
        except OSError:
            if not self._silent:
                _reset(writer)


class Link:
    """One listening port and where it leads to."""

    def __init__(self) -> None:
        self.port = 0
        self.upstream = 0
        """Set before the first client comes."""
        self.accepted = 0
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.refusing = False
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> int:
        """Reset every connection; how many there were."""
        for pair in list(self._pairs):
            pair.abort()
        return len(self._pairs)

    def half_open(self) -> int:
        """Forget every connection without telling either end; new ones work. How many there were."""
        for pair in self._pairs:
            pair.go_silent()
        return len(self._pairs)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.accepted += 1
        if self.refusing:
            _reset(writer)
            return
        try:
            from_server, to_server = await asyncio.open_connection(HOST, self.upstream)
        except OSError:
            _reset(writer)
            return
        pair = _Pair(self, writer, to_server)
        self._pairs.add(pair)
        try:
            await pair.run(reader, from_server)
        finally:
            self._pairs.discard(pair)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.transport.get_extra_info("socket")
    if raw is not None and not writer.transport.is_closing():
        # Linger of 0 seconds makes the kernel send RST instead of FIN.
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Way:
    """All links of one process to one side: the feed, or every broker. Reached from any thread."""

    def __init__(self, proxy: Proxy, links: list[Link]) -> None:
        self._proxy = proxy
        self.links = links

    @property
    def ports(self) -> list[int]:
        return [link.port for link in self.links]

    def lead_to(self, ports: list[int]) -> None:
        """Where the links end."""
        for link, port in zip(self.links, ports, strict=True):
            link.upstream = port

    def cut(self) -> int:
        return self._proxy.call(lambda: sum(link.cut() for link in self.links))

    def half_open(self) -> int:
        return self._proxy.call(lambda: sum(link.half_open() for link in self.links))

    def stall(self) -> None:
        """Let nothing through, and lose nothing, until `flow`."""
        self._proxy.call(lambda: [link.flowing.clear() for link in self.links])

    def flow(self) -> None:
        self._proxy.call(lambda: [link.flowing.set() for link in self.links])

    def refuse(self, refusing: bool) -> None:
        """Reset whoever comes, and whoever is there."""

        def act() -> None:
            for link in self.links:
                link.refusing = refusing
                if refusing:
                    link.cut()

        self._proxy.call(act)


class Proxy:
    """The thread in which every link lives; a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: list[Link] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def way(self, links: int = 1) -> Way:
        """So many new links, listening; `Way.lead_to` says where they end."""
        return self._run(self._open(links))

    def call(self, action: Callable[[], T]) -> T:
        """What `action` returns, run in the loop's thread."""

        async def run() -> T:
            return action()

        return self._run(run())

    async def _open(self, count: int) -> Way:
        links = [Link() for _ in range(count)]
        for link in links:
            await link.open()
        self._links += links
        return Way(self, links)

    async def _close(self) -> None:
        for link in self._links:
            await link.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)
