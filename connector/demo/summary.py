"""What the demo says at its end: what was verified, as plain text of at most 80 columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.demo.calls_oracle import CallsFinding
    from connector.demo.oracle import Finding

_COLUMNS: Final = ("sent", "distinct", "in Kafka", "missing", "twice", "altered", "dropped", "gaps", "dead")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run, judged."""

    findings: Sequence[Finding]
    calls: CallsFinding
    dropped: Mapping[str, int]
    """By stream, the duplicates the source says it has dropped."""

    losses: int
    """Connections the simulator ended."""

    seconds: float
    """How long the feed ran."""

    exits: Mapping[str, int | None]
    """By command, the exit status when it was told to leave."""

    @property
    def good(self) -> bool:
        """Whether everything is in Kafka as it must be, and the connector left in order."""
        return all(finding.good for finding in self.findings) and self.calls.good and not any(self.exits.values())


def text(outcome: Outcome) -> str:
    """The summary."""
    return "\n".join([*_verdict(outcome), "", *_table(outcome), "", *_notes(outcome), *_problems(outcome)])


def _verdict(outcome: Outcome) -> Iterator[str]:
    distinct = sum(finding.wanted for finding in outcome.findings)
    after = f"after {outcome.seconds:.0f} s"
    if outcome.good:
        calls = outcome.calls
        state = f"{calls.closed} calls closed, {calls.wanted - calls.closed} open"
        yield f"Verified {after}: {distinct} messages in Kafka, each exactly once, none altered."
        yield f"{state}: each says all that was sent of it."
        yield f"{calls.alerts} alerts: none missing, none twice."
    else:
        yield f"NOT as it must be {after}: see missing, twice, altered and the last lines."


def _table(outcome: Outcome) -> Iterator[str]:
    yield _row("", _COLUMNS)
    totals = [0] * len(_COLUMNS)
    for finding in outcome.findings:
        cells = [
            finding.frames, finding.wanted, finding.found, finding.missing, finding.twice, finding.altered,
            outcome.dropped.get(finding.stream, 0), finding.gaps, finding.dead_letters,
        ]  # fmt: skip
        totals = [total + cell for total, cell in zip(totals, cells, strict=True)]
        yield _row(finding.stream, cells)
    yield _row("all", totals)


def _row(name: str, cells: Sequence[object]) -> str:
    return f"{name:<11}" + "".join(
        f"{cell!s:>{max(len(title), 5) + 1}}" for cell, title in zip(cells, _COLUMNS, strict=True)
    )


def _notes(outcome: Outcome) -> Iterator[str]:
    yield "sent      messages of the simulator, its repeats counted"
    yield "distinct  those that had to arrive: worked out from the simulator's own record,"
    yield "          compared by identity and content with every record of the topics"
    yield "dropped   repeats and replays that the source recognised"
    yield "dead      frames nobody could use, kept in dead-letters"
    yield f"The simulator ended {outcome.losses} {_plural(outcome.losses, 'connection')} on purpose."
    unheard = sum(finding.unheard for finding in outcome.findings)
    if unheard:
        yield f"{unheard} {_plural(unheard, 'sentence')} came while transcripts was not connected. That socket has no"
        yield "replay: no client can have them, and gaps says of which calls some are missing."
    calls = outcome.calls
    yield f"calls     {calls.revisions} revisions; the last of each call is compared with a naive join of"
    yield "          what was sent, alerts with a naive search of the sentences"


def _problems(outcome: Outcome) -> Iterator[str]:
    for finding in outcome.findings:
        yield from _wrong_messages(finding)
    calls = outcome.calls
    for count, what in (
        (calls.missing, "transcript|without a call"),
        (calls.wrong, "call|not saying what was sent, or in the wrong state"),
        (calls.invented, "call|of transcripts that nobody sent"),
        (calls.miscounted, "revision|twice, or not counting up"),
        (calls.alerts_missing, "alert|missing"),
        (calls.alerts_twice, "alert|twice"),
        (calls.alerts_wrong, "alert|that no rule asks for, or misquoted"),
    ):
        if count:
            noun, told = what.split("|")
            yield f"WRONG calls and alerts: {count} {_plural(count, noun)} {told}"
    for name, status in outcome.exits.items():
        if status:
            yield f"WRONG the {name} ended with status {status} when it was told to leave"


def _wrong_messages(finding: Finding) -> Iterator[str]:
    for count, what in (
        (finding.missing, "missing in Kafka"),
        (finding.twice, "more than once in Kafka"),
        (finding.altered, "not saying what was sent"),
        (finding.invented, "in Kafka that nobody sent"),
        (finding.dead_letters_missing, "missing in dead-letters"),
        (finding.dead_letters_wrong, "in dead-letters more than once, or wrongly"),
        (finding.untold, "interrupted without a record on gaps"),
    ):
        if count:
            noun = "call" if what.startswith("interrupted") else "message"
            yield f"WRONG {finding.stream}: {count} {_plural(count, noun)} {what}"


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
