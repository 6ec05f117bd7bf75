"""Whether a replay proves that nothing is missing (contract §4.4: silence means nothing is missing).

A replay is the feed's last 100 messages, in an order it does not promise, with no mark where it ends, and live messages
may come in between. So only a whole one proves anything: where a settle window is over, and something was met in it
that was known *before* the interruption, everything since is there too. What arrived in a window that broke off is
published, but proves nothing: it may be any part of what was sent.

What is on the topic tells after a crash which is which: a record of a replay carries `benzinga-replayed`, and proves
something only where a live one follows it in its partition, for then its window was over.

Pure: times are microseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.source.gaps import Gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.messages import Message


@dataclass(slots=True)
class _Interruption:
    """A time without a reader that no replay has bridged yet."""

    disconnected_at: int | None
    unproven: set[str] = field(default_factory=set)
    """Fingerprints of what has arrived since: meeting those again proves nothing about the time before."""
    connected_at: int | None = None
    is_first: bool = False
    """Nothing was known before it that could be missed."""
    arrived: int = 0
    bridged: bool = False
    first: Message | None = None
    """Of this connection; `last`: of all since."""
    last: Message | None = None


class ReplayGaps:
    """What of an enveloped stream may be missing after an interruption."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._interruption: _Interruption | None = None
        self._last_id: str | None = None
        self._last_time: int | None = None
        self._last_at = 0
        """The last message up to which nothing is missing that was not said, and when it was received."""
        self._unproven: set[str] = set()
        """At a take-over: fingerprints of what may be part of half a replay."""

    # A take-over

    def restored(self, last_id: str, last_time: int | None, received_at: int = 0, unproven: Iterable[str] = ()) -> None:
        """The topic's tail holds messages: an earlier process has read this stream.

        Named is the last that proves something; `unproven`: fingerprints of those that do not.
        """
        self._last_id, self._last_time, self._last_at = last_id, last_time, received_at
        self._unproven = set(unproven)

    def recovered(self, message: Message, received_at: int, *, replayed: bool) -> None:
        """A journal holds a message besides."""
        if self._interruption is not None:
            self._interruption.unproven.add(message.fingerprint)
        elif replayed and self._last_id is not None:
            self._unproven.add(message.fingerprint)
        elif received_at >= self._last_at:
            self._last_id, self._last_time, self._last_at = message.message_id, _micros(message), received_at

    def interrupted(self) -> None:
        """The process that has read what is known was interrupted; where nothing is known there was none."""
        if self._last_id is not None and self._interruption is None:
            self._interruption = _Interruption(None, self._unproven)
            self._unproven = set()

    # Connections

    def connected(self, at: int, *, replaying: bool) -> Iterator[Gap]:
        """A connection stands; without a replay nothing can bridge an interruption."""
        interruption = self._interruption
        if interruption is None:
            if replaying:
                self._interruption = _Interruption(None, connected_at=at, is_first=True)
            return
        interruption.connected_at = at
        if not replaying:
            if not interruption.is_first:
                yield self._gap(interruption, at, "no_replay", "connected without asking for a replay")
            self._close(interruption)

    def admitted(self, message: Message) -> None:
        """A message was new."""
        interruption = self._interruption
        if interruption is None:
            self._last_id, self._last_time = message.message_id, _micros(message)
            return
        interruption.arrived += 1
        interruption.unproven.add(message.fingerprint)
        interruption.first = interruption.first or message
        interruption.last = message

    def met_again(self, fingerprint: str) -> None:
        """A message (or dead letter) was known already."""
        if self._interruption is not None:
            self._interruption.arrived += 1
            if fingerprint not in self._interruption.unproven:
                self._interruption.bridged = True

    def settled(self, at: int) -> Iterator[Gap]:
        """The settle window is over, and everything that arrived in it was admitted or met again."""
        interruption = self._interruption
        if interruption is None:
            return
        if not (interruption.bridged or interruption.is_first):
            if interruption.arrived:
                yield self._gap(interruption, at, "no_overlap", "the replay holds nothing that was known before")
            else:
                yield self._gap(interruption, at, "no_replay", "the replay brought nothing")
        self._close(interruption)

    def disconnected(self, at: int) -> None:
        """The connection is gone; within its settle window, the interruption before it goes on."""
        interruption = self._interruption
        if interruption is None:
            self._interruption = _Interruption(at)
            return
        oldest = interruption.first
        if interruption.is_first and oldest is not None:
            # From here on something can be missed: a replay that reaches back to the oldest known has all since.
            self._last_id, self._last_time = oldest.message_id, _micros(oldest)
            interruption.unproven.discard(oldest.fingerprint)
            interruption.is_first = False
            interruption.disconnected_at = at
        interruption.connected_at = interruption.first = None
        interruption.arrived, interruption.bridged = 0, False

    def _close(self, interruption: _Interruption) -> None:
        self._interruption = None
        if interruption.last is not None:
            self._last_id, self._last_time = interruption.last.message_id, _micros(interruption.last)

    def _gap(self, interruption: _Interruption, at: int, reason: str, detail: str) -> Gap:
        first = interruption.first
        return Gap(
            self._stream,
            reason,
            detected_at=at,
            disconnected_at=interruption.disconnected_at,
            connected_at=interruption.connected_at,
            last_message_id=self._last_id,
            last_event_time=self._last_time,
            first_message_id=first.message_id if first else None,
            first_event_time=_micros(first) if first else None,
            detail=detail,
        )


def _micros(message: Message) -> int | None:
    return None if message.event_time is None else message.event_time // 1000
