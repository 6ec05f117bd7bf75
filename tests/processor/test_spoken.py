"""From an offset in a sentence to the word that was spoken there."""

from __future__ import annotations

import pytest

from connector.processor.reader import Word
from connector.processor.spoken import start_of

TEXT = "We lower our full-year guidance, we lower."


def timings(*texts: str | None) -> list[Word]:
    """Words, each 100 ms after the one before."""
    return [Word(text, number * 100, number * 100 + 90, None) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("hit", "expected"),
    [
        ("We", 0),
        ("lower our", 100),
        ("year", 300),
        ("full", 300),
        ("guidance", 400),
        ("we lower.", 500),
        ("lower.", 600),
    ],
)
def test_the_word_at_an_offset(hit: str, expected: int) -> None:
    assert start_of(TEXT, TEXT.index(hit), timings(*TEXT.split())) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), None),
        (("We", "lower"), None),
        (("We", None, "", "guidance"), 300),
        (("Us", "guidance,"), 100),
        (("guidance,", "we"), 0),
        (("We", "we", "lower"), None),
        (("we", "guidance,"), None),
        (("er", "guidance,"), 100),
    ],
)
def test_words_that_are_not_those_of_the_sentence(words: tuple[str | None, ...], expected: int | None) -> None:
    assert start_of(TEXT, TEXT.index("guidance"), timings(*words)) == expected


def test_words_that_no_space_parts() -> None:
    assert start_of("\u4e0b\u8c03\u6307\u5f15", 2, timings("\u4e0b\u8c03", "\u6307\u5f15")) == 100


def test_a_word_without_a_time() -> None:
    assert start_of("guidance", 0, [Word("guidance", None, None, None)]) is None
