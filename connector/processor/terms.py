"""A word or phrase of a rule: what is looked for, and whether what was found is that."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from connector.processor.normalise import between, length_of_signs, normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.processor.normalise import Between, Normalised

MAX_WORDS: Final = 64

_HYPHEN: Final = re.compile(r"(?<=\w)[-\u2010\u2011](?=\w)")


class Term(NamedTuple):
    """One way in which a word or phrase of a rule is looked for."""

    text: str
    """As the rule has it."""

    words: str
    """Normalised, with a space at either end."""

    between: tuple[Between, ...]
    """What stands before its first word, between each two, and behind the last."""

    def fits(self, passage: Passage, first: int) -> bool:
        """Whether its words, which stand in `passage` from word `first` on, are whole words and as the term has them.

        A word ends before a possessive `'s`. Signs (`$`, `%`, `&`, ...) are looked at where the term has some.
        """
        behind = first + len(self.between) - 1
        found = [passage.before(number) for number in range(first, behind + 1)]
        if found[0].glue or (found[-1].glue and not passage.is_possessive(behind)):
            return False
        if any(ours.glue != theirs.glue for ours, theirs in zip(self.between[1:-1], found[1:-1], strict=True)):
            return False
        return (
            found[0].signs.endswith(self.between[0].signs)
            and found[-1].signs.startswith(self.between[-1].signs)
            and all(
                not ours.signs or ours.signs == theirs.signs
                for ours, theirs in zip(self.between[1:-1], found[1:-1], strict=True)
            )
        )


class Found(NamedTuple):
    """Where a term stands in a passage."""

    sentence: int
    """The one it begins in."""

    begin: int
    """Offset there."""

    end: int
    """Offset in the last sentence."""

    text: str
    """As spoken, one space between sentences."""


class Passage:
    """Sentences that follow each other, as one text; its words are counted from 0."""

    def __init__(self, sentences: Sequence[Normalised]) -> None:
        self.sentences = sentences
        self.places = [(index, *span) for index, sentence in enumerate(sentences) for span in sentence.spans]
        """Of each word: its sentence, the offset of its first character there and that behind its last."""

    def before(self, number: int) -> Between:
        """What stands before word `number`; behind the last word where there is no such word."""
        left = self._character(number - 1, 1) if number else ""
        right = self._character(number, 0) if number < len(self.places) else ""
        return between(left, self._gap(number), right)

    def is_possessive(self, number: int) -> bool:
        """Whether word `number` is the `s` of `company's`."""
        if number >= len(self.places) or self.before(number).glue != "'" or self.before(number + 1).glue:
            return False
        index, start, end = self.places[number]
        return self.sentences[index].text[start:end] in {"s", "S"}

    def found(self, term: Term, first: int) -> Found:
        """Where `term` stands, which fits from word `first` on: with the signs at its ends."""
        index, start, _ = self.places[first]
        last, _, end = self.places[first + len(term.between) - 2]
        start -= length_of_signs(self.sentences[index].text[:start][::-1], len(term.between[0].signs))
        end += length_of_signs(self.sentences[last].text[end:], len(term.between[-1].signs))
        return Found(index, start, end, self._text(index, start, last, end))

    def _character(self, number: int, side: int) -> str:
        index, start, end = self.places[number]
        return self.sentences[index].text[end - 1 if side else start]

    def _gap(self, number: int) -> str:
        index, start = (0, 0) if not number else self.places[number - 1][::2]
        until, end = self.places[number][:2] if number < len(self.places) else (len(self.sentences) - 1, None)
        return self._text(index, start, until, end)

    def _text(self, first: int, start: int, last: int, end: int | None) -> str:
        """As spoken, one space between sentences."""
        if first == last:
            return self.sentences[first].text[start:end]
        whole = [sentence.text for sentence in self.sentences[first : last + 1]]
        return " ".join([whole[0][start:], *whole[1:-1], whole[-1][:end]])


@lru_cache(maxsize=16384)
def ways(text: str) -> tuple[Term, ...]:
    """The ways `text` is looked for: as it stands, and with its hyphens closed up (`write-down`, `writedown`).

    Raises ValueError where it is nothing that can be looked for.
    """
    found: dict[str, Term] = {}
    for written in (text, _HYPHEN.sub("", text)):
        normalised = normalise(written)
        passage = Passage([normalised])
        count = len(passage.places)
        if not count:
            raise ValueError(f"{text!r} has no letter or digit in it")
        if count > MAX_WORDS:
            raise ValueError(f"{text!r} has more than {MAX_WORDS} words")
        gaps = tuple(passage.before(number) for number in range(count + 1))
        found.setdefault(normalised.words, Term(text, normalised.words, gaps))
    return tuple(found.values())
