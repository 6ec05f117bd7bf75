"""One connection's life without sockets or clocks: what to send, when it has settled, and when it counts as dead.

Instants (`now`) are monotonic seconds. Time in which nothing was read does not count against the feed: neither
backpressure (`pause`, `resume`) nor a stopped or starved process (a tick that comes late). Whatever waits in the
socket is then read first, and judged after.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from connector.feed.retry import Ending, Kind
from connector.streams import Protocol

if TYPE_CHECKING:
    from connector.feed.idle import IdleWatch
    from connector.settings import Heartbeat, TranscriptsFeed
    from connector.streams import Stream

_MAX_TICK: Final = 1.0
"""Seconds between two ticks: how exactly idle time and late wake-ups are seen."""

_LATE: Final = 3
"""A tick this many times later than planned means that the process, or its loop, did not run."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send this text frame."""

    text: str


@dataclass(frozen=True, slots=True)
class Settled:
    """The settle window is over."""


@dataclass(frozen=True, slots=True)
class End:
    """Close the connection."""

    ending: Ending


Effect: TypeAlias = Send | Settled | End


def opening(stream: Stream, transcripts: TranscriptsFeed, *, replay: bool) -> list[str]:
    """The text frames to send on every connect (fact sheet §1.3, §3.7: subscriptions do not outlive a socket)."""
    if stream.protocol is Protocol.ENVELOPE:
        return ["replay"] if replay else []
    mock = {"mock": True} if transcripts.mock else {}
    return [_json({"action": "subscribe", transcripts.key: ticker, **mock}) for ticker in transcripts.tickers]


def ping(stream: Stream) -> str:
    """The heartbeat's text frame."""
    return "ping" if stream.protocol is Protocol.ENVELOPE else _json({"action": "ping"})


class Session:
    """One connection, from its connect commands on."""

    def __init__(
        self, stream: Stream, heartbeat: Heartbeat, idle: IdleWatch, *, settle: float | None, now: float
    ) -> None:
        """`settle`: seconds of the settle window, None where no `replay` was sent; `idle` outlives the connection."""
        self._ping = Send(ping(stream))
        self._interval = heartbeat.interval.total_seconds()
        self._timeout = heartbeat.timeout.total_seconds()
        self._tick_every = min(_MAX_TICK, self._interval / 4, self._timeout / 4)
        self._idle = idle
        self._ticked = now
        self._ping_at = now + self._interval
        self._pinged_at = now
        self._pong_by: float | None = None
        self._settle_at = None if settle is None else now + settle
        self._settle_excused = False
        self._paused = False
        self._paused_at = now
        self._messages = False
        self.ending: Ending | None = None
        """Why the connection was given up, once it was."""
        idle.connected()

    @property
    def settling(self) -> bool:
        """Whether the settle window is open."""
        return self._settle_at is not None

    @property
    def deadline(self) -> float:
        """When to call `tick` next, at the latest."""
        deadline = self._ticked + self._tick_every
        if not self._paused:
            deadline = min(deadline, self._ping_at if self._pong_by is None else self._pong_by)
            if self._settle_at is not None:
                deadline = min(deadline, self._settle_at)
        return deadline

    def message(self) -> None:
        """A message arrived; what a replay brings says nothing about the feed being alive."""
        if self._settle_at is None:
            self._messages = True

    def pong(self, now: float) -> float | None:
        """A pong arrived: seconds since its ping, None where none was awaited."""
        if self._pong_by is None:
            return None
        self._pong_by = None
        return now - self._pinged_at

    def pause(self, now: float) -> None:
        """Reading stops: the sink is full."""
        self._paused = True
        self._paused_at = now

    def resume(self, now: float) -> None:
        """Reading goes on."""
        self._paused = False
        self._excuse(now - self._paused_at, now)
        self._ticked = now

    def tick(self, now: float, *, market_active: bool, input_pending: bool = False) -> list[Effect]:
        """Let time pass; what is to be done now, in order. Nothing more is to be asked after an `End`.

        `input_pending`: there is something in the socket that was not read yet, the pong perhaps.
        """
        elapsed, self._ticked = now - self._ticked, now
        if self._paused:
            return []
        if elapsed > _LATE * self._tick_every:
            self._excuse(elapsed, now)
            return []
        effects: list[Effect] = []
        if self._settle_at is not None and (late := now - self._settle_at) >= 0:
            if input_pending and late > self._tick_every / 4 and not self._settle_excused:
                # The loop stood still at the end of the window: what waits in the socket may be the replay. Once, since
                # a busy feed has always something there.
                self._settle_excused = True
                self._settle_at = now + late
            else:
                self._settle_at = None
                effects.append(Settled())
        if self._pong_by is not None:
            if now >= self._pong_by and input_pending:
                self._pong_by = now + self._tick_every
            elif now >= self._pong_by:
                return [*effects, self._end(Kind.PONG_TIMEOUT, f"no pong within {self._timeout:g} s")]
        elif now >= self._ping_at:
            effects.append(self._ping)
            self._pinged_at = now
            self._pong_by = now + self._timeout
            self._ping_at = now + self._interval
        if self._is_idle(elapsed, market_active=market_active):
            effects.append(self._end(Kind.IDLE, f"no message for {self._idle.patience / 2:g} s of market hours"))
        return effects

    def _end(self, kind: Kind, detail: str) -> End:
        self.ending = Ending(kind, detail)
        return End(self.ending)

    def _is_idle(self, elapsed: float, *, market_active: bool) -> bool:
        if self._messages:
            self._messages = False
            self._idle.message()
            return False
        return market_active and self._idle.elapsed(elapsed)

    def _excuse(self, seconds: float, now: float) -> None:
        """For `seconds` nothing was read: leave as long (at most the pong's own time) to read what waits."""
        if self._pong_by is not None:
            self._pong_by = max(self._pong_by + seconds, now + min(seconds, self._timeout))
        if self._settle_at is not None:
            self._settle_at += seconds


def _json(command: dict[str, object]) -> str:
    return json.dumps(command, separators=(",", ":"))
