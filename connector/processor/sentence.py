"""One sentence of the `transcripts` topic, as joining and alerting see it."""

from __future__ import annotations

import msgspec


class Sentence(msgspec.Struct, frozen=True, gc=False):
    """What a record of `transcripts` says; instants are microseconds since the epoch, UTC; absent is None.

    A msgspec struct, since a frozen dataclass of this width takes longer to make than to read (5 µs against 0.3);
    another version of one is made by `msgspec.structs.replace`.
    """

    transcript_id: str
    sequence: int
    text: str | None
    """`sentence` of the record; None for an end marker without one."""

    received_at: int
    """When the source read the frame."""

    partition: int
    offset: int
    """Where the record stands in the source topic."""

    status: str | None = None
    speaker: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    confidence: float | None = None
    created_time: int | None = None
    call_id: str | None = None
    symbol: str | None = None
    name: str | None = None
    exchange: str | None = None
    isin: str | None = None
    cusip: str | None = None
    call_title: str | None = None
    language: str | None = None
    value: bytes = b""
    """The record's Avro body, for what is seldom asked for: the word timings."""

    @property
    def ends(self) -> bool:
        """Whether it marks the end of its call (fact sheet §3.7: `COMPLETE`, on REST `COMPLETED`)."""
        return self.status is not None and self.status.upper() in {"COMPLETE", "COMPLETED"}
