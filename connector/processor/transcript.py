"""What the sentences of one transcript add up to, whatever order they come in.

A `Transcript` is a fold over the transcript's records in the order of their offsets, and over nothing else: no clock,
no settings. The same records give the same transcript, which is what lets one be rebuilt from the source topic.

A sequence that starts over under the same transcript id is, as the contract has it (§3, "Same message"), a series of
corrections: the feed promises no other sign to tell the two apart.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.processor.sentence import Sentence

RECENT: Final = 8
"""Of so many sentences that came last the record's bytes are kept: a hit across a border asks for word timings."""


class Outcome(Enum):
    """What became of a sentence; the values are those of `benzinga_processor_sentences_total`."""

    JOINED = "joined"
    DUPLICATE = "duplicate"
    """It says nothing new, or is older (`created_time`) than what is known."""

    CORRECTED = "corrected"
    LATE = "late"
    """Its call was closed too long ago to take it."""


class Spoken(msgspec.Struct, frozen=True, gc=False):
    """A sentence in the version that holds; instants are microseconds since the epoch."""

    text: str
    speaker: str | None
    start_time: int | None
    end_time: int | None
    confidence: float | None
    created_time: int | None
    received_at: int
    """When this version's text was first received."""


class About(NamedTuple):
    """What the sentences say of their call, each in its latest version."""

    call_id: str | None = None
    symbol: str | None = None
    name: str | None = None
    exchange: str | None = None
    isin: str | None = None
    cusip: str | None = None
    call_title: str | None = None
    language: str | None = None


class Transcript:
    """The sentences of one transcript. Memory goes with the number of records, never with their sequences."""

    __slots__ = ("_recent", "_said", "about", "blank", "changes", "first_offset", "highest", "last_offset", "spoken")

    def __init__(self) -> None:
        self.spoken: dict[int, Spoken] = {}
        """By sequence, in no order."""
        self.blank: set[int] = set()
        """Sequences of records without text, such as an empty end marker: no sentence, but not missing either."""
        self.about = About()
        self._said: tuple[str | None, ...] = ()
        """What the last record said of the call: mostly the next one says the same."""
        self.highest = -1
        """The highest sequence heard of."""
        self.first_offset: int | None = None
        self.last_offset: int | None = None
        self.changes = 0
        """How many records changed what a publication would say."""
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=RECENT)

    def add(self, sentence: Sentence) -> Outcome:
        """Take in the transcript's next record."""
        if self.first_offset is None:
            self.first_offset = sentence.offset
        self.last_offset = sentence.offset
        text = sentence.text
        if not text or text.isspace():
            outcome, changed = self._add_blank(sentence.sequence)
        else:
            outcome = self._add_text(sentence, text)
            changed = outcome is not Outcome.DUPLICATE
        if outcome is not Outcome.DUPLICATE:
            changed = self._learn(sentence) or changed
            if sentence.sequence > self.highest:  # noqa: PLR1730 - for every record, and `max` takes twice as long
                self.highest = sentence.sequence
        self.changes += changed
        return outcome

    def value(self, sequence: int) -> bytes:
        """The Avro body of the sentence in the version that holds, where it came a moment ago; else empty."""
        for known, value in reversed(self._recent):
            if known == sequence:
                return value
        return b""

    def missing(self) -> Iterator[tuple[int, int]]:
        """The runs of sequences (first, last) that did not arrive, from 0 to the highest heard of, in order."""
        expected = 0
        for sequence in sorted([*self.spoken, *self.blank]):
            if sequence > expected:
                yield expected, sequence - 1
            if sequence >= expected:
                expected = sequence + 1

    def _add_blank(self, sequence: int) -> tuple[Outcome, bool]:
        if sequence in self.spoken or sequence in self.blank:
            return Outcome.DUPLICATE, False
        self.blank.add(sequence)
        fills_hole = 0 <= sequence < self.highest
        makes_hole = sequence > self.highest + 1
        return Outcome.JOINED, fills_hole or makes_hole

    def _add_text(self, sentence: Sentence, text: str) -> Outcome:
        sequence = sentence.sequence
        known = self.spoken.get(sequence)
        version = Spoken(
            text,
            sentence.speaker,
            sentence.start_time,
            sentence.end_time,
            sentence.confidence,
            sentence.created_time,
            sentence.received_at,
        )
        if known is None:
            self.blank.discard(sequence)
            outcome = Outcome.JOINED
        elif _is_older(version, known):
            return Outcome.DUPLICATE
        elif text == known.text:
            version = _confirmed(known, version, ends=sentence.ends)
            outcome = Outcome.DUPLICATE if _shown(version) == _shown(known) else Outcome.CORRECTED
        else:
            outcome = Outcome.CORRECTED
        self.spoken[sequence] = version
        if sentence.value and outcome is not Outcome.DUPLICATE:
            self._recent.append((sequence, sentence.value))
        return outcome

    def _learn(self, sentence: Sentence) -> bool:
        """Whether the record says something new of its call."""
        said = (
            sentence.call_id,
            sentence.symbol,
            sentence.name,
            sentence.exchange,
            sentence.isin,
            sentence.cusip,
            sentence.call_title,
            sentence.language,
        )
        if said == self._said:
            return False
        self._said, before = said, self.about
        self.about = About(*[old if new is None else new for new, old in zip(said, before, strict=True)])
        return self.about != before


def _is_older(version: Spoken, known: Spoken) -> bool:
    """Whether the feed made `version` before `known`, though it came later; where it does not say, arrival decides."""
    return (
        version.created_time is not None
        and known.created_time is not None
        and version.created_time < known.created_time
    )


def _shown(version: Spoken) -> tuple[object, ...]:
    """What a publication says of the sentence, besides its text."""
    return version.speaker, version.start_time, version.end_time, version.confidence


def _confirmed(known: Spoken, again: Spoken, *, ends: bool) -> Spoken:
    """The same text once more. It may tell what was not known, such as the speaker; what it leaves out still holds.

    An end marker that repeats a text tells nothing of it: its confidence and times are its own.
    """
    created = known.created_time if again.created_time is None else again.created_time
    if ends:
        return msgspec.structs.replace(known, created_time=created)
    return Spoken(
        known.text,
        known.speaker if again.speaker is None else again.speaker,
        known.start_time if again.start_time is None else again.start_time,
        known.end_time if again.end_time is None else again.end_time,
        known.confidence if again.confidence is None else again.confidence,
        created,
        known.received_at,
    )
