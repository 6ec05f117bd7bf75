"""What travels from the socket to Kafka: a frame, and the three things a frame can turn out to be.

Structs rather than dataclasses: made in C, and not walked by the garbage collector, for none can be part of a cycle.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

DeadLetterReason: TypeAlias = Literal["not_json", "not_an_object", "no_data", "schema", "encode", "too_late"]
ControlType: TypeAlias = Literal[
    "ping", "pong", "number", "string", "greeting", "subscribed", "status", "error", "audio", "other"
]

DEAD_LETTER_REASONS: tuple[DeadLetterReason, ...] = (
    "not_json", "not_an_object", "no_data", "schema", "encode", "too_late",
)  # fmt: skip
CONTROL_TYPES: tuple[ControlType, ...] = (
    "ping", "pong", "number", "string", "greeting", "subscribed", "status", "error", "audio", "other",
)  # fmt: skip


class Frame(Struct, frozen=True, gc=False):
    """One WebSocket message, as it left the socket."""

    payload: bytes
    received_at: int
    """Microseconds since the epoch, UTC."""


class TranscriptPosition(Struct, frozen=True, gc=False):
    """Where a sentence stands in its transcript."""

    transcript_id: str
    sequence: int
    ended: bool
    """Whether this frame marks the end of the call (`COMPLETE`, `COMPLETED`)."""


class Message(Struct, gc=False):
    """A frame that carries a record (contract §3 defines each of these)."""

    message_id: str
    """The Kafka key."""

    has_feed_id: bool
    """Whether `message_id` is the envelope's own id, not one derived from the content."""

    record_id: str | None
    """`data.content.id`, else `data.id`; transcripts: the transcript id."""

    fingerprint: str
    """32 hex digits: BLAKE2b-128 of the canonical `data` (transcripts: of the frame)."""

    action: str | None
    """Lower case, `removed` → `deleted`; transcripts: `sentence`; none where the feed sent none."""

    event_time: int | None
    """Nanoseconds since the epoch, UTC; None where there is none or it cannot be read."""

    event_time_text: str | None
    """The event's time as sent; transcripts: `start_time`."""

    has_time: bool
    """Whether `data` carries a time, so that equal fingerprints mean the same message."""

    body: Any
    """The parsed frame, in a form that `Decoder.encode` alone knows."""

    transcript: TranscriptPosition | None = None

    @property
    def routing_text(self) -> str:
        """What the partition is chosen by: the record id, the message id where there is none."""
        return self.record_id or self.message_id


class Control(Struct, frozen=True, gc=False):
    """A frame that is about the connection: counted and swallowed, never published."""

    type: ControlType
    text: str
    """For the log: redacted, at most 200 characters."""


class DeadLetter(Struct, frozen=True, gc=False):
    """A frame without usable structure: kept byte for byte on `dead-letters`."""

    reason: DeadLetterReason
    detail: str
    payload: bytes
    """The frame; a signed URL or a token inside is `***`."""

    fingerprint: str
    """32 hex digits: BLAKE2b-128 of `payload`."""

    redacted: bool = False


Decoded: TypeAlias = Message | Control | DeadLetter
