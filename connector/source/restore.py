"""What the topics hold when a stream is taken over: the state that duplicates and gaps are recognised by.

Nothing else is kept anywhere: the topic is the dedup state (contract §4).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

import fastavro

from connector.kafka.tail import TailReader
from connector.mapping.schemas import load_schema
from connector.mapping.times import rfc_3339_nanos
from connector.messages import DeadLetter, Message, TranscriptPosition
from connector.source.gaps import RUNNING

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator

    from connector.kafka.records import Record
    from connector.kafka.tail import TailRecord
    from connector.settings import Settings
    from connector.source.gaps import Gap
    from connector.source.records import RecordBuilder
    from connector.streams import Stream

GAPS: Final = 5000
"""Gap records that are read back: as many as one transaction may have, so that it is known whether it was committed."""

_SEQUENCE: Final = re.compile(r"-?\d{1,19}", re.ASCII)

PREFIX: Final = 5
"""Bytes of the wire format before the Avro value."""


@dataclass(slots=True)
class Restored:
    """The committed end of a stream's topics."""

    messages: dict[int, list[TailRecord]]
    """By partition, oldest first."""

    frames: list[bytes] = field(default_factory=list)
    """Fingerprints of frames that were dead-lettered, or said to be too large."""

    newest: int = 0
    """When the last message was received, ms since the epoch; 0 where the topic is empty."""

    last: tuple[str, int | None] | None = None
    """Id and event time (µs) of the last message that proves something (`replay_gaps.py`); None: the topic is empty."""

    last_at: int = 0
    """When that one was received (µs)."""

    unproven: set[str] = field(default_factory=set)
    """Fingerprints of the replayed messages that no live one follows in their partition."""

    positions: list[tuple[TranscriptPosition, int]] = field(default_factory=list)
    """Transcripts: the sentences of the last hour that had any, and when each was received (µs), oldest first."""

    said: set[tuple[str, int | None, int | None]] = field(default_factory=set)
    """Transcripts: ranges that `gaps` already tells of."""

    gaps: set[bytes] = field(default_factory=set)
    """This stream's last records of `gaps`, as their Avro bodies."""

    _published: Counter[tuple[str, bytes, int]] | None = None

    def holds(self, origin: Message | DeadLetter | Gap, record: Record) -> bool:
        """Whether `record` is on its topic: whether its transaction was committed, though nobody said so.

        Its key and fingerprint alone do not tell, for a sentence may return to an earlier text (A, B, A again);
        together with the time of its receipt, which is the record's timestamp, they do.
        """
        if isinstance(origin, Message | DeadLetter):
            return self.knows(origin, record.timestamp)
        return (record.value or b"")[PREFIX:] in self.gaps

    def knows(self, origin: Message | DeadLetter, timestamp: int) -> bool:
        """As `holds`, of what was received at `timestamp` (ms since the epoch)."""
        if isinstance(origin, DeadLetter):
            return bytes.fromhex(origin.fingerprint) in self.frames
        return self.published(origin, timestamp)

    def published(self, message: Message, timestamp: int) -> bool:
        """Whether `message`, received at `timestamp` (ms since the epoch), is on its topic.

        To be asked once a message, in their order: as often as the topic has it, and no more, the answer is yes.
        """
        if self._published is None:
            rows = (row for records in self.messages.values() for row in records)
            self._published = Counter((row.key, row.fingerprint, row.timestamp) for row in rows)
        identity = message.message_id, bytes.fromhex(message.fingerprint), timestamp
        if not self._published[identity]:
            return False
        self._published[identity] -= 1
        return True


def restore(settings: Settings, stream: Stream, builder: RecordBuilder, stop: threading.Event) -> Restored:
    """Read back what `stream`'s topics hold. Blocks; raises KafkaError, StoppedError."""
    with TailReader(settings.kafka, f"{settings.topics.prefix}.tail", stop) as tail:
        return _restore(settings, stream, builder, tail)


