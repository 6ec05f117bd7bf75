"""What the view shows: numbers and last words of each stream, and the last records of all. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.demo.calls_board import CallsBoard
from connector.demo.describe import closing_line
from connector.demo.telemetry import Numbers
from connector.kafka.topics import CALLS, DEAD_LETTERS, GAPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.demo.calls_board import CallSeen
    from connector.demo.reader import Seen
    from connector.demo.storyline import Loss

RATE_OVER: Final = 5.0
"""Seconds the rate is taken over."""

_LAST: Final = 100


@dataclass(slots=True)
class Row:
    """One stream."""

    stream: str
    numbers: Numbers = field(default_factory=Numbers)
    published: int = 0
    """Records in Kafka."""

    gaps: int = 0
    dead_letters: int = 0
    last_at: float | None = None
    """When the last message left the socket, seconds since the epoch."""

    last: str = ""
    arrivals: deque[float] = field(default_factory=deque)

    @property
    def state(self) -> str:
        """`starting`, `live` or `reconnecting`."""
        if not self.numbers.owned:
            return "starting"
        return "live" if self.numbers.connected else "reconnecting"

    def rate(self, now: float) -> float:
        """Records a second, lately; `now` as `Board` is given it."""
        while self.arrivals and self.arrivals[0] < now - RATE_OVER:
            self.arrivals.popleft()
        return len(self.arrivals) / RATE_OVER


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the feed of last records."""

    at: float
    """Seconds since the epoch."""

    stream: str
    text: str
    kind: str = "record"
    """`record`, `gaps`, `dead-letters`, `calls`, or `loss`."""


class Board:
    """Takes what was seen; all times are seconds since the epoch."""

    def __init__(self, streams: Iterable[str]) -> None:
        self.rows = {name: Row(name) for name in streams}
        self.happenings: deque[Happening] = deque(maxlen=_LAST)
        self.losses = 0
        self.calls = CallsBoard()

    def record(self, seen: Seen, now: float) -> None:
        """A committed record was read."""
        row = self.rows[seen.stream]
        if seen.topic == GAPS:
            row.gaps += 1
        elif seen.topic == DEAD_LETTERS:
            row.dead_letters += 1
        else:
            row.published += 1
            row.arrivals.append(now)
            # Partitions are read one after the other: the one read last is not always the one received last.
            if row.last_at is None or seen.received_at >= row.last_at:
                row.last_at, row.last = seen.received_at, seen.text
        kind = seen.topic if seen.topic in {GAPS, DEAD_LETTERS} else "record"
        self.happenings.append(Happening(now, seen.stream, seen.text, kind))

    def call(self, seen: CallSeen, now: float) -> None:
        """A revision of a call was read."""
        if self.calls.call(seen):
            self.happenings.append(Happening(now, CALLS, closing_line(seen.record), CALLS))

    def loss(self, loss: Loss, now: float) -> None:
        """The simulator ended a connection."""
        self.losses += 1
        self.happenings.append(Happening(now, loss.stream, "the simulator ends the connection", "loss"))

    def telemetry(self, numbers: dict[str, Numbers]) -> None:
        """The source's own numbers."""
        for stream, found in numbers.items():
            if stream in self.rows:
                self.rows[stream].numbers = found

    @property
    def published(self) -> int:
        """Records of all streams."""
        return sum(row.published for row in self.rows.values())

    @property
    def duplicates(self) -> int:
        """Duplicates dropped, of all streams."""
        return round(sum(row.numbers.duplicates for row in self.rows.values()))

    @property
    def gaps(self) -> int:
        """Gap records of all streams."""
        return sum(row.gaps for row in self.rows.values())

    @property
    def dead_letters(self) -> int:
        """Dead letters of all streams."""
        return sum(row.dead_letters for row in self.rows.values())
