"""Whether a record says what its frame said: every text and number of the frame must be found in the record.

A second opinion on the mapping, which knows nothing of its rules: it compares what is said, not where. Instants are
left out, being written in another form on purpose.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} ")
_MOVED: Final = frozenset({"action"})
"""Members of `data` that the record says in normal form."""


def unsaid(frame: bytes, value: dict[str, Any], *, envelope: bool) -> list[str]:
    """What the frame says and the decoded record does not; empty where nothing was lost or altered."""
    body = json.loads(frame)
    if envelope:
        body = {name: member for name, member in body["data"].items() if name not in _MOVED}
    said = set(_record_atoms(value))
    return [atom for atom in _frame_atoms(body) if atom not in said]


def _frame_atoms(value: Any) -> Iterator[str]:
    for leaf in _leaves(value):
        if not (isinstance(leaf, str) and _INSTANT.match(leaf)):
            yield _atom(leaf)


def _record_atoms(value: Any) -> Iterator[str]:
    for leaf in _leaves(value):
        yield _atom(leaf)
        if isinstance(leaf, str) and _INSTANT.match(leaf):
            seconds = datetime.fromisoformat(leaf).astimezone(UTC).timestamp()
            yield from (_atom(Decimal(int(seconds))), _atom(Decimal(round(seconds * 1000))))
        elif isinstance(leaf, str):
            # Extras, and fields without a documented shape, are JSON text.
            try:
                inner = json.loads(leaf)
            except ValueError:
                continue
            if inner != leaf:
                yield from _record_atoms(inner)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _leaves(member)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None and value != "":
        yield value


def _atom(leaf: Any) -> str:
    """One spelling for all forms of a number; text as it is."""
    if isinstance(leaf, bool):
        return str(leaf)
    try:
        number = Decimal(str(leaf))
    except InvalidOperation:
        return str(leaf)
    return format(number.normalize(), "f") if number.is_finite() else str(leaf)
