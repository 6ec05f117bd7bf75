"""What `alerts` must come to: the contract's rules (§3) written a second time, one regular expression a term.

Slow, and enough for the rules the demo ships with: letters, digits, `&`, apostrophes and hyphens. What checks the
processor must not use it: nothing here comes from `connector.processor`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime, timedelta
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from connector.settings import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_END_MARKERS: Final = frozenset({"COMPLETE", "COMPLETED"})
_BETWEEN: Final = r"(?:(?!&)[\W_])+"
_MEMBERS: Final = ("speaker", "confidence", "start_time", "end_time")
"""Of a sentence, which the same text once more may tell or change."""


class Expected(NamedTuple):
    """An alert, by what tells it from any other."""

    transcript_id: str
    rule_id: str
    severity: str
    sentence: str
    sequences: tuple[int, ...]
    suppressed_before: int


class _Hit(NamedTuple):
    role: str
    term: str
    sequences: tuple[int, ...]


class _Rule:
    def __init__(self, written: dict[str, Any]) -> None:
        self.id: str = written["id"]
        self.severity: str = written.get("severity", "medium")
        self.window: int = written.get("window", 1)
        self.symbols: list[str] = [symbol.lower() for symbol in written.get("symbols") or ()]
        self.speakers: list[str] = written.get("speakers") or []
        self.min_confidence: float = written.get("min_confidence", 0)
        cooldown = parse_duration(written.get("cooldown", 0))
        self.cooldown = cooldown if isinstance(cooldown, timedelta) else timedelta(0)
        self.all: set[str] = set(written.get("all") or ())
        self.terms = [
            (role, term, pattern(term)) for role in ("any", "all", "none") for term in written.get(role) or ()
        ]
        self.expressions = [(text, re.compile(text)) for text in written.get("regex") or ()]
        triggers = {"any", "regex"} if written.get("any") or written.get("regex") else {"all"}
        self.triggers = frozenset(triggers)
        self.reach = max((len(re.findall(r"\w+", term)) for _, term, _ in self.terms), default=1)
        """Words of the longest phrase, so that no phrase reaches over more sentences."""


def pattern(term: str) -> re.Pattern[str]:
    """A word or phrase of a rule: whole words, any case, any spacing, punctuation between words or none."""
    signs = {"&": r"\s*&\s*", "-": r"[\W_]*"}
    written = "".join(
        signs.get(part) or (_BETWEEN if part.isspace() else re.escape(part))
        for part in re.findall(r"[\w']+|&|-|\s+", term)
    )
    return re.compile(rf"(?<!\w){written}(?!\w)", re.IGNORECASE)


class NaiveAlerts:
    """The alerts of any number of transcripts. Records come in the order of their partition."""

    def __init__(self, rules: Path) -> None:
        tree = yaml.safe_load(rules.read_text(encoding="utf-8"))
        self._rules = [_Rule(written) for written in tree["rules"]]
        self._transcripts: dict[str, _Transcript] = {}

    def add(self, record: dict[str, Any]) -> Iterator[Expected]:
        """The alerts of a decoded record of `transcripts`."""
        name = record["transcript_id"]
        transcript = self._transcripts.setdefault(name, _Transcript(name, self._rules))
        yield from transcript.add(record)


class _Transcript:
    def __init__(self, name: str, rules: list[_Rule]) -> None:
        self._name = name
        self._rules = rules
        self._known: dict[int, dict[str, Any]] = {}
        self._blank: set[int] = set()
        self._fired: set[tuple[str, int]] = set()
        self._held: dict[str, set[int]] = defaultdict(set)
        self._last: dict[str, datetime] = {}
        self._symbol: str | None = None

    def add(self, record: dict[str, Any]) -> Iterator[Expected]:
        """Take in a record, and say what alerts come of it."""
        self._symbol = record["symbol"] or self._symbol
        sequence = record["sequence"]
        if not record["sentence"]:
            if sequence not in self._known:
                self._blank.add(sequence)
            return
        if not self._is_news(record):
            return
        self._blank.discard(sequence)
        for rule in self._rules:
            for later in self._within_reach(sequence, rule.reach):
                hits = self._hits(rule, later)
                if later == sequence or any(hit.sequences[0] <= sequence for hit in hits):
                    yield from self._judge(rule, later, hits, _time(record["received_at"]))

    def _is_news(self, record: dict[str, Any]) -> bool:
        """Keep the record where it holds; whether it says something new."""
        sequence = record["sequence"]
        known = self._known.get(sequence)
        if known is None:
            self._known[sequence] = record
            return True
        made, before = record["created_time"], known["created_time"]
        if made and before and _time(made) < _time(before):
            return False
        if record["sentence"] != known["sentence"]:
            self._known[sequence] = record
            return True
        again = known | {"created_time": made or before}
        if str(record["status"]).upper() not in _END_MARKERS:
            again |= {member: record[member] for member in _MEMBERS if record[member] is not None}
        self._known[sequence] = again
        return any(again[member] != known[member] for member in _MEMBERS)

    def _judge(self, rule: _Rule, sequence: int, hits: list[_Hit], received: datetime) -> Iterator[Expected]:
        spoken = self._known[sequence]
        speaker = (spoken["speaker"] or "").lower()
        counted = [hit for hit in hits if hit.role != "none" and self._is_sure(rule, hit)]
        around = hits + [hit for earlier in self._before(sequence, rule.window) for hit in self._hits(rule, earlier)]
        if (
            (rule.symbols and (self._symbol or "").lower() not in rule.symbols)
            or (rule.speakers and not any(fnmatch(speaker, glob.lower()) for glob in rule.speakers))
            or not any(hit.role in rule.triggers for hit in counted)
            or any(hit.role == "none" for hit in around)
            or not {hit.term for hit in around if hit.role == "all" and self._is_sure(rule, hit)} >= rule.all
            or (rule.id, sequence) in self._fired
        ):
            return
        held, last = self._held[rule.id], self._last.get(rule.id)
        if last is not None and received < last + rule.cooldown:
            held.add(sequence)
            return
        self._last[rule.id] = received if last is None else max(last, received)
        self._fired.add((rule.id, sequence))
        sequences = tuple(sorted({one for hit in counted for one in hit.sequences}))
        suppressed = len(held - {sequence})
        held.clear()
        yield Expected(self._name, rule.id, rule.severity, spoken["sentence"], sequences, suppressed)

    def _is_sure(self, rule: _Rule, hit: _Hit) -> bool:
        confidences = [self._known[sequence]["confidence"] for sequence in hit.sequences]
        return all(confidence is None or confidence >= rule.min_confidence for confidence in confidences)

    def _before(self, sequence: int, count: int) -> Iterator[int]:
        """The sentences of the window: a missing one counts, one without a text does not."""
        earlier = sequence
        while count and earlier > 0:
            earlier -= 1
            if earlier in self._blank:
                continue
            count -= 1
            if earlier in self._known:
                yield earlier

    def _hits(self, rule: _Rule, sequence: int) -> list[_Hit]:
        """Every hit that ends in the sentence."""
        run = self._within_reach(sequence, rule.reach, -1)[::-1]
        text = " ".join(self._known[one]["sentence"] for one in run)
        starts = [0]
        for one in run[:-1]:
            starts.append(starts[-1] + len(self._known[one]["sentence"]) + 1)
        hits = []
        for role, term, wanted in rule.terms:
            for match in wanted.finditer(text):
                if match.end() > starts[-1]:
                    first = max(at for at, start in enumerate(starts) if start <= match.start())
                    hits.append(_Hit(role, term, tuple(run[first:])))
        said = self._known[sequence]["sentence"]
        hits += [_Hit("regex", written, (sequence,)) for written, wanted in rule.expressions if wanted.search(said)]
        return hits

    def _within_reach(self, sequence: int, reach: int, step: int = 1) -> list[int]:
        """The sentence and those behind it without a hole, as many as a phrase of `reach` words can reach over."""
        found = [sequence]
        sequence += step
        while len(found) < reach and (sequence in self._known or sequence in self._blank):
            if sequence in self._known:
                found.append(sequence)
            sequence += step
        return found


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
