"""One open connection: carries frames to the sink and does what its session asks for."""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed

from connector.feed.endings import connection_ending
from connector.feed.retry import Kind
from connector.feed.session import End, Send, Settled
from connector.messages import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.asyncio.client import ClientConnection

    from connector.feed.retry import Ending
    from connector.feed.session import Session
    from connector.feed.sink import Sink
    from connector.histogram import Series


class Link:
    """One open connection, from its connect commands to its end."""

    def __init__(
        self,
        connection: ClientConnection,
        sink: Sink,
        *,
        limit: int,
        pong_seconds: Series,
        clock: Callable[[], float],
        wall_clock: Callable[[], int],
        market_active: Callable[[float], bool],
    ) -> None:
        """`limit`: bytes of the largest frame that is kept."""
        self._connection = connection
        self._sink = sink
        self._limit = limit
        self._pong_seconds = pong_seconds
        self._clock = clock
        self._wall_clock = wall_clock
        self._market_active = market_active

    async def send_all(self, texts: list[str], *, timeout: float) -> bool:  # noqa: ASYNC109 - seconds, in the feed's terms
        """Send the connect commands; False where the feed closes or does not take them within `timeout` seconds.

        What it sent before is still to be read; `run` then says how it ended.
        """
        try:
            async with asyncio.timeout(timeout):
                for text in texts:
                    await self._connection.send(text)
        except (ConnectionClosed, TimeoutError):
            self._connection.transport.abort()
            return False
        return True

    async def run(self, session: Session, *, on_settled: Callable[[], None]) -> Ending:
        """Read to the end; say how it ended. Raises what the sink raises."""
        reader = asyncio.create_task(self._read(session))
        driver = asyncio.create_task(self._drive(session, on_settled))
        try:
            await asyncio.wait({reader, driver}, return_when=asyncio.FIRST_COMPLETED)
            if driver.done():
                driver.result()  # raises what the sink raised
            # Where the session gave up, the reader takes what arrives until the closing handshake is over.
            ending = await reader
            return session.ending or ending
        finally:
            for task in (reader, driver):
                task.cancel()
            await asyncio.gather(reader, driver, return_exceptions=True)

    async def shut(self) -> None:
        """Close properly, so that the feed frees the slot at once; what still arrives is thrown away."""
        closing = asyncio.create_task(self._connection.close())
        try:
            while True:
                await self._connection.recv(decode=False)
        except ConnectionClosed:
            await closing
        finally:
            closing.cancel()
            self._connection.transport.abort()

    async def _read(self, session: Session) -> Ending:
        """Hand every frame on, until the connection ends: the hot path."""
        recv, sink, clock, wall_clock = self._connection.recv, self._sink, self._clock, self._wall_clock
        receive, limit = sink.receive, self._limit
        try:
            while True:
                payload = await recv(decode=False)
                at = wall_clock()
                if len(payload) > limit:
                    session.message()
                    detail = f"a frame of {len(payload)} bytes; source.max_frame_bytes: {limit}"
                    sink.too_large(at, len(payload), detail, payload)
                    continue
                control = receive(Frame(payload, at))
                if control is None:
                    session.message()
                elif control.type == "pong" and (seconds := session.pong(clock())) is not None:
                    self._pong_seconds.observe(seconds)
                if sink.full:
                    session.pause(clock())
                    await sink.ready()
                    session.resume(clock())
        except ConnectionClosed as error:
            ending = connection_ending(error)
        if ending.kind is Kind.TOO_LARGE:
            sink.too_large(wall_clock(), ending.size, ending.detail)
        return ending

    async def _drive(self, session: Session, on_settled: Callable[[], None]) -> None:
        """Do what is due when it is due, until the session gives the connection up."""
        while True:
            await asyncio.sleep(max(0.0, session.deadline - self._clock()))
            active = self._market_active(self._wall_clock() / 1e6)
            pending = self._input_pending()
            for effect in session.tick(self._clock(), market_active=active, input_pending=pending):
                match effect:
                    case Settled():
                        self._sink.settled(self._wall_clock())
                        on_settled()
                    case Send(text):
                        await self._send(text)
                    case End():
                        await self._connection.close()
                        return

    def _input_pending(self) -> bool:
        descriptor = self._connection.transport.get_extra_info("socket").fileno()
        if descriptor < 0:
            return False  # closed
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))

    async def _send(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            return  # the reader sees it too, and says why
