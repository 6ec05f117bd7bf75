"""What is printed of a run. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.obligations import Violation
    from tests.chaos.run import Outcome

FIRST = 8
"""Violations that are shown with their history."""

AROUND = 8.0
"""Seconds before and after a violation whose faults are shown."""

REQUIRED = (
    "messages a replay brought again",
    "records of aborted transactions",
    "fencings",
    "entries recovered from journals",
)
"""Recoveries without which a run has proved nothing."""


def unproven(outcome: Outcome) -> list[str]:
    """Which faults left no trace, so that the run proves nothing about them."""
    verdict = outcome.verdict
    return [name for name in REQUIRED if verdict is None or verdict.recoveries[name] <= 0]


def failed(outcome: Outcome) -> bool:
    return bool(outcome.violations or unproven(outcome))


def lines(outcome: Outcome, command: str) -> Iterator[str]:
    """The whole report; `command` is what repeats the run."""
    if failed(outcome):
        yield f"FAILED; again: {command}"
        yield "schedule:"
        yield from (f"  {fault}" for fault in outcome.schedule)
        kinds = Counter(f"{violation.stream} {violation.name}".strip() for violation in outcome.violations)
        yield f"{len(outcome.violations)} violations ({_counts(kinds)}); the first {FIRST}:"
        for violation in outcome.violations[:FIRST]:
            yield from _violation(outcome, violation)
        yield from (f"nothing shows that this happened: {name}" for name in unproven(outcome))
    yield f"seed {outcome.seed}; faults: {outcome.done.total()} ({_counts(outcome.done)})"
    if outcome.skipped:
        yield f"left out, since broken already: {_counts(outcome.skipped)}"
    if outcome.verdict is not None:
        yield f"found: {_counts(outcome.verdict.counts)}"
        yield f"recovered: {_counts(outcome.verdict.recoveries)}"
    yield f"fresh messages of every stream passed {outcome.seconds_until_fresh:.1f} s after the last fault"
    yield f"violations: {len(outcome.violations)}"


def _violation(outcome: Outcome, violation: Violation) -> Iterator[str]:
    yield f"- {violation.stream} {violation.name}: {violation.what}"
    yield from (f"    {line}" for line in violation.history)
    at = violation.at / 1e6 - outcome.began
    for fault in outcome.schedule if violation.at else ():
        if fault.at - AROUND < at < fault.at + fault.seconds + AROUND:
            yield f"    at {at:.2f} s: {fault}"


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))
