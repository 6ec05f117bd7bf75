"""`python -m benchmarks.alerting`: what looking for alerts costs by itself, in sentences of believable calls; no Kafka.

CPU microseconds a sentence, the best of several rounds. Joining, which comes before, is not in them.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from benchmarks.joining import NOW, best, bodies, interleaved
from connector.processor.alerts import AlertEngine
from connector.processor.normalise import normalise
from connector.processor.reader import read_sentence, read_words
from connector.processor.rules import Rule, RuleSet
from connector.processor.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.processor.sentence import Sentence

TERMS: Final = (0, 100, 1_000, 5_000)
A_RULE: Final = 20
"""Terms in each rule."""
CALLS: Final = 50
SENTENCES: Final = 100
"""In each call."""


def rules_of(terms: list[str], expressions: int = 0, **more: Any) -> RuleSet:
    """Rules with these terms, and some expressions that match nothing."""
    parts = [terms[first : first + A_RULE] for first in range(0, len(terms), A_RULE)]
    rules = [Rule(id=f"rule-{number}", any=tuple(part), **more) for number, part in enumerate(parts)]
    if expressions:
        patterns = [rf"(?i)\bzz{number}\w* (?:up|down) \d+%" for number in range(expressions)]
        rules.append(Rule(id="expressions", regex=tuple(patterns)))
    return RuleSet.of(rules)


def phrases(sentences: list[Sentence], count: int) -> list[str]:
    """Words and phrases of the calls' own words that stand in none of the calls: the usual case, and the dearest."""
    chance = random.Random(1)
    words = sorted({word for sentence in sentences for word in normalise(sentence.text or "").words.split()})
    said = "".join(normalise(sentence.text or "").words for sentence in sentences)
    made: dict[str, None] = {}
    while len(made) < count:
        phrase = " ".join(chance.choices(words, k=chance.choice((2, 2, 3, 4))))
        if f" {phrase} " not in said:
            made[phrase] = None
    return list(made)


def looking(sentences: list[Sentence], rules: RuleSet) -> tuple[Callable[[], None], list[int]]:
    """Look at every sentence with its call as it is by then; the second holds the number of alerts of each run."""
    engine = AlertEngine(rules, read_words)
    raised: list[int] = []

    def work() -> None:
        transcripts: dict[str, Transcript] = {}
        remembered: dict[str, bytes] = {}
        count = 0
        for sentence in sentences:
            name = sentence.transcript_id
            transcript = transcripts.get(name)
            if transcript is None:
                transcript = transcripts[name] = Transcript()
            transcript.add(sentence)
            looked = engine.look(sentence, transcript, remembered.get(name, b"null"), NOW)
            if looked.remember is not None:
                remembered[name] = looked.remember
                count += len(looked.alerts)
        raised.append(count)

    return work, raised


def joining(sentences: list[Sentence]) -> Callable[[], None]:
    """The same without looking."""

    def work() -> None:
        transcripts: dict[str, Transcript] = {}
        for sentence in sentences:
            transcripts.setdefault(sentence.transcript_id, Transcript()).add(sentence)

    return work


def main() -> None:
    patterns = [read_sentence(body, 0, number) for number, body in enumerate(bodies(2_000))]
    sentences = interleaved(patterns, CALLS, SENTENCES)
    count = len(sentences)
    base = best(joining(sentences), count)
    letters = sum(len(sentence.text or "") for sentence in sentences) / count
    print(f"{count:,} sentences of {letters:.0f} characters, without a hit unless said otherwise")
    print(f"  normalising alone {best(lambda: [normalise(one.text or '') for one in sentences], count):6.1f} us")
    terms = phrases(sentences, max(TERMS))
    for number in TERMS:
        work, _ = looking(sentences, rules_of(terms[:number]))
        print(f"  {number:5,} terms       {best(work, count) - base:6.1f} us")
    work, _ = looking(sentences, rules_of(terms[:1_000], 100))
    print(f"  1,000 terms and 100 expressions {best(work, count) - base:6.1f} us")
    for word in ("guidance", "quarter"):
        work, raised = looking(sentences, rules_of([*terms[:1_000], word]))
        print(f"  1,000 terms, alerts in {raised_share(work, raised, count)} {best(work, count) - base:6.1f} us")


def raised_share(work: Callable[[], None], raised: list[int], count: int) -> str:
    """In how many of a hundred sentences a rule fires."""
    work()
    return f"{raised[-1] / count:.1%} of the sentences"


if __name__ == "__main__":
    main()
