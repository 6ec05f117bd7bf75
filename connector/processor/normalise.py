"""Text as rules compare it: case, width, quotes, hyphens and spacing evened out, with the way back to the original.

A text becomes its words, one space before, between and behind them, so that whole words are found by plain search.
Words are letters, marks and digits by Unicode; all else separates them, and so a phrase matches across punctuation.
Words are cut as finely as possible (`don't` is two, `3.5` as well); what stood between two words is asked only where
something was found (`between`), which keeps the usual sentence, in which nothing is found, cheap.

A letter is compared after NFKC and full case folding (Unicode's caseless match): `ﬁ` is `fi`, `ß` is `ss`, `İ` is an i
with a dot above. Soft hyphens and other characters without a shape are left out. Each ideograph and each character of
a script that is written without spaces is a word of its own, as Unicode's word borders (UAX #29) have it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

Span = tuple[int, int]

_PUNCTUATION: Final = {
    # Apostrophes, single quotes and primes; double quotes; hyphens, dashes and the minus; spaces.
    **dict.fromkeys([*range(0x2018, 0x201C), 0xB4, 0x2B9, 0x2BC, 0x2032, 0xFF07], "'"),
    **dict.fromkeys([*range(0x201C, 0x2020), 0xAB, 0xBB, 0x2033, 0x2039, 0x203A], '"'),
    **dict.fromkeys([*range(0x2010, 0x2016), 0x2043, 0x2212, 0xFE58, 0xFE63, 0xFF0D], "-"),
    **dict.fromkeys([*range(0x2000, 0x200C), 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000], " "),
}
_LIKE_ASCII: Final = _PUNCTUATION | dict.fromkeys(map(ord, "…•™®©€£¥°"), " ")
"""One character for one, so that offsets stay: what transcripts have beside ASCII and its letters."""
_FOLD: Final = bytes(ord(chr(code).lower()) if code < 0x80 and chr(code).isalnum() else 0x20 for code in range(256))  # noqa: PLR2004
_ASCII_WORD: Final = re.compile("[0-9A-Za-z]+")
_SIGNS: Final = frozenset("%&@#‰")
"""Punctuation by its category that says something: `AT&T` is not `at T`."""
_BARE: Final = re.compile(
    "["
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1980-\u19df\u1a20-\u1aaf"  # Thai, Lao, Myanmar, Khmer, Tai Lue, Tai Tham
    "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3041-\u309f"  # radicals, ideographic marks and numerals, Hiragana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # ideographs
    "]"
)
"""Scripts without spaces between words."""
_VOWEL_OR_TAIL: Final = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")
"""Hangul letters that join the syllable before them."""
_SHAPELESS: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Default ignorable, and no format character (category Cf)."""
_BORDER: Final = " "
_BORDERS: Final = re.compile("( )")


class Normalised:
    """A text and its words."""

    __slots__ = ("_spans", "text", "words")

    def __init__(self, text: str, words: str, spans: list[Span] | None) -> None:
        self.text = text
        self.words = words
        """Each word with a space before it, and one behind the last; a single space where there is none."""
        self._spans = spans

    @property
    def spans(self) -> list[Span]:
        """Of each word, the offsets in `text` of its first character and behind its last one."""
        if self._spans is None:
            text = self.text if self.text.isascii() else self.text.translate(_LIKE_ASCII)
            self._spans = [match.span() for match in _ASCII_WORD.finditer(text)]
        return self._spans


class Between(NamedTuple):
    """What stands between two neighbouring words, or before the first, or behind the last."""

    glue: str
    """`'`, `.` or `,` where that makes one word of the two: in `don't`, in `3.5`; else empty."""

    signs: str
    """What is neither letter, digit, space nor mere punctuation: `$`, `%`, `&`, `+`, ..."""


def normalise(text: str) -> Normalised:
    """The words of `text`."""
    like = text if text.isascii() else text.translate(_LIKE_ASCII)
    if not like.isascii():
        return _normalise_any(text, like)
    words = b" ".join(like.encode().translate(_FOLD).split()).decode()
    return Normalised(text, f" {words} " if words else " ", None)


def between(left: str, gap: str, right: str) -> Between:
    """What `gap` says; `left` and `right` are the original characters at its sides, empty where there is none."""
    bare = gap.translate(_PUNCTUATION)
    if not bare.isascii():
        bare = unicodedata.normalize("NFKC", "".join(c for c in bare if not _is_ignorable(c)))
    glued = (bare == "'" and _is_letter(left) and _is_letter(right)) or (
        bare in {".", ","} and left.isdecimal() and right.isdecimal()
    )
    return Between(bare if glued else "", "".join(c for c in bare if _is_sign(c)))


def length_of_signs(gap: str, signs: int) -> int:
    """How many characters from the beginning of `gap` hold its first `signs` signs; 0 where it has not so many."""
    found = 0
    for length in range(len(gap) + 1 if signs else 0):
        if found == signs:
            return length
        found += sum(map(_is_sign, unicodedata.normalize("NFKC", gap[length : length + 1])))
    return 0


def _normalise_any(text: str, like: str) -> Normalised:
    words: list[str] = []
    spans: list[Span] = []
    word = ""
    start = end = at = 0
    while at < len(like):
        behind = visible = at + 1
        while behind < len(like) and _extends(like[behind]):
            behind += 1
            if not _is_ignorable(like[behind - 1]):
                visible = behind
        for piece in _fold(like[at:visible]):
            if piece == _BORDER:
                if word:
                    words.append(word)
                    spans.append((start, end))
                    word = ""
            else:
                if not word:
                    start = at
                word += piece
                end = visible
        at = behind
    if word:
        words.append(word)
        spans.append((start, end))
    return Normalised(text, f" {' '.join(words)} " if words else " ", spans)


@lru_cache(maxsize=8192)
def _fold(cluster: str) -> tuple[str, ...]:
    """A character and what combines with it: the letters of words and the borders between them.

    It is a word's by what it is itself, not by what it is compared as: `™` is no `TM` at the end of a name.
    """
    shown = "".join(c for c in cluster if not _is_ignorable(c))
    if not shown:
        return ()
    if not _is_word(shown[0]):
        return (_BORDER,)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())
    runs = "".join(c if _is_word(c) else _BORDER for c in folded).split()  # one half is compared as 1 and 2
    pieces = tuple(_BORDERS.split(_BORDER.join(runs)))
    return (_BORDER, *pieces, _BORDER) if len(pieces) > 1 or _BARE.match(folded) else pieces


@lru_cache(maxsize=8192)
def _extends(character: str) -> bool:
    """Whether it belongs to the character before it: marks, conjoining letters, and what has no shape."""
    if _is_ignorable(character):
        return True
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.category(first)[0] == "M" or _VOWEL_OR_TAIL.match(first) is not None


@lru_cache(maxsize=8192)
def _is_ignorable(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or _SHAPELESS.match(character) is not None


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _is_letter(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "LM"


def _is_sign(character: str) -> bool:
    return character in _SIGNS or unicodedata.category(character) in {"Sc", "Sm", "So"}
