"""One stream's socket, kept open: the thin shell around `session` and `retry`."""

from __future__ import annotations

import asyncio
import random as random_
import time
from typing import TYPE_CHECKING, Final

from structlog.contextvars import bound_contextvars

from connector.errors import ConfigurationError
from connector.feed.backoff import Backoff
from connector.feed.dial import dial
from connector.feed.endings import HANDSHAKE_ERRORS, handshake_ending
from connector.feed.idle import IdleWatch
from connector.feed.link import Link
from connector.feed.market_hours import is_active
from connector.feed.retry import Ending, Kind, Wait, decide
from connector.feed.session import Session, opening
from connector.feed.state import State
from connector.feed.url import check_url, stream_url
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.asyncio.client import ClientConnection

    from connector.feed.retry import Decision
    from connector.feed.sink import Sink
    from connector.metrics import SourceMetrics
    from connector.settings import Settings
    from connector.streams import Stream

_TOKEN_POLL: Final = 5.0
"""Seconds between two looks at the token file after a refusal."""

_UNAUTHORIZED: Final = 401

log = get_logger(__name__)


def epoch_micros() -> int:
    """Now, in microseconds since the epoch."""
    return time.time_ns() // 1000


class Feed:
    """Keeps one stream connected and hands every frame to `sink`, until cancelled or stopped."""

    def __init__(
        self,
        stream: Stream,
        settings: Settings,
        sink: Sink,
        metrics: SourceMetrics,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], int] = epoch_micros,
        market_active: Callable[[float], bool] = is_active,
        random: Callable[[], float] = random_.random,
    ) -> None:
        """Raise ConfigurationError where `feed.url` is no address.

        `clock`: monotonic seconds; `wall_clock`: microseconds since the epoch; `market_active`: of seconds since the
        epoch; `random`: from 0 to 1.
        """
        check_url(settings.feed.url)
        self.stream = stream
        self.state = State.STOPPED
        self.since = wall_clock()
        """When `state` was entered, microseconds since the epoch."""
        self.detail = ""
        """Why the last attempt or connection ended, redacted; empty while all is well."""
        self._settings = settings
        self._sink = sink
        self._metrics = metrics
        self._clock = clock
        self._wall_clock = wall_clock
        self._market_active = market_active
        source = settings.source
        self._backoff = Backoff(source.backoff, random)
        self.idle_limit = source.idle_timeout.get(stream.name, stream.idle_after).total_seconds()
        """Seconds of silence in market hours after which the socket is replaced."""
        self._idle = IdleWatch(self.idle_limit)
        self._log = log.bind(stream=stream.name)
        self._token = ""
        self._ask_replay = stream.has_replay
        self._first_attempt = True
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._done = asyncio.Event()
        self._done.set()

    async def run(self) -> None:
        """Connect, read and reconnect until cancelled or stopped. Raises what the sink raises."""
        if self._stopping.is_set():
            return
        self._done.clear()
        self._task = asyncio.create_task(self._keep_connected(), name=f"feed-{self.stream.name}")
        try:
            await self._task
        except asyncio.CancelledError:
            # Either `stop` cancelled the inner task, which is an orderly end, or somebody cancelled us.
            if not self._stopping.is_set() or _cancelled():
                raise
        finally:
            self._metrics.connected.labels(self.stream.name).set(0)
            self._enter(State.STOPPED)
            self._done.set()

    def stop(self) -> None:
        """Make `run` close the socket and return."""
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """Stop, and wait until the socket is closed, so that the feed's slot is free."""
        self.stop()
        await self._done.wait()

    async def _keep_connected(self) -> None:
        while True:
            ending = await self._attempt()
            decision = decide(ending, first_attempt=self._first_attempt)
            self._first_attempt = False
            self.detail = ending.detail
            if decision.result is not None:
                self._metrics.connects.labels(self.stream.name, decision.result).inc()
            self._metrics.reconnects.labels(self.stream.name, decision.reason).inc()
            await self._wait(ending, decision)

    async def _attempt(self) -> Ending:
        """Open one connection and read it to its end."""
        self._enter(State.CONNECTING)
        feed = self._settings.feed
        try:
            self._token = feed.read_token()
        except ConfigurationError as error:
            self._token = ""  # whatever comes is a change
            return Ending(Kind.NO_TOKEN, str(error))
        try:
            connection = await dial(
                stream_url(self.stream, feed, self._token),
                open_timeout=feed.open_timeout.total_seconds(),
                max_frame_bytes=self._settings.source.max_frame_bytes,
            )
        except HANDSHAKE_ERRORS as error:
            return handshake_ending(error)
        self._metrics.connects.labels(self.stream.name, "ok").inc()
        self._first_attempt = False
        # Whatever is logged of its frames, by whoever handles them, tells the connection.
        with bound_contextvars(connection_id=connection.id.hex[:8]):
            return await self._serve(connection)

    async def _serve(self, connection: ClientConnection) -> Ending:
        """Read an open connection to its end, and leave it closed."""
        began = self._clock()
        ending = Ending(Kind.STOPPED, "")
        feed, source = self._settings.feed, self._settings.source
        link = Link(
            connection,
            self._sink,
            limit=source.max_frame_bytes,
            pong_seconds=self._metrics.pong.labels(self.stream.name),
            clock=self._clock,
            wall_clock=self._wall_clock,
            market_active=self._market_active,
        )
        try:
            commands = opening(self.stream, feed.transcripts, replay=self._ask_replay)
            sent = await link.send_all(commands, timeout=feed.open_timeout.total_seconds())
            replaying = self._ask_replay and sent
            settle = source.settle.total_seconds() if replaying else None
            session = Session(self.stream, source.heartbeat, self._idle, settle=settle, now=self._clock())
            self._connected(replaying=replaying)
            try:
                ending = await link.run(session, on_settled=lambda: self._enter(State.LIVE))
            finally:
                self._disconnected(ending, self._clock() - began)
        finally:
            await link.shut()
        # After a frame that ended the connection, a replay would bring it again, and end the next one, for ever.
        self._ask_replay = self.stream.has_replay and ending.kind is not Kind.TOO_LARGE
        return ending

    def _connected(self, *, replaying: bool) -> None:
        self.detail = ""
        self._metrics.connected.labels(self.stream.name).set(1)
        self._enter(State.SETTLING if replaying else State.LIVE)
        self._log.info("feed.connected", replaying=replaying)
        self._sink.connected(self._wall_clock(), replaying=replaying)

    def _disconnected(self, ending: Ending, lasted: float) -> None:
        reason = decide(ending, first_attempt=False).reason
        self._backoff.lasted(lasted)
        self._metrics.connected.labels(self.stream.name).set(0)
        detail = {"detail": ending.detail} if ending.detail else {}
        self._log.info("feed.disconnected", reason=reason, lasted_seconds=round(lasted, 3), **detail)
        self._sink.disconnected(self._wall_clock(), reason, ending.detail)

    async def _wait(self, ending: Ending, decision: Decision) -> None:
        if decision.wait is Wait.REFUSED:
            await self._wait_refused(ending, decision)
            return
        seconds = self._backoff.next()
        self._enter(State.WAITING)
        self._log.warning("feed.retry", **_trouble(ending, decision, seconds))
        await asyncio.sleep(seconds)

    async def _wait_refused(self, ending: Ending, decision: Decision) -> None:
        """Wait for an operator, or for a new key."""
        seconds = self._settings.source.backoff.refused.total_seconds()
        self._enter(State.REFUSED)
        self._log.error("feed.refused", **_trouble(ending, decision, seconds))
        self._sink.refused(self._wall_clock(), ending.status or _UNAUTHORIZED)
        until = self._clock() + seconds
        poll = min(_TOKEN_POLL, seconds / 10) if self._settings.feed.token_file is not None else seconds
        while (left := until - self._clock()) > 0:
            await asyncio.sleep(min(poll, left))
            if self._token_changed():
                self._log.info("feed.token_changed")
                return

    def _token_changed(self) -> bool:
        try:
            return self._settings.feed.read_token() != self._token
        except ConfigurationError:
            return False  # still missing, or just being replaced: the next attempt says so

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self.since = self._wall_clock()


def _trouble(ending: Ending, decision: Decision, seconds: float) -> dict[str, object]:
    """For the log: what happened, how long it is waited, what an operator may do."""
    hint = {"hint": decision.hint} if decision.hint else {}
    return {"reason": decision.reason, "detail": ending.detail, "wait_seconds": round(seconds, 3), **hint}


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
