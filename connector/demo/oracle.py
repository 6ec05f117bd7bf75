"""What is in Kafka against what must be: counted, compared, judged. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.demo.content import unsaid
from connector.demo.identity import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.demo.ledger import Expectation


@dataclass(slots=True)
class Finding:
    """What was found of one stream; everything from `missing` to `untold` should be 0."""

    stream: str
    frames: int
    """Messages the simulator sent, repeats counted."""

    wanted: int
    """Distinct messages among them that could be received."""

    found: int = 0
    """Records on the stream's topic."""

    dead_letters: int = 0
    """Records on `dead-letters`."""

    gaps: int = 0
    """Records on `gaps`."""

    unheard: int = 0
    """Sentences sent while nobody was connected, which the feed does not send again."""

    missing: int = 0
    twice: int = 0
    altered: int = 0
    invented: int = 0
    """Records that no frame asked for."""

    dead_letters_missing: int = 0
    dead_letters_wrong: int = 0
    """Dead letters twice, or of frames that are none."""

    untold: int = 0
    """Calls that were running, of which something went unheard and `gaps` says nothing."""

    @property
    def good(self) -> bool:
        """Whether all is as it must be."""
        return not (
            self.missing or self.twice or self.altered or self.invented
            or self.dead_letters_missing or self.dead_letters_wrong or self.untold
        )  # fmt: skip


@dataclass(slots=True)
class Oracle:
    """Takes one stream's records in, says what is wrong with them."""

    expectation: Expectation
    payload: Callable[[int], bytes]
    """The frame at a place of the simulator's record."""

    _found: Counter[str] = field(default_factory=Counter)
    _letters: Counter[str] = field(default_factory=Counter)
    _told: set[str] = field(default_factory=set)
    _gaps: int = 0
    _altered: int = 0

    def record(self, key: str, fingerprint: str, value: dict[str, Any]) -> None:
        """A record of the stream's topic."""
        wanted = self.expectation
        identity = wanted.identity(key, fingerprint)
        self._found[identity] += 1
        place = wanted.places.get(identity)
        if place is not None and (
            key not in wanted.keys[identity] or unsaid(self.payload(place), value, envelope=wanted.stream.has_replay)
        ):
            self._altered += 1

    def dead_letter(self, value: bytes) -> None:
        """A dead letter of the stream."""
        self._letters[digest(value)] += 1

    def gap(self, transcript_id: str | None) -> None:
        """A gap of the stream."""
        self._gaps += 1
        if transcript_id is not None:
            self._told.add(transcript_id)

    def finding(self) -> Finding:
        """The judgement."""
        wanted, found = self.expectation.wanted, self._found
        surplus = found - wanted
        letters = Counter(self.expectation.dead_letters)
        unheard = self.expectation.unheard
        return Finding(
            stream=self.expectation.stream.name,
            frames=self.expectation.frames,
            wanted=wanted.total(),
            found=found.total(),
            dead_letters=self._letters.total(),
            gaps=self._gaps,
            unheard=len(unheard),
            missing=(wanted - found).total(),
            twice=sum(count for identity, count in surplus.items() if identity in wanted),
            altered=self._altered,
            invented=sum(count for identity, count in surplus.items() if identity not in wanted),
            dead_letters_missing=(letters - self._letters).total(),
            dead_letters_wrong=(self._letters - letters).total(),
            untold=len({item.transcript_id for item in unheard if item.known} - self._told),
        )
