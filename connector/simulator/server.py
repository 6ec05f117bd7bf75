"""The simulated feed: Benzinga's WebSocket server on loopback, under a test's control."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from websockets.asyncio.server import Server, serve
from websockets.exceptions import ConnectionClosed

from connector.logs import get_logger
from connector.simulator.admission import Admission, Refusal
from connector.simulator.channel import Channel, FrameKind, Handshake, SentFrame, parse
from connector.simulator.connection import FeedConnection
from connector.simulator.conversation import Conversation
from connector.simulator.faults import Faults
from connector.simulator.recorder import Recorder
from connector.simulator.settings import SimulatorSettings
from connector.simulator.traffic import Traffic
from connector.simulator.transcripts import TranscriptSession, audio_event, follow_calls, greeting
from connector.simulator.values import Dice
from connector.streams import REPLAY_LIMIT, STREAMS, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

log = get_logger(__name__)

# Requests hold the token, and refused handshakes are this server's daily bread.
_silent = logging.getLogger("connector.simulator.websockets")
_silent.setLevel(logging.CRITICAL)


class Simulator:
    """An asynchronous context manager; everything in it belongs to one event loop.

    `publish` is synchronous: when it returns, the frame is in the cache and, where a client is there, on the socket.
    """

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = settings or SimulatorSettings()
        self.channels = {name: Channel(stream, REPLAY_LIMIT, self.settings.history) for name, stream in STREAMS.items()}
        self.admission = Admission(self.settings)
        self.replay_behaviour = replace(self.settings.replay)
        self.faults = Faults(self)
        self.traffic = Traffic(self)
        self._dice = Dice(f"{self.settings.seed}/server")
        self._recorder: Recorder | None = None
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiters: set[asyncio.Future[None]] = set()
        self._connections: set[FeedConnection] = set()
        self._closing = asyncio.Event()
        self._url = ""

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._converse,
            self.settings.host,
            self.settings.port,
            process_request=self._admit,
            create_connection=FeedConnection,
            compression=None,
            ping_interval=None,  # `keep_alive` does it: a stalled connection must not ping
            close_timeout=1.0,
            logger=_silent,
        )
        port = self._server.sockets[0].getsockname()[1]
        self._url = f"ws://{self.settings.host}:{port}"
        if self.settings.record is not None:
            try:
                self._recorder = Recorder(self.settings.record)
            except OSError:
                self._server.close()
                raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._closing.set()
        await self.traffic.stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in list(self._connections):
            if connection.stalled:
                connection.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self._recorder is not None:
            self._recorder.close()

    @property
    def url(self) -> str:
        """`ws://host:port`, as `feed.url` wants it."""
        return self._url

    # What is sent

    def publish(
        self,
        stream: str,
        payload: str | bytes,
        *,
        kind: FrameKind = "message",
        binary: bool = False,
        cache: bool | None = None,
        mock: bool = False,
    ) -> SentFrame:
        """Send one frame on `stream`; `cache`: whether a replay brings it again (default: messages only)."""
        raw = payload.encode() if isinstance(payload, str) else payload
        channel = self.channels[stream]
        frame = SentFrame(stream, 0, raw, kind, binary, mock, time.time_ns() // 1000)
        transcripts = channel.stream.protocol is Protocol.TRANSCRIPTS
        needs_facts = transcripts or any(getattr(client, "filters", None) for client in channel.clients)
        facts = parse(raw) if needs_facts else None
        if transcripts and facts is not None and not mock:
            self._announce_call(channel, facts)
        channel.publish(frame, facts, cache=kind == "message" if cache is None else cache)
        if self._recorder is not None:
            self._recorder.write(frame)
        self.changed()
        return frame

    def _announce_call(self, channel: Channel, facts: dict[str, Any]) -> None:
        began = follow_calls(channel.live_calls, facts)
        if began is None or not self.settings.audio:
            return
        call_id, symbol = began
        for connection in self.connected_clients(channel.stream.name):
            if connection.session is not None and connection.session.wants(symbol, mock=False):
                connection.say(audio_event(symbol, call_id, self._dice))

    async def drain(self, stream: str) -> None:
        """Wait until every client has room for more; a stalled one is not waited for."""
        for connection in self.connected_clients(stream):
            if not connection.stalled:
                with contextlib.suppress(ConnectionError):  # it went away meanwhile
                    await connection.drain()

    # What is seen

    def sent(self, stream: str) -> Sequence[SentFrame]:
        """Every frame published on `stream`, in order (the last `settings.history` of them, where that is set)."""
        return list(self.channels[stream].sent)

    def commands(self, stream: str) -> Sequence[str]:
        """Every text frame clients sent on `stream`, in order."""
        return list(self.channels[stream].commands)

    def handshakes(self, stream: str) -> Sequence[Handshake]:
        """Every connection attempt on `stream`, in order."""
        return list(self.channels[stream].handshakes)

    def connection_count(self, stream: str) -> int:
        """Clients connected now."""
        return len(self.channels[stream].clients)

    def connected_clients(self, stream: str) -> list[FeedConnection]:
        """The sockets of the clients connected now."""
        return [client for client in self.channels[stream].clients if isinstance(client, FeedConnection)]

    # What is waited for

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until `predicate` is true; it is asked again whenever something happens."""
        while not predicate():
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)

    async def connected(self, stream: str, times: int = 1) -> None:
        """Wait until a client is connected and at least `times` were let in since the start."""
        channel = self.channels[stream]
        await self.until(lambda: bool(channel.clients) and channel.connections >= times)

    async def disconnected(self, stream: str) -> None:
        """Wait until no client is connected."""
        await self.until(lambda: not self.channels[stream].clients)

    async def received(self, stream: str, command: str, times: int = 1) -> None:
        """Wait until clients have sent a text that contains `command`, at least `times` since the start."""
        commands = self.channels[stream].commands
        await self.until(lambda: sum(command in text for text in commands) >= times)

    async def subscribed(self, ticker: str = "*") -> None:
        """Wait until a client has subscribed to the transcripts of `ticker`."""
        await self.until(
            lambda: any(c.session and ticker in c.session.subscriptions for c in self.connected_clients("transcripts"))
        )

    def changed(self) -> None:
        """Something happened: let everybody who waits look again."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside, until it ends or the simulator does."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # The sockets

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        verdict = self.admission.decide(request.path)
        stream = self.admission.stream_of(request.path)
        status = verdict.status if isinstance(verdict, Refusal) else 101
        if stream is not None:
            self.channels[stream.name].handshakes.append(Handshake(status, time.monotonic()))
            self.changed()
        if isinstance(verdict, Refusal):
            log.debug("simulator.refused", stream=stream.name if stream else None, status=status)
            with contextlib.suppress(TimeoutError):  # a refusal that takes seconds does not hold up the end
                await asyncio.wait_for(self._closing.wait(), verdict.delay)
            self.changed()
            response = connection.respond(verdict.status, verdict.body)
            if verdict.body.startswith("{"):
                del response.headers["Content-Type"]
                response.headers["Content-Type"] = "application/json; charset=utf-8"
            return response
        if not isinstance(connection, FeedConnection):
            raise TypeError("the server makes FeedConnections only")
        connection.slot = verdict.slot
        connection.filters = verdict.filters
        connection.channel = self.channels[verdict.stream.name]
        connection.on_end = self._ended
        if verdict.stream.protocol is Protocol.TRANSCRIPTS:
            connection.session = TranscriptSession(self.settings.reply_form)
        return None

    async def _converse(self, connection: ServerConnection) -> None:
        if not isinstance(connection, FeedConnection) or connection.channel is None:
            raise TypeError("the server makes FeedConnections only, and `_admit` gives them their channel")
        channel = connection.channel
        if self.faults.closes_at_once(connection):
            return
        if connection.on_end is None:
            return  # ended between the handshake and now
        self._connections.add(connection)
        channel.attach(connection, time.time_ns() // 1000)
        log.debug("simulator.connected", stream=channel.stream.name)
        if connection.session is not None:
            connection.say(greeting(self._dice))
        elif self.settings.status_on_connect:
            connection.say('{"status":"connected","message":"authenticated"}')
        self.changed()
        conversation = Conversation(self, connection, channel, self._dice)
        keep_alive = asyncio.create_task(
            connection.keep_alive(self.settings.ping_interval, self.settings.ping_timeout),
        )
        try:
            async for message in connection:
                if isinstance(message, str):
                    await conversation.obey(message)
        except ConnectionClosed as closed:
            log.debug("simulator.disconnected", stream=channel.stream.name, code=closed.rcvd and closed.rcvd.code)
        finally:
            keep_alive.cancel()
            self._connections.discard(connection)

    def _ended(self, connection: FeedConnection, clean: bool) -> None:
        """Free what the connection held: at once after a closing handshake, late otherwise."""
        if connection.channel is not None:
            connection.channel.detach(connection)
        slot, connection.slot = connection.slot, None
        if slot is not None:
            if clean or not self.settings.slot_release:
                self.admission.release(slot)
            else:
                asyncio.get_running_loop().call_later(self.settings.slot_release, self._release, slot)
        self.changed()

    def _release(self, slot: tuple[str, ...]) -> None:
        self.admission.release(slot)
        self.changed()
