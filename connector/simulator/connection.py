"""One client's socket, which can be made to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from connector.simulator.channel import passes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.simulator.channel import Channel, SentFrame
    from connector.simulator.transcripts import TranscriptSession


class FeedConnection(ServerConnection):
    """A WebSocket connection that knows its stream, and can fall silent without closing.

    A stalled connection neither handles what arrives (pings included) nor sends; what it was given waits.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.channel: Channel | None = None
        self.slot: tuple[str, ...] | None = None
        self.filters: dict[str, frozenset[str]] = {}
        self.session: TranscriptSession | None = None
        self.number = 0
        self.stalled = False
        self.on_end: Callable[[FeedConnection, bool], None] | None = None
        self._held_in: list[bytes] = []
        self._held_out: list[tuple[bytes, bool]] = []

    def wants(self, frame: SentFrame, facts: Mapping[str, Any] | None) -> bool:
        """Whether filters or subscriptions let the frame through."""
        if self.session is None:
            return passes(facts, self.filters)
        symbol = facts.get("symbol") if facts is not None else None
        return self.session.wants(symbol if isinstance(symbol, str) else None, mock=frame.mock)

    def put(self, payload: bytes, *, binary: bool = False) -> bool:
        """Write one frame at once, without waiting; False where it could not go out (yet)."""
        if self.stalled:
            self._held_out.append((payload, binary))
            return False
        if self.protocol.state is not State.OPEN or self.transport.is_closing():
            return False
        broadcast([self], payload, text=not binary)
        return True

    def say(self, text: str) -> None:
        """Answer a command; kept in the channel's `replies`."""
        self.put(text.encode())
        if self.channel is not None:
            self.channel.replies.append(text)

    def stall(self) -> None:
        """Fall silent."""
        self.stalled = True

    def resume(self) -> None:
        """Handle and send everything that waited."""
        self.stalled = False
        held_in, held_out = b"".join(self._held_in), self._held_out
        self._held_in, self._held_out = [], []
        for payload, binary in held_out:
            self.put(payload, binary=binary)
        if held_in and not self.transport.is_closing():
            self.data_received(held_in)

    def abort(self, *, reset: bool = True) -> None:
        """End the TCP connection without a closing handshake: with a reset, or with an ordinary FIN."""
        if reset:
            raw = self.transport.get_extra_info("socket")
            if raw is not None:
                # Linger of 0 seconds makes the kernel send RST instead of FIN.
                with contextlib.suppress(OSError):  # the peer was faster
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def keep_alive(self, interval: float, patience: float | None) -> None:
        """Ping every `interval` seconds; drop the client where no pong comes within `patience`."""
        while True:
            await asyncio.sleep(interval)
            if self.stalled:
                continue
            try:
                pong = await self.ping()
                if patience is not None:
                    await asyncio.wait_for(pong, patience)
            except TimeoutError:
                self.abort()
                return
            except ConnectionClosed:
                return

    def data_received(self, data: bytes) -> None:
        """Hold what arrives while stalled; tell of a closing handshake as soon as the client asked for it."""
        if self.stalled:
            self._held_in.append(data)
            return
        super().data_received(data)
        if self.protocol.close_rcvd is not None:
            self._ended(clean=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell of the end, whatever it was."""
        super().connection_lost(exc)
        self._ended(clean=False)

    def _ended(self, *, clean: bool) -> None:
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end(self, clean)
