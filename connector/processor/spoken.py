"""Where in a sentence its words were spoken."""

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
        if not word.text:
            continue
        at = text.find(word.text, behind)
        if at < 0:
            continue
        if at > offset:
            break
        behind = at + len(word.text)
        found = word.start_ms if offset < behind else None
    return found
