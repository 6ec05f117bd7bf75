"""What `calls` must come to: the contract's rules (§3) written a second time, as simply as possible, from the frames.

What checks the processor must not use it: nothing here comes from `connector.processor`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connector.demo.identity import ends_call

_ZERO_TIME: Final = "0001-01-01T00:00:00"


@dataclass(slots=True)
class Joined:
    """One transcript, as far as it was sent."""

    heard: set[int] = field(default_factory=set)
    """Every sequence that came, with a text or without."""

    texts: dict[int, tuple[str, datetime | None]] = field(default_factory=dict)
    """By sequence: the text that holds, and when the feed made it."""

    ended_at: float | None = None
    """When the first end marker was sent, seconds since the epoch."""

    last_at: float | None = None
    longest_silence: float = 0.0
    """Seconds between two frames up to the end marker."""

    def add(self, body: dict[str, Any], sent_at: float) -> None:
        """Take in the transcript's next frame."""
        if self.ended_at is None:
            if self.last_at is not None:
                self.longest_silence = max(self.longest_silence, sent_at - self.last_at)
            if ends_call(body):
                self.ended_at = sent_at
        self.last_at = sent_at
        sequence = int(body["sequence"])
        self.heard.add(sequence)
        text = body.get("sentence")
        if not text:
            return
        made = _made_at(body)
        if sequence in self.texts:
            before = self.texts[sequence][1]
            if before is not None and made is not None and made < before:
                return
        self.texts[sequence] = text, made

    @property
    def sequences(self) -> list[int]:
        """Of the sentences, in order."""
        return sorted(self.texts)

    @property
    def text(self) -> str:
        """All sentences in order, one space between."""
        return " ".join(self.texts[sequence][0] for sequence in self.sequences)

    @property
    def missing(self) -> list[int]:
        """Sequences that did not come, from 0 to the highest that did."""
        return sorted(set(range(max(self.heard, default=-1) + 1)) - self.heard)


class NaiveJoin:
    """All transcripts, by their ids."""

    def __init__(self) -> None:
        self.calls: dict[str, Joined] = {}

    def add(self, payload: bytes, sent_at: float) -> None:
        """A sentence was sent, and somebody was there to receive it."""
        body = json.loads(payload)
        self.calls.setdefault(str(body["transcript_id"]), Joined()).add(body, sent_at)


def _made_at(body: dict[str, Any]) -> datetime | None:
    text = body.get("created_time")
    return None if not text or text.startswith(_ZERO_TIME) else datetime.fromisoformat(text)
