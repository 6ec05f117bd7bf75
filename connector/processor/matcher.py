"""All words, phrases and expressions of all rules, looked for at once.

Words and phrases by Aho-Corasick (pyahocorasick), expressions by RE2 (google-re2): the cost of a sentence hardly
depends on how many there are. Both only say what may be there; where it is, and whether, is asked of those few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import ahocorasick
import re2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from connector.processor.terms import Term

_SET_MEMORY: Final = 32 << 20
"""Bytes that one set of expressions may use; more of them go into several sets."""


class Use(NamedTuple):
    """Where a term or an expression stands in the rules."""

    rule: int
    """Number of the rule."""

    role: str
    """`any`, `all`, `none` or `regex`."""

    rank: int
    """Place in the rule: decides between hits of the same text."""


class Candidate(NamedTuple):
    """A term whose words are there, and who asked for it."""

    term: Term
    uses: tuple[Use, ...]


Candidates: TypeAlias = tuple[int, tuple[int, list[Candidate]]]
"""Terms with the same words: offset of the space behind the last one, distance from there to that before the first."""


class Phrases:
    """Words and phrases."""

    def __init__(self, terms: Iterable[tuple[Term, Use]]) -> None:
        uses: dict[Term, list[Use]] = {}
        for term, use in terms:
            uses.setdefault(term, []).append(use)
        by_words: dict[str, list[Candidate]] = {}
        for term, found in uses.items():
            by_words.setdefault(term.words, []).append(Candidate(term, tuple(found)))
        self.reach = max(map(len, by_words), default=0)
        """Length of the longest one, in normalised characters."""
        automaton = ahocorasick.Automaton()
        for words, candidates in by_words.items():
            automaton.add_word(words, (len(words) - 1, candidates))
        automaton.make_automaton()
        self._iter = automaton.iter if by_words else _nothing

    def find(self, words: str) -> Iterable[Candidates]:
        """What may be there, in the order of ends."""
        found: Iterable[Candidates] = self._iter(words)
        return found


def _nothing(_: str) -> tuple[()]:
    return ()


class Expressions:
    """RE2 expressions."""

    def __init__(self, patterns: Iterable[tuple[str, Use]]) -> None:
        uses: dict[str, list[Use]] = {}
        for pattern, use in patterns:
            uses.setdefault(pattern, []).append(use)
        self._uses = [(pattern, compile_expression(pattern), tuple(found)) for pattern, found in uses.items()]
        self._sets = list(_sets(list(enumerate(uses))))

    def __bool__(self) -> bool:
        return bool(self._uses)

    def find(self, text: str) -> Iterator[tuple[int, int, str, tuple[Use, ...]]]:
        """Every hit in `text`: start, end, the expression and who asked for it. Empty matches are none."""
        for matches in self._sets:
            for number in matches(text):
                pattern, expression, uses = self._uses[number]
                for match in expression.finditer(text):
                    start, end = match.span()
                    if start < end:
                        yield start, end, pattern, uses


class _Set:
    """Says which of some expressions match."""

    def __init__(self, patterns: Sequence[tuple[int, str]]) -> None:
        """Raises re2.error where they are too large together."""
        self._numbers = [number for number, _ in patterns]
        options = _options()
        options.max_mem = _SET_MEMORY
        self._set = re2.Set.SearchSet(options)
        for _, pattern in patterns:
            self._set.Add(pattern)
        # RE2 answers "none" where its automaton runs out of memory, and an alert would be lost without a word.
        # The empty expression matches everything: where even that one is missing, each is tried by itself.
        self._sentinel = self._set.Add("")
        self._set.Compile()

    def __call__(self, text: str) -> list[int]:
        found = self._set.Match(text)
        if len(found) == 1 and found[0] == self._sentinel:
            return []
        if self._sentinel not in found:
            return self._numbers
        return sorted(self._numbers[index] for index in found if index != self._sentinel)


def compile_expression(pattern: str) -> Any:
    """The expression as RE2 has it. Raises ValueError that says what is wrong with it."""
    try:
        expression = re2.compile(pattern, _options())
    except re2.error as error:
        reason = error.args[0] if error.args else error
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        raise ValueError(f"{pattern!r} is not RE2 syntax: {reason}") from error
    if expression.search("") is not None:
        raise ValueError(f"{pattern!r} matches the empty text, and so every sentence")
    return expression


def _sets(patterns: Sequence[tuple[int, str]]) -> Iterator[Any]:
    """As few sets as hold them all; what is too large even alone is tried on every sentence."""
    if not patterns:
        return
    try:
        yield _Set(patterns)
    except re2.error:
        if len(patterns) == 1:
            number = patterns[0][0]
            yield lambda _: [number]
            return
        middle = len(patterns) // 2
        yield from _sets(patterns[:middle])
        yield from _sets(patterns[middle:])


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False  # they are told as problems of the rules
    return options
