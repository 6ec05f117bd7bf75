"""Many terms and expressions at once say the same as each alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.processor import matcher
from connector.processor.matcher import Expressions, Phrases, Use, compile_expression
from connector.processor.normalise import normalise
from connector.processor.terms import ways

if TYPE_CHECKING:
    from collections.abc import Iterable

USE = Use(0, "any", 0)


def found(expressions: Expressions, text: str) -> list[tuple[int, int, str]]:
    return sorted((start, end, pattern) for start, end, pattern, _ in expressions.find(text))


def expressions(patterns: Iterable[str]) -> Expressions:
    return Expressions((pattern, Use(number, "regex", 0)) for number, pattern in enumerate(patterns))


@given(st.lists(st.text("ab ", min_size=1, max_size=6).filter(str.strip), max_size=8), st.text("ab ,", max_size=30))
def test_every_phrase_is_found_wherever_it_stands(terms: list[str], text: str) -> None:
    phrases = Phrases((term, USE) for text_ in terms for term in ways(text_))
    words = normalise(text).words
    hits = {(end - length, end) for end, (length, _) in phrases.find(words)}
    expected = set()
    for term in terms:
        asked = normalise(term).words
        expected |= {(at, at + len(asked) - 1) for at in range(len(words)) if words.startswith(asked, at)}
    assert hits == expected
    assert phrases.reach == max((len(normalise(term).words) for term in terms), default=0)


def test_no_phrases_and_no_expressions() -> None:
    assert list(Phrases(()).find(" a ")) == []
    assert not expressions(())
    assert found(expressions(()), "a") == []


PATTERNS = ["a", "ab+", "(?i)B", "a|b", r"\bb", "^a", "b$", "[ab]{2}", ".a"]


@given(st.lists(st.sampled_from(PATTERNS), unique=True), st.text("abAB\u00e9 \U0001f680", max_size=12))
def test_every_expression_is_found_with_offsets_in_characters(patterns: list[str], text: str) -> None:
    assert found(expressions(patterns), text) == sorted(
        (match.start(), match.end(), pattern) for pattern in patterns for match in re.finditer(pattern, text, re.ASCII)
    )


def test_an_expression_of_several_rules_is_looked_for_once() -> None:
    (hit,) = Expressions([("a", Use(0, "regex", 1)), ("a", Use(3, "regex", 0))]).find("a")
    assert [use.rule for use in hit[3]] == [0, 3]


@pytest.mark.parametrize("memory", [1 << 14, 1 << 15, 1 << 16, 1 << 20])
def test_expressions_too_large_for_one_set_are_found_all_the_same(memory: int, monkeypatch: Any) -> None:
    patterns = [f"(foo|bar){number}[a-z]{{1,9}}x" for number in range(60)]
    monkeypatch.setattr(matcher, "_SET_MEMORY", memory)
    text = " ".join(f"foo{number}abcx bar{number}x" for number in range(60))
    assert len(found(expressions(patterns), text)) == 60
    assert len(expressions(patterns)._sets) > (memory < 1 << 20)


def test_a_set_that_runs_out_of_memory_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Exhausted:
        """RE2 answers like this where its automaton has no memory left."""

        @staticmethod
        def SearchSet(_: object) -> Exhausted:  # noqa: N802 - the library's name
            return Exhausted()

        def Add(self, _: str) -> int:  # noqa: N802
            return 0

        def Compile(self) -> None:  # noqa: N802
            pass

        def Match(self, _: str) -> list[int]:  # noqa: N802
            return []

    monkeypatch.setattr(matcher.re2, "Set", Exhausted)
    assert found(expressions(["a", "b"]), "ab") == [(0, 1, "a"), (1, 2, "b")]


def test_an_expression_says_what_is_wrong_with_it() -> None:
    with pytest.raises(ValueError, match=r"'\(\?<=a\)b' is not RE2 syntax: invalid perl operator: \(\?<"):
        compile_expression("(?<=a)b")
