"""Whether this process may carry one stream, decided from what the group and the claims say. Pure.

    ABSENT ──assigned──▶ OWNED ──group silent──▶ DOUBTFUL ──assigned──▶ OWNED
      ▲                  │   ▲                      │
      │             claimed  the claimant      claimed, or the group
      │          by another  is gone            gave it to another
      │                  ▼   │                      │
      │               CONTESTED                     │
      └──── revoked, lost ──┴───────────────────────┘

The group decides who should carry a stream; the fence decides who can (contract §4). They differ while a process does
not hear of a rebalance, and where two groups carry the same stream: then whoever fenced last has it, and the other one
waits until nobody has it in the other group any more, so that they do not take it from each other in turn. (A release
alone does not tell: in its own group the stream may just be on its way to another member.)

A group that is silent because no broker answers cannot have given the stream away behind our back, or if it has (we
alone are cut off), the fence keeps us from publishing: so the socket is kept, and what it brings is journalled. A
process that was stopped is different: it may have slept for hours, and gives the socket up at once.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.kafka.claims import Claim


class Phase(Enum):
    """What this process is to the stream."""

    ABSENT = "standby"
    OWNED = "owner"
    DOUBTFUL = "doubtful"
    CONTESTED = "contested"


class Effect(Enum):
    """What is to be done about it."""

    START = "start"
    STOP = "stop"
    """Finish what is in flight: publish it, close the socket."""

    HALT = "halt"
    """Close the socket at once; publish nothing more."""


class Tenure:
    """One stream, as seen by one process. Each method is an event and returns what it asks for."""

    def __init__(self, stream: str, instance: str) -> None:
        """`instance`: this process's name in claims."""
        self.stream = stream
        self.phase = Phase.ABSENT
        self.claim: Claim | None = None
        """The last one, by whomever."""

        self._instance = instance

    @property
    def owner(self) -> str | None:
        """The instance that claimed the stream last and has not given it up."""
        return self.claim.instance if self.claim is not None and self.claim.released_at is None else None

    @property
    def claimed_by_us(self) -> bool:
        """Whether nobody has claimed the stream since we did."""
        return self.owner == self._instance

    def among(self, *phases: Phase) -> bool:
        """Whether it is one of these now."""
        return self.phase in phases

    def assigned(self) -> Effect | None:
        """The group gives us the stream."""
        before, self.phase = self.phase, Phase.OWNED
        return None if before in {Phase.OWNED, Phase.DOUBTFUL} else Effect.START

    def revoked(self) -> Effect | None:
        """The group takes the stream back, and waits for us."""
        before, self.phase = self.phase, Phase.ABSENT
        return Effect.STOP if before in {Phase.OWNED, Phase.DOUBTFUL} else None

    def lost(self, *, slept: bool) -> Effect | None:
        """The group may have gone on without us; `slept`: this process did not run meanwhile."""
        if self.phase is Phase.CONTESTED:
            self.phase = Phase.ABSENT
        elif self.phase in {Phase.OWNED, Phase.DOUBTFUL}:
            self.phase = Phase.ABSENT if slept else Phase.DOUBTFUL
            return Effect.HALT if slept else None
        return None

    def rejoined(self, *, assigned: bool) -> Effect | None:
        """We are a member again; `assigned`: the stream is among ours."""
        if self.phase is Phase.DOUBTFUL and not assigned:
            self.phase = Phase.ABSENT
            return Effect.HALT
        return None

    def claimed(self, claim: Claim) -> Effect | None:
        """A claim was read, in the partition's order, old ones too."""
        ours, self.claim = self.claimed_by_us, claim
        if claim.instance == self._instance or claim.released_at is not None:
            return None
        if not ours:
            return None  # from before our own claim, which is still to come; or of somebody else's rival
        if self.phase is Phase.OWNED:
            self.phase = Phase.CONTESTED
            return Effect.HALT
        if self.phase is Phase.DOUBTFUL:
            self.phase = Phase.ABSENT
            return Effect.HALT
        return None

    def fenced(self) -> Effect | None:
        """Our producer was fenced by another process's, and the stream has ended."""
        if self.phase is Phase.OWNED:
            self.phase = Phase.CONTESTED
        elif self.phase is Phase.DOUBTFUL:
            self.phase = Phase.ABSENT
        return None

    def freed(self) -> Effect | None:
        """Nobody has the stream by right of the claim any more that was made after ours."""
        if self.phase is Phase.CONTESTED:
            self.phase = Phase.OWNED
            return Effect.START
        return None
