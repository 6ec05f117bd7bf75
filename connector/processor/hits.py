"""What the rules' words, phrases and expressions hit in the sentences of a transcript, as far as it is known."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from connector.processor.normalise import normalise
from connector.processor.terms import Passage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.processor.matcher import Candidate, Candidates, Use
    from connector.processor.normalise import Normalised
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
        self.rules = rules
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
        while later is not None and length < self.rules.phrases.reach:
            yield later
            length += len(_normalise(self._transcript.spoken[later].text).words)
            later = neighbour(self._transcript, later, 1)

    def _find(self, sequence: int) -> dict[int, list[Hit]]:
        found: dict[int, list[Hit]] = {}
        text = self._transcript.spoken[sequence].text
        tail = self._tail(sequence)
        words = tail + _normalise(text).words
        candidates = [one for one in self.rules.phrases.find(words) if one[0] > len(tail)]  # else it ends before
        if candidates:
            sequences, sentences = self._leading_to(sequence)
            passage = Passage(sentences)
            own = len(passage.places) - len(sentences[-1].spans)
            for first, (term, uses) in _first_words(candidates, words, len(tail), own):
                if term.fits(passage, first):
                    place = passage.found(term, first)
                    hit = tuple(sequences[place.sentence :]), place.begin, place.end, place.text
                    for use in uses:
                        found.setdefault(use.rule, []).append(Hit(use, term.text, *hit))
        if self.rules.expressions:
            for start, end, pattern, uses in self.rules.expressions.find(text):
                for use in uses:
                    found.setdefault(use.rule, []).append(Hit(use, pattern, (sequence,), start, end, text[start:end]))
        return found

    def _tail(self, sequence: int) -> str:
        """The words before the sentence, as far back as the longest phrase reaches."""
        tail, reach = "", self.rules.phrases.reach
        for _, words in self._before(sequence):
            tail = (words + tail)[-reach:]
        return tail

    def _leading_to(self, sequence: int) -> tuple[list[int], list[Normalised]]:
        """The sentences in which a phrase may begin that ends in this one, which is the last."""
        sequences = [sequence, *(earlier for earlier, _ in self._before(sequence))]
        sequences.reverse()
        return sequences, [_normalise(self._transcript.spoken[one].text) for one in sequences]

    def _before(self, sequence: int) -> Iterator[tuple[int, str]]:
        """The sentences before, from the nearest on, with their words: as far back as the longest phrase reaches."""
        spoken, length, reach = self._transcript.spoken, 0, self.rules.phrases.reach
        for _ in range(_MOST_SENTENCES - 1):
            earlier = neighbour(self._transcript, sequence, -1) if length < reach else None
            if earlier is None:
                return
            words = _normalise(spoken[earlier].text).words[:-1]
            yield earlier, words
            length += len(words)
            sequence = earlier


def _first_words(
    candidates: Iterable[Candidates], words: str, border: int, own: int
) -> Iterator[tuple[int, Candidate]]:
    """Of each candidate the number of its first word; that of the word behind `border` in `words` is `own`."""
    for end, (length, terms) in candidates:
        start = end - length
        away = words.count(" ", border, start) if start >= border else -words.count(" ", start, border)
        for candidate in terms:
            yield own + away, candidate


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
