"""When a worker that broke is made anew: never while its partition may be another's, for a new one fences the owner.

Pure: monotonic seconds come in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIN: Final = 2.0
MAX: Final = 30.0
"""Seconds before a worker that broke is made anew; doubled while it breaks at the same offset."""


@dataclass(slots=True)
class _Plan:
    """Of a worker that broke."""

    wait: float
    """Seconds."""

    due: float | None
    """None once the successor was started."""

    offset: int | None
    """Where the successor begins."""


class Restarts:
    """Of all partitions of a member."""

    def __init__(self, session: float) -> None:
        """`session`: seconds after which the group has given the partitions of a silent member to others."""
        self._session = session
        self._plans: dict[int, _Plan] = {}

    def is_due(self, partition: int, offset: int | None, now: float, *, fenced: bool, stalled: bool) -> bool:
        """Whether to begin again now, at `offset`, after a worker broke; asked at every turn.

        `fenced`: by somebody who may be the owner by now, so that a whole session is waited for; `stalled`: this
        process did not run for a while, and what it believes may be old.
        """
        plan = self._plans.get(partition)
        if plan is None or plan.due is None:
            again = plan is not None and plan.offset == offset
            wait = min(MAX, plan.wait * 2) if plan is not None and again else MIN
            self._plans[partition] = _Plan(wait, now + (max(wait, self._session) if fenced else wait), offset)
            return False
        if stalled:
            plan.due = max(plan.due, now + MIN)
            return False
        return now >= plan.due

    def postpone(self, partition: int, now: float) -> None:
        """It could not begin."""
        self._plans[partition].due = now + MIN

    def begun(self, partition: int) -> None:
        """The successor was started."""
        self._plans[partition].due = None

    def forget(self, partition: int) -> None:
        """The partition is another's."""
        self._plans.pop(partition, None)
