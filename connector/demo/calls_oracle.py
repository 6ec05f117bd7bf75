"""`calls` and `alerts` against what they must be: counted, compared, judged. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.demo.naive_alerts import Expected

if TYPE_CHECKING:
    from connector.demo.naive_alerts import NaiveAlerts
    from connector.demo.naive_join import Joined, NaiveJoin


@dataclass(slots=True)
class CallsFinding:
    """What was found; everything from `missing` on should be 0."""

    wanted: int = 0
    """Transcripts that were sent."""

    revisions: int = 0
    closed: int = 0
    alerts: int = 0

    missing: int = 0
    """Transcripts without a call."""

    wrong: int = 0
    """Calls whose last revision is not what the sentences add up to, or in the wrong state."""

    invented: int = 0
    """Calls of transcripts that nobody sent."""

    miscounted: int = 0
    """Revisions that are there twice, or do not count up by one."""

    alerts_missing: int = 0
    alerts_twice: int = 0
    alerts_wrong: int = 0
    """Alerts that no rule asks for, or that quote what was not said."""

    @property
    def good(self) -> bool:
        """Whether all is as it must be."""
        return not (
            self.missing or self.wrong or self.invented or self.miscounted
            or self.alerts_missing or self.alerts_twice or self.alerts_wrong
        )  # fmt: skip


def agrees(call: dict[str, Any], joined: Joined, idle_timeout: float) -> bool:
    """Whether a revision says all that was sent of its transcript, in the state it must be in.

    `idle_timeout` in seconds: a call may be closed by such a silence, and then stays `idle` whatever comes.
    """
    missing = [number for gap in call["missing"] for number in range(gap["first"], gap["last"] + 1)]
    return (
        call["text"] == joined.text
        and [sentence["sequence"] for sentence in call["sentences"]] == joined.sequences
        and call["sentence_count"] == len(joined.sequences)
        and missing == joined.missing
        and call["state"] in _states(joined, idle_timeout)
    )


def _states(joined: Joined, idle_timeout: float) -> set[str]:
    # What is sent and what is received are not the same instant.
    may_be_idle = joined.longest_silence > idle_timeout * 0.9
    if joined.ended_at is None:
        return {"open", "idle"}
    return {"complete", "idle"} if may_be_idle else {"complete"}


@dataclass(slots=True)
class CallsOracle:
    """Takes the records of three topics in, says what is wrong with them."""

    joined: NaiveJoin
    matcher: NaiveAlerts
    idle_timeout: float
    """Seconds."""

    _last: dict[str, dict[str, Any]] = field(default_factory=dict)
    _expected: Counter[Expected] = field(default_factory=Counter)
    _found: Counter[Expected] = field(default_factory=Counter)
    _ids: Counter[str] = field(default_factory=Counter)
    _revisions: int = 0
    _miscounted: int = 0
    _misquoted: int = 0

    def sentence(self, record: dict[str, Any]) -> None:
        """A record of `transcripts`, in the order of its partition."""
        self._expected.update(self.matcher.add(record))

    def call(self, key: str, call: dict[str, Any]) -> None:
        """A record of `calls`, in the order of its partition."""
        self._revisions += 1
        before = self._last.get(key, {"revision": 0})["revision"]
        if call["revision"] != before + 1 or call["transcript_id"] != key:
            self._miscounted += 1
        self._last[key] = call

    def alert(self, key: str, alert: dict[str, Any]) -> None:
        """A record of `alerts`."""
        self._ids[key] += 1
        self._found[_expected(alert)] += 1
        if key != alert["alert_id"] or not _quotes(alert):
            self._misquoted += 1

    def finding(self) -> CallsFinding:
        """The judgement."""
        wanted = self.joined.calls
        known = [name for name in self._last if name in wanted]
        # A call with an end marker alone, and nothing before it, is a call all the same.
        return CallsFinding(
            wanted=len(wanted),
            revisions=self._revisions,
            closed=sum(call["state"] != "open" for call in self._last.values()),
            alerts=self._found.total(),
            missing=len(wanted.keys() - self._last.keys()),
            wrong=sum(not agrees(self._last[name], wanted[name], self.idle_timeout) for name in known),
            invented=len(self._last) - len(known),
            miscounted=self._miscounted,
            alerts_missing=(self._expected - self._found).total(),
            alerts_twice=self._ids.total() - len(self._ids),
            alerts_wrong=(self._found - self._expected).total() + self._misquoted,
        )


def _expected(alert: dict[str, Any]) -> Expected:
    return Expected(
        alert["transcript_id"],
        alert["rule_id"],
        alert["severity"],
        alert["sentence"],
        tuple(alert["sequences"]),
        alert["suppressed_before"],
    )


def _quotes(alert: dict[str, Any]) -> bool:
    """Whether every hit is in the sentence where the alert says it is; one that began earlier is there in part."""
    return bool(alert["hits"]) and all(
        hit["matched_text"].endswith(alert["sentence"][hit["start"] : hit["end"]]) for hit in alert["hits"]
    )
