"""When in a sentence its words were spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.processor.reader import Word


def start_of(text: str, offset: int, words: Iterable[Word]) -> int | None:
    """Milliseconds from the sentence's start to the word that stands at `offset` in `text`; None where none is said.

    The words come with their punctuation and stand in the text in their order; those that do not are passed over.
    A hit may begin within a word (`year` in `full-year`).
    """
    found = None
    behind = 0
    for word in words:
        at = _find(text, word.text, behind) if word.text else -1
        if at > offset:
            break
        if at >= 0 and word.text:
            behind = at + len(word.text)
            found = word.start_ms if offset < behind else None
    return found


def _find(text: str, word: str, start: int) -> int:
    """Where `word` begins at or behind `start`, and not within another word; -1 where it does not."""
    at = text.find(word, start)
    while at > 0 and word[0].isalnum() and text[at - 1].isalnum() and text[at - 1].isascii():
        at = text.find(word, at + 1)
    return at
