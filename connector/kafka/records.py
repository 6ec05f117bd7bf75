"""What is handed to Kafka: one record, ready to be produced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeAlias

from msgspec import Struct

Headers: TypeAlias = list[tuple[str, str | bytes | None]]


class Record(Struct, gc=False):
    """One record of one topic; the partition is chosen already."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    """None is a tombstone."""

    headers: Headers
    timestamp: int
    """Milliseconds since the epoch, UTC: when the frame left the socket."""

    @property
    def size(self) -> int:
        """Bytes it takes, roughly: what queues and batches are bounded by."""
        return len(self.value or b"") + len(self.key) + 400


def utf8(text: str) -> bytes:
    """UTF-8; a lone surrogate, which has none, is written as its escape."""
    return text.encode("utf-8", "backslashreplace")


def rfc_3339(micros: int) -> str:
    """Microseconds since the epoch as `2026-01-05T15:47:37.123456Z`."""
    seconds, fraction = divmod(micros, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:06d}Z"
