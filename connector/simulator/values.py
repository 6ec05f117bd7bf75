"""Seeded randomness and the feed's ways of writing values (fact sheet §2.1)."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

EASTERN: Final = ZoneInfo("America/New_York")
GO_ZERO_TIME: Final = "0001-01-01T00:00:00Z"
NANOSECOND: Final = 1
MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000


class Dice:
    """All chance of one generator: the same seed gives the same frames."""

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed)

    def chance(self, probability: float) -> bool:
        """Whether something with this probability happens."""
        return self.random.random() < probability

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`."""
        return choices[self.random.randrange(len(choices))]

    def sample(self, choices: Sequence[T], count: int) -> list[T]:
        """`count` different ones of `choices`, or all where there are fewer."""
        return self.random.sample(choices, min(count, len(choices)))

    def integer(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self.random.randint(low, high)

    def number(self, low: float, high: float) -> float:
        """A number between the two."""
        return self.random.uniform(low, high)

    def decimal(self, low: float, high: float, scales: Sequence[int] = (2,)) -> str:
        """A decimal in a string; its number of decimals is one of `scales`."""
        return f"{self.random.uniform(low, high):.{self.pick(scales)}f}"

    def object_id(self, now: datetime) -> str:
        """A MongoDB ObjectId: the seconds since the epoch and 16 more hex digits."""
        return f"{int(now.timestamp()):08x}{self.random.getrandbits(64):016x}"

    def uuid(self) -> str:
        """A random UUID."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))


class EventClock:
    """Event times of one stream: strictly increasing as written, whatever the precision.

    The capture shows increasing timestamps; a time cut to whole seconds must not fall behind the one before it.
    """

    def __init__(self) -> None:
        self._last = 0

    def write(self, now: datetime, dice: Dice, digits: Sequence[int] = (3,)) -> str:
        """An RFC 3339 time in UTC, near `now`, with one of the given numbers of fractional digits."""
        instant = max(nanoseconds(now) + dice.integer(0, 999), self._last + 1)
        for count in (dice.pick(digits), 3, 9):
            unit = 10 ** (9 - count)
            cut = instant // unit * unit
            if cut > self._last or count == 9:  # noqa: PLR2004 - nothing is cut from nine digits
                self._last = cut
                return rfc3339(cut, count)
        raise AssertionError("nine digits always fit")


def nanoseconds(moment: datetime) -> int:
    """Since the epoch, without the rounding a float would bring."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * MICROSECOND


def rfc3339(instant: int, digits: int = 0) -> str:
    """Nanoseconds since the epoch as RFC 3339 in UTC, cut to `digits` fractional digits."""
    seconds, fraction = divmod(instant, SECOND)
    whole = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{fraction:09d}"[: len(whole) + 1 + digits] + "Z" if digits else f"{whole}Z"


def rfc2822(moment: datetime) -> str:
    """As variant B of the news writes times: `-0400` also in winter (fact sheet §3.6)."""
    shifted = moment.astimezone(UTC) - timedelta(hours=4)
    return shifted.strftime("%a, %d %b %Y %H:%M:%S -0400")


def epoch_seconds(moment: datetime) -> int:
    """Whole seconds since the epoch."""
    return int(moment.timestamp())
