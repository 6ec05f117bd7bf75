"""What is handed to Kafka: one record, ready to be produced."""

from __future__ import annotations

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