def _restore(settings: Settings, stream: Stream, builder: RecordBuilder, tail: TailReader) -> Restored:
    transcripts = not stream.has_replay

    def may_end(value: bytes, _timestamp: int) -> bool:
        return transcripts and b"COMPLETE" in value.upper()

    partitions = range(builder.partitions)
    restored = Restored(tail.read(builder.topic, partitions, settings.source.dedup_window, may_end))
    letters = tail.read(builder.dead_letters, [builder.dead_letters_partition], settings.source.dedup_window)
    gaps = tail.read(builder.gaps, [builder.gaps_partition], GAPS, lambda _value, _timestamp: True)
    own_gaps = [row for row in gaps[builder.gaps_partition] if row.key == stream.name]
    own_letters = [row for row in letters[builder.dead_letters_partition] if row.key == stream.name]
    restored.gaps = {row.value[PREFIX:] for row in own_gaps}
    restored.frames = [row.fingerprint for row in (*own_letters, *own_gaps) if row.fingerprint]
    rows = sorted((row for records in restored.messages.values() for row in records), key=lambda row: row.timestamp)
    if rows:
        restored.newest = rows[-1].timestamp
        restored.unproven = set(_unproven(restored.messages.values()))
        last = _last_proven(rows, restored.unproven)
        nanos = _event_nanos(last)
        restored.last = (last.key, nanos // 1000 if nanos else None)
        restored.last_at = last.timestamp * 1000
        restored.unproven.discard(last.fingerprint.hex())
    if transcripts:
        # Counted from the last sentence, not from now: nobody may have listened for long.
        recent = restored.newest - 2 * RUNNING // 1000
        restored.positions = list(_positions(row for row in rows if row.timestamp >= recent))
        restored.said = set(_said(own_gaps))
    return restored


def _unproven(partitions: Iterable[list[TailRecord]]) -> Iterator[str]:
    """By offsets, not by time: the clock may have been put back meanwhile."""
    for rows in partitions:
        yield from (row.fingerprint.hex() for row in takewhile(lambda row: row.replayed, reversed(rows)))


def _last_proven(rows: list[TailRecord], unproven: set[str]) -> TailRecord:
    """The last of `rows`, oldest first, that proves something; where none does, the one that happened first."""
    proven = [row for row in rows if row.fingerprint.hex() not in unproven]
    if not proven:
        return min(rows, key=_event_nanos)
    # Partitions have no order among each other: of what was received in the same millisecond, the latest event.
    return max((row for row in proven if row.timestamp == proven[-1].timestamp), key=_event_nanos)


def _event_nanos(row: TailRecord) -> int:
    """The event's time in nanoseconds since the epoch; 0 where the record has none."""
    return (rfc_3339_nanos(row.event_time_text) or 0) if row.event_time_text else 0


def _positions(rows: Iterable[TailRecord]) -> Iterator[tuple[TranscriptPosition, int]]:
    for row in rows:
        transcript_id, _, sequence = row.key.rpartition(":")
        if _SEQUENCE.fullmatch(sequence):
            ended = bool(row.value) and _is_ended(row.value)
            yield TranscriptPosition(transcript_id, int(sequence), ended), row.timestamp * 1000


def _is_ended(value: bytes) -> bool:
    status = _decoded(value, "transcripts").get("status")
    return isinstance(status, str) and status.upper() in {"COMPLETE", "COMPLETED"}


def _said(gaps: Iterable[TailRecord]) -> Iterator[tuple[str, int | None, int | None]]:
    for row in gaps:
        gap = _decoded(row.value, "gaps")
        if gap.get("transcript_id") is not None:
            yield gap["transcript_id"], gap["first_missing"], gap["last_missing"]


def _decoded(value: bytes, name: str) -> dict[str, Any]:
    """Decode one of our own records; one that was written by another schema tells nothing."""
    try:
        decoded = fastavro.schemaless_reader(BytesIO(value[PREFIX:]), load_schema(name), None)
    except (ValueError, EOFError, IndexError, KeyError, TypeError, UnicodeDecodeError):
        return {}
    return decoded if isinstance(decoded, dict) else {}
