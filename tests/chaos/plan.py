"""What goes wrong, and when: a schedule that follows from a seed alone. Pure.

Kinds are dealt like cards: every kind comes before all cards are dealt again. A thing that is broken is left alone
until it is mended, and of three brokers one at most is away at any time, since two must have every write. Rounds of
faults are followed by a few quiet seconds, in which a clumsy recovery has nothing to hide behind.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    at: float
    """Seconds after the traffic has begun."""

    kind: str
    target: int
    """Which source, processor or broker; for faults of the feed, which stream."""

    seconds: float
    """How long it lasts; 0 is an instant."""

    seed: int
    """For whatever the fault decides by itself."""

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:7.2f} s  {self.kind} {self.target}{lasting}"


@dataclass(frozen=True)
class Kind:
    """A kind of fault."""

    name: str
    target: str
    """What it hits: `source`, `processor`, `broker`, `stream` or `envelope` (a stream with a replay)."""

    seconds: tuple[float, float] = (0.0, 0.0)
    short: bool = False
    """Whether the short run has it as well."""

    cards: int = 1
    """How often it is dealt before everything comes again."""

    @property
    def resource(self) -> str:
        """What must not be hit twice at once."""
        return self.target if self.target in {"source", "processor", "broker"} else self.name


KINDS = (
    Kind("source.kill", "source", (0.0, 2.0), short=True, cards=4),
    Kind("source.pause", "source", (1.0, 10.0)),
    Kind("source.stop", "source", (0.0, 2.0)),
    Kind("source.fence", "stream", short=True, cards=3),
    Kind("processor.kill", "processor", (0.0, 2.0), short=True, cards=2),
    Kind("processor.pause", "processor", (1.0, 10.0)),
    Kind("processor.stop", "processor", (0.0, 2.0)),
    Kind("broker.kill", "broker", (0.5, 4.0), cards=2),
    Kind("broker.stop", "broker", (0.5, 3.0)),
    Kind("broker.pause", "broker", (1.0, 7.0)),
    Kind("feed-way.cut", "source", short=True, cards=1),
    Kind("feed-way.stall", "source", (0.5, 6.0)),
    Kind("feed-way.half-open", "source"),
    Kind("feed-way.refuse", "source", (0.5, 4.0)),
    Kind("kafka-way.cut", "source", short=True),
    Kind("kafka-way.stall", "source", (0.5, 8.0)),
    Kind("kafka-way.half-open", "source"),
    Kind("kafka-way.refuse", "source", (0.5, 6.0)),
    Kind("processor-way.cut", "processor"),
    Kind("processor-way.stall", "processor", (0.5, 8.0)),
    Kind("processor-way.refuse", "processor", (0.5, 6.0)),
    Kind("feed.drop", "stream", short=True),
    Kind("feed.close", "stream"),
    Kind("feed.stall", "stream", (0.5, 5.0)),
    Kind("feed.half-open", "stream"),
    Kind("feed.refuse", "stream"),
    Kind("feed.accept-then-close", "stream"),
    Kind("feed.mute-pong", "stream", (1.0, 5.0)),
    Kind("feed.garbage", "stream", short=True),
    Kind("feed.duplicates", "stream", short=True),
    Kind("feed.new-ids", "envelope", (5.0, 15.0)),
    Kind("feed.new-first", "envelope", (5.0, 15.0)),
    Kind("feed.forget", "envelope"),
    Kind("feed.flood", "stream"),
)

ROUND = 30.0
QUIET = 8.0
"""Seconds of a round, and of its quiet end."""


@dataclass(frozen=True)
class Shape:
    """What there is to be broken."""

    seconds: float
    brokers: int = 1
    sources: int = 1
    processors: int = 1
    streams: int = 7
    """The last one has no replay."""

    short: bool = False
    every: float = 2.0
    """Mean seconds between two faults of a round."""


@dataclass
class _Deck:
    dice: random.Random
    kinds: tuple[Kind, ...]
    left: list[Kind] = field(default_factory=list)

    def draw(self) -> Kind:
        if not self.left:
            self.left = [kind for kind in self.kinds for _ in range(kind.cards)]
            self.dice.shuffle(self.left)
        return self.left.pop()


def plan(seed: int, shape: Shape) -> list[Fault]:
    """The schedule of this seed, in order of time."""
    dice = random.Random(f"chaos/{seed}")
    deck = _Deck(dice, tuple(kind for kind in KINDS if kind.short or not shape.short))
    counts = {
        "source": shape.sources,
        "processor": shape.processors,
        "broker": shape.brokers,
        "stream": shape.streams,
        "envelope": shape.streams - 1,
    }
    busy: dict[tuple[str, int], float] = {}
    faults: list[Fault] = []
    at = 0.0
    while True:
        at += dice.uniform(0.4, 1.6) * shape.every
        if not shape.short and at % ROUND > ROUND - QUIET:
            at = (at // ROUND + 1) * ROUND
        if at >= shape.seconds:
            return faults
        kind = deck.draw()
        target = dice.randrange(counts[kind.target])
        seconds = dice.uniform(*kind.seconds)
        fault = Fault(round(at, 3), kind.name, target, round(seconds, 3), dice.randrange(2**32))
        # Of the brokers only one is away at a time, whichever it is.
        held = (kind.resource, 0 if kind.target == "broker" else target)
        if busy.get(held, 0.0) <= at:
            faults.append(fault)
            busy[held] = at + seconds + (8.0 if kind.target == "broker" else 1.0)
