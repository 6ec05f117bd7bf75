"""Rules and sentences in, alerts out: joining and alerting as the processor does them, without its shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.processor.alerts import AlertEngine
from connector.processor.reader import read_words
from connector.processor.rules import Rule, RuleSet
from connector.processor.sentence import Sentence
from connector.processor.transcript import Outcome, Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.processor.alerts import Looked
    from connector.processor.reader import Word

SECOND = 1_000_000
NOW = 1_763_856_000 * SECOND


def rule_set(*rules: dict[str, Any]) -> RuleSet:
    """The rules, each with an id where the test gives none."""
    return RuleSet.of([Rule.model_validate({"id": f"rule-{number}"} | rule) for number, rule in enumerate(rules)])


class Listener:
    """One transcript and its alerts."""

    def __init__(self, rules: RuleSet, words: Callable[[bytes], Sequence[Word]] = read_words) -> None:
        self.engine = AlertEngine(rules, words)
        self.words = words
        self.records: list[Sentence] = []
        self.transcript = Transcript()
        self.remembered = b"null"
        self.suppressed: list[str] = []

    def hear(self, sequence: int, text: str | None, **fields: Any) -> list[dict[str, Any]]:
        """The alerts of the next record; without `received_at` it comes a second after the last one."""
        offset = len(self.records)
        given = {"received_at": NOW + offset * SECOND, "partition": 0, "offset": offset} | fields
        return self.add(Sentence("t", sequence, text, **given))

    def add(self, sentence: Sentence) -> list[dict[str, Any]]:
        """The alerts of a record."""
        self.records.append(sentence)
        if self.transcript.add(sentence) not in {Outcome.JOINED, Outcome.CORRECTED}:
            return []
        looked: Looked = self.engine.look(sentence, self.transcript, self.remembered, NOW)
        if looked.remember is not None:
            self.remembered = looked.remember
        self.suppressed += looked.suppressed
        return [alert.datum for alert in looked.alerts]

    def restart(self) -> None:
        """Lose all but what the ledger keeps, and read the source again."""
        self.engine = AlertEngine(self.engine.rules, self.words)
        self.transcript = Transcript()
        for record in self.records:
            self.transcript.add(record)
