"""What the rules' words, phrases and expressions hit in the sentences of a transcript, as far as it is known."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from connector.processor.normalise import normalise
from connector.processor.terms import Passage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.processor.matcher import Use
    from connector.processor.rules import RuleSet
    from connector.processor.transcript import Transcript

_MOST_SENTENCES: Final = 64
"""That a phrase reaches over, so that a row of sentences without a word costs no more than others."""

_normalise: Final = lru_cache(maxsize=1024)(normalise)
"""A sentence is asked for again when the next one comes."""


class Hit(NamedTuple):
    """A place where a rule hits."""

    use: Use
    term: str
    sequences: tuple[int, ...]
    """The sentences it is in, ascending; it belongs to the last one."""

    begin: int
    """Offset in the first of them."""

    end: int
    """Offset in the last of them."""

    matched_text: str

    @property
    def order(self) -> tuple[int, int, int, int]:
        """The first hit comes first, the longest of those that begin there."""
        return self.sequences[0], self.begin, -self.end, self.use.rank


class Hits:
    """The hits in a transcript as it is now; each sentence is searched when it is first asked for."""

    def __init__(self, rules: RuleSet, transcript: Transcript) -> None:
        self._rules = rules
        self._transcript = transcript
        self._found: dict[int, dict[int, list[Hit]]] = {}

    def of(self, sequence: int) -> dict[int, list[Hit]]:
        """Every hit that ends in a sentence, by number of the rule; none where the sentence is not known."""
        found = self._found.get(sequence)
        if found is None:
            found = self._found[sequence] = self._find(sequence) if sequence in self._transcript.spoken else {}
        return found

    def within_reach(self, sequence: int) -> Iterator[int]:
        """The sentences behind `sequence` in which a phrase may end that begins there or before."""
        length = 0
        later = neighbour(self._transcript, sequence, 1)
        while later is not None and length < self._rules.phrases.reach:
            yield later
            length += len(_normalise(self._transcript.spoken[later].text).words)
            later = neighbour(self._transcript, later, 1)

    def _find(self, sequence: int) -> dict[int, list[Hit]]:
        text = self._transcript.spoken[sequence].text
        own = _normalise(text)
        reach = self._rules.phrases.reach
        sequences, sentences, tail = [sequence], [own], ""
        while len(tail) < reach and len(sentences) < _MOST_SENTENCES:
            earlier = neighbour(self._transcript, sequences[0], -1)
            if earlier is None:
                break
            sequences.insert(0, earlier)
            sentences.insert(0, _normalise(self._transcript.spoken[earlier].text))
            tail = sentences[0].words[:-1] + tail
        border = min(len(tail), reach)
        words = tail[len(tail) - border :] + own.words
        found: dict[int, list[Hit]] = {}
        passage = None
        for start, end, candidates in self._rules.phrases.find(words):
            if end <= border:
                continue  # it ends in a sentence before
            passage = passage or Passage(sentences)
            # A space stands before each word and one behind the last.
            own_first = len(passage.places) - own.words.count(" ") + 1
            first = own_first + (
                words.count(" ", border, start) if start >= border else -words.count(" ", start, border)
            )
            for term, uses in candidates:
                if term.fits(passage, first):
                    place = passage.found(term, first)
                    hit = tuple(sequences[place.sentence :]), place.begin, place.end, place.text
                    for use in uses:
                        found.setdefault(use.rule, []).append(Hit(use, term.text, *hit))
        for start, end, pattern, users in self._rules.expressions.find(text):
            for use in users:
                found.setdefault(use.rule, []).append(Hit(use, pattern, (sequence,), start, end, text[start:end]))
        return found


def neighbour(transcript: Transcript, sequence: int, step: int) -> int | None:
    """The sentence before (`step` -1) or behind (1) `sequence`, past records without text; None where it is missing."""
    sequence += step
    while sequence in transcript.blank:
        sequence += step
    return sequence if sequence in transcript.spoken else None


def window(transcript: Transcript, sequence: int, size: int) -> Iterator[int]:
    """The `size` sentences before `sequence`, also missing ones; records without text are none."""
    while size and sequence > 0:
        sequence -= 1
        if sequence not in transcript.blank:
            yield sequence
            size -= 1
