"""What joining asks of its shell. All of it belongs into one transaction with the offsets of what led to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from connector.processor.call import Call
    from connector.processor.sentence import Sentence
    from connector.processor.transcript import Outcome

PublishReason: TypeAlias = Literal["complete", "idle", "max_duration", "revised", "snapshot"]
PUBLISH_REASONS: tuple[PublishReason, ...] = ("complete", "idle", "max_duration", "revised", "snapshot")


@dataclass(frozen=True, slots=True)
class PublishCall:
    """A record for `calls`."""

    transcript_id: str
    """The key, and what the partition is chosen by."""

    reason: PublishReason
    datum: dict[str, Any]
    """For `encoder_for("calls")`."""

    missing: int
    """By how much this raises the number of sequences known to be missing for good; 0 in a snapshot."""


@dataclass(frozen=True, slots=True)
class SaveEntry:
    """A record for `internal.calls`."""

    transcript_id: str
    """The key, and what the partition is chosen by."""

    value: bytes | None
    """None is a tombstone: the transcript is forgotten."""


@dataclass(frozen=True, slots=True)
class TooLate:
    """A dead letter, reason `too_late`."""

    sentence: Sentence
    detail: str


Effect: TypeAlias = PublishCall | SaveEntry | TooLate


class Added(Struct, frozen=True, gc=False):
    """A sentence was taken in, or refused for good."""

    outcome: Outcome
    call: Call | None
    """The call as it is now, for alerting; None where the sentence was too late."""

    effects: list[Effect]


@dataclass(frozen=True, slots=True)
class Reload:
    """A sentence of a closed call, whose other sentences are no longer in memory: nothing was done yet.

    The shell reads the source partition from `first_offset` to `last_offset`, both included, hands the sentences to
    `Joiner.reload` (or says `Joiner.unavailable`), and adds the sentence again.
    """

    transcript_id: str
    first_offset: int
    last_offset: int
