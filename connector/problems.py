"""What went wrong lately, for whoever looks at a process: every warning and error by its event, how often, and when.

Filled by the logs (`connector.logs`), so that whatever is worth a warning is here without being told twice.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connector.kafka.records import rfc_3339

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT: Final = 50
"""Different problems that are remembered; the one that was met the longest ago is forgotten first."""

TEXT: Final = 300
"""Characters of what was said."""

_SAID_BY: Final = ("detail", "error", "text", "problems", "hint")
"""Fields that hold a sentence, the most telling one first."""


@dataclass(slots=True)
class Problem:
    """One kind of trouble at one place."""

    level: str
    event: str
    where: str
    """The stream, or the partition; empty where it is the process."""

    text: str
    """What was said the last time."""

    count: int
    first_at: int
    last_at: int
    """Microseconds since the epoch, UTC."""


class Problems:
    """Safe for threads."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str, str], Problem] = OrderedDict()

    def note(self, level: str, fields: Mapping[str, Any], now: int) -> None:
        """An event of this level was logged; its text holds no secrets any more. `now` in µs since the epoch."""
        event, where = str(fields.get("event", "")), _where(fields)
        text = next((str(fields[name]) for name in _SAID_BY if fields.get(name)), "")[:TEXT]
        key = (event, where, str(fields.get("reason") or ""))
        if key[2]:
            text = f"{key[2]}: {text}" if text else key[2]
        with self._lock:
            problem = self._known.get(key)
            if problem is None:
                self._known[key] = Problem(level, event, where, text, 1, now, now)
                while len(self._known) > self._limit:
                    self._known.popitem(last=False)
                return
            problem.level, problem.text, problem.last_at = level, text, now
            problem.count += 1
            self._known.move_to_end(key)

    def latest(self) -> list[dict[str, Any]]:
        """As JSON values, the last one first; instants as RFC 3339."""
        with self._lock:
            return [
                {
                    "level": problem.level,
                    "event": problem.event,
                    "where": problem.where,
                    "text": problem.text,
                    "count": problem.count,
                    "first_at": rfc_3339(problem.first_at),
                    "last_at": rfc_3339(problem.last_at),
                }
                for problem in reversed(self._known.values())
            ]


def _where(fields: Mapping[str, Any]) -> str:
    if stream := fields.get("stream"):
        return str(stream)
    partition = fields.get("partition")
    return "" if partition is None else f"partition {partition}"
