"""What the view shows of the processor: calls as they grow, the last alerts, and its own numbers. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connector.demo.telemetry import ProcessorNumbers

if TYPE_CHECKING:
    from connector.demo.naive_join import Joined

_LAST: Final = 100


@dataclass(frozen=True, slots=True)
class CallSeen:
    """A committed record of `calls`."""

    record: dict[str, Any]
    """Decoded."""


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """A committed record of `alerts`."""

    record: dict[str, Any]
    """Decoded."""


class CallsBoard:
    """Takes what was seen; remembers of each call the last revision."""

    def __init__(self) -> None:
        self.numbers = ProcessorNumbers()
        self.alerts: deque[dict[str, Any]] = deque(maxlen=_LAST)
        """The last ones, the oldest first."""
        self.alert_count = 0
        self._calls: dict[str, dict[str, Any]] = {}
        """In the order of their last revisions."""

    def call(self, seen: CallSeen) -> bool:
        """A revision was read; whether it is the one that closes its call."""
        name = seen.record["transcript_id"]
        before = self._calls.pop(name, None)
        self._calls[name] = seen.record
        return seen.record["state"] != "open" and (before is None or before["state"] == "open")

    def alert(self, seen: AlertSeen) -> None:
        """An alert was read."""
        self.alerts.append(seen.record)
        self.alert_count += 1

    @property
    def closed(self) -> int:
        """How many calls are closed."""
        return sum(call["state"] != "open" for call in self._calls.values())

    def last(self, count: int) -> list[dict[str, Any]]:
        """At most so many calls to look at, the oldest first: those that grow, and one that was closed if there is."""
        calls = list(self._calls.values())
        open_ = [call for call in calls if call["state"] == "open"]
        closed = [call for call in calls if call["state"] != "open"]
        growing = open_[-max(count - bool(closed), 0) :] if count else []
        shown = closed[len(closed) - (count - len(growing)) :] if count - len(growing) < len(closed) else closed
        # By start, so that a line stays where it is while its call grows.
        return sorted(shown + growing, key=_begin)

    def says(self, wanted: dict[str, Joined]) -> bool:
        """Whether every call's last revision has all sentences, and every call that ended is closed."""
        for name, joined in wanted.items():
            call = self._calls.get(name)
            if call is None or call["text"] != joined.text:
                return False
            if joined.ended_at is not None and call["state"] == "open":
                return False
        return True


def _begin(call: dict[str, Any]) -> tuple[str, str]:
    return call["started_at"] or "", call["transcript_id"]
