"""Sentences for tests of the processor: everything that is not said has a believable value."""

from __future__ import annotations

from typing import Any

from connector.processor.sentence import Sentence

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
START = 1_748_858_400 * SECOND
"""2025-06-02T10:00:00Z, when every call of these tests begins."""


def sentence(sequence: int, text: str | None = "", /, *, at: float = 0, **fields: Any) -> Sentence:
    """A sentence received `at` seconds after START. Without `text` it has one of its own; None is none."""
    values: dict[str, Any] = {
        "transcript_id": "t",
        "sequence": sequence,
        "text": f"Sentence {sequence}." if text == "" else text,
        "received_at": START + round(at * SECOND),
        "partition": 3,
        "offset": 0,
        "status": "IN_PROGRESS",
        "symbol": "AAPL",
    }
    return Sentence(**{**values, **fields})


def end(sequence: int, text: str | None = None, /, *, at: float = 0, **fields: Any) -> Sentence:
    """An end marker, empty unless it has a `text`."""
    return sentence(sequence, text, at=at, **{"status": "COMPLETE", **fields})
