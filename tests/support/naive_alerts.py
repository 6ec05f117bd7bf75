"""Alerts as the contract (§3) words them, worked out the slow way: every word of every sentence against every term.

Shares nothing with the package. Words are runs of letters and digits with inner apostrophes, in lower case: enough for
texts that tests make up from plain words.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import Any, NamedTuple

WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


class Said(NamedTuple):
    """A sentence as it arrives; `text` None is a record without one."""

    sequence: int
    text: str | None
    received_at: int = 0
    speaker: str | None = None
    confidence: float | None = None
    symbol: str | None = None


class Place(NamedTuple):
    """Where a term hits."""

    role: str
    term: str
    sequences: tuple[int, ...]
    begin: int
    end: int
    text: str


class NaiveAlerts:
    """The alerts of one transcript; rules as parsed from YAML, the cooldown in microseconds."""

    def __init__(self, rules: list[dict[str, Any]]) -> None:
        self.rules = rules
        self.known: dict[int, Said] = {}
        self.blank: set[int] = set()
        self.fired: set[tuple[str, int]] = set()
        self.last: dict[str, int] = {}
        self.held: dict[str, set[int]] = {}
        self.held_in_all = 0

    def add(self, said: Said) -> list[dict[str, Any]]:
        """The alerts of a sentence that joins or corrects."""
        sequence = said.sequence
        if said.text is None:
            if sequence in self.known or sequence in self.blank:
                return []
            self.blank.add(sequence)
        else:
            known = self.known.get(sequence)
            if known is not None and known.text == said.text:  # what it leaves out still holds
                speaker = known.speaker if said.speaker is None else said.speaker
                confidence = known.confidence if said.confidence is None else said.confidence
                if (speaker, confidence) == (known.speaker, known.confidence):
                    return []
                said = said._replace(speaker=speaker, confidence=confidence)
            self.blank.discard(sequence)
            self.known[sequence] = said
        alerts = []
        later = sequence
        while later in self.known or later in self.blank:
            if later in self.known:
                for rule in self.rules:
                    hits = self.hits(rule, later)
                    if later == sequence or any(hit.sequences[0] <= sequence for hit in hits):
                        alerts += self.judge(rule, later, hits, said)
            later += 1
        return alerts

    def judge(self, rule: dict[str, Any], sequence: int, hits: list[Place], arrived: Said) -> list[dict[str, Any]]:
        """The alert, where there is one."""
        if rule.get("symbols") and arrived.symbol not in rule["symbols"]:
            return []
        speaker = self.known[sequence].speaker or ""
        if rule.get("speakers") and not any(fnmatch(speaker, pattern) for pattern in rule["speakers"]):
            return []
        wanted = ("any", "regex") if rule.get("any") or rule.get("regex") else ("all",)
        counted = [hit for hit in hits if hit.role != "none" and self.is_sure(rule, hit)]
        around, left, at = list(hits), rule.get("window", 1), sequence
        while left and at > 0:
            at -= 1
            if at not in self.blank:
                left -= 1
                around += self.hits(rule, at) if at in self.known else []
        said = {hit.term for hit in around if hit.role == "all" and self.is_sure(rule, hit)}
        if (
            not any(hit.role in wanted for hit in counted)
            or not said.issuperset(rule.get("all", ()))
            or any(hit.role == "none" for hit in around)
            or (rule["id"], sequence) in self.fired
        ):
            return []
        held = self.held.setdefault(rule["id"], set())
        last = self.last.get(rule["id"])
        if last is not None and arrived.received_at < last + rule.get("cooldown", 0):
            self.held_in_all += sequence not in held
            held.add(sequence)
            return []
        self.last[rule["id"]] = max(arrived.received_at, arrived.received_at if last is None else last)
        self.fired.add((rule["id"], sequence))
        before = len(held - {sequence})
        held.clear()
        order = ("any", "all", "none", "regex")
        ranks = {term: rank for rank, term in enumerate(term for role in order for term in rule.get(role, ()))}
        counted.sort(key=lambda hit: (hit.sequences[0], hit.begin, -hit.end, ranks[hit.term]))
        return [
            {
                "rule_id": rule["id"],
                "sequences": sorted({one for hit in counted for one in hit.sequences}),
                "term": counted[0].term,
                "matched_text": counted[0].text,
                "hits": [(hit.term, hit.text, hit.begin if len(hit.sequences) == 1 else 0, hit.end) for hit in counted],
                "suppressed_before": before,
            }
        ]

    def is_sure(self, rule: dict[str, Any], hit: Place) -> bool:
        """Whether it was recognised well enough."""
        confidences = [self.known[sequence].confidence for sequence in hit.sequences]
        return all(one is None or one >= rule.get("min_confidence", 0) for one in confidences)

    def hits(self, rule: dict[str, Any], sequence: int) -> list[Place]:
        """Every hit of the rule that ends in the sentence."""
        first = sequence
        while first - 1 in self.known or first - 1 in self.blank:
            first -= 1
        run = [at for at in range(first, sequence + 1) if at in self.known]
        words = [
            (at, match.start(), match.end(), match[0].casefold().replace("\u2019", "'"))
            for at in run
            for match in WORD.finditer(self.known[at].text or "")
        ]
        found = []
        for role in ("any", "all", "none"):
            for term in rule.get(role, ()):
                asked = [word.casefold() for word in WORD.findall(term)]
                for at in range(len(words) - len(asked) + 1):
                    part = words[at : at + len(asked)]
                    if [word[3] for word in part] == asked and part[-1][0] == sequence:
                        over = tuple(one for one in run if part[0][0] <= one <= sequence)
                        found.append(Place(role, term, over, part[0][1], part[-1][2], self.between(over, part)))
        for pattern in rule.get("regex", ()):
            matches = re.finditer(pattern, self.known[sequence].text or "")
            found += [Place("regex", pattern, (sequence,), match.start(), match.end(), match[0]) for match in matches]
        return found

    def between(self, sequences: tuple[int, ...], part: list[tuple[int, int, int, str]]) -> str:
        """As spoken."""
        whole = " ".join(self.known[sequence].text or "" for sequence in sequences)
        behind = len(self.known[sequences[-1]].text or "") - part[-1][2]
        return whole[part[0][1] : len(whole) - behind]
