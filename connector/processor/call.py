"""The life of one call: open, closed, expired. Pure: instants come in as microseconds since the epoch, UTC.

    OPEN ──(end marker + grace │ silence │ max_duration)──▶ CLOSED ──(keep_closed)──▶ EXPIRED ──(remember)──▶ forgotten

Every deadline follows from the entry alone, so that it is the same after a restart or a move. Whatever arrives while
closed publishes a further revision with the same state (contract §3, `calls`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from connector.processor.effects import PublishCall
from connector.processor.ledger import Entry, Status
from connector.processor.publication import datum
from connector.processor.transcript import Outcome, Transcript

if TYPE_CHECKING:
    from connector.processor.effects import PublishReason
    from connector.processor.sentence import Sentence
    from connector.settings import ProcessorSettings

ClosingReason: TypeAlias = Literal["complete", "idle", "max_duration"]

REMEMBER: Final = timedelta(days=30)
"""How long an expired transcript is remembered: as long as topics keep their records by default, after which nothing
of it should come back. An entry takes some hundred bytes."""

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class JoinSettings:
    """`processor.*`; durations in microseconds, 0 snapshots are none."""

    grace: int
    idle_timeout: int
    max_duration: int
    keep_closed: int
    snapshot_sentences: int = 0
    snapshot_interval: int = 0
    remember: int = REMEMBER // _MICROSECOND

    @classmethod
    def of(cls, settings: ProcessorSettings) -> JoinSettings:
        """The settings as joining takes them."""
        return cls(
            grace=settings.grace // _MICROSECOND,
            idle_timeout=settings.idle_timeout // _MICROSECOND,
            max_duration=settings.max_duration // _MICROSECOND,
            keep_closed=settings.keep_closed // _MICROSECOND,
            snapshot_sentences=settings.snapshots.sentences,
            snapshot_interval=settings.snapshots.interval // _MICROSECOND,
        )


class Call:
    """One transcript's durable entry and, while it is open or loaded, its sentences."""

    __slots__ = ("_partition", "_published_changes", "_settings", "entry", "scheduled", "transcript")

    def __init__(self, entry: Entry, partition: int, settings: JoinSettings) -> None:
        """A call as its entry has it; the sentences of an open one are to be replayed."""
        self.entry = entry
        self.transcript: Transcript | None = Transcript() if entry.status is Status.OPEN else None
        self.scheduled: int | None = None
        """The deadline its joiner has noted."""
        self._partition = partition
        self._settings = settings
        self._published_changes = 0
        """`Transcript.changes` at the last publication."""

    @classmethod
    def begin(cls, sentence: Sentence, settings: JoinSettings) -> Call:
        """A call whose first record is `sentence`, which is to be added yet."""
        received_at = sentence.received_at
        return cls(
            Entry(sentence.transcript_id, sentence.offset, received_at, received_at), sentence.partition, settings
        )

    @property
    def is_open(self) -> bool:
        """Whether it has not been closed."""
        return self.entry.status is Status.OPEN

    @property
    def deadline(self) -> int:
        """When the next stage of its life begins."""
        if self.entry.status is Status.OPEN:
            return self.closing[0]
        expires_at = (self.entry.closed_at or 0) + self._settings.keep_closed
        return expires_at if self.entry.status is Status.CLOSED else expires_at + self._settings.remember

    @property
    def closing(self) -> tuple[int, ClosingReason]:
        """When an open call closes unless more is heard, and as what. A call that said it is over is `complete`."""
        entry, settings = self.entry, self._settings
        if entry.end_marked_at is not None:
            return entry.end_marked_at + settings.grace, "complete"
        silent_at, too_long_at = entry.heard_at + settings.idle_timeout, entry.opened_at + settings.max_duration
        return (silent_at, "idle") if silent_at <= too_long_at else (too_long_at, "max_duration")

    @property
    def has_unpublished_revision(self) -> bool:
        """Whether a closed call has changed since it was published."""
        return (
            self.entry.status is Status.CLOSED
            and self.transcript is not None
            and self.transcript.changes != self._published_changes
        )

    def add(self, sentence: Sentence) -> Outcome:
        """Take in the call's next record. An expired call takes none; a closed one has to be loaded."""
        entry, transcript = self.entry, self.transcript
        if entry.status is Status.EXPIRED:
            return Outcome.LATE
        if transcript is None:
            raise RuntimeError(f"the sentences of the closed call {entry.transcript_id} are not loaded")
        if sentence.received_at > entry.heard_at:  # noqa: PLR1730 - for every record, and `max` takes twice as long
            entry.heard_at = sentence.received_at
        if entry.status is Status.CLOSED:
            entry.last_offset = sentence.offset
        elif entry.end_marked_at is None and sentence.ends:
            entry.end_marked_at = sentence.received_at
        return transcript.add(sentence)

    def replay(self, sentence: Sentence) -> None:
        """Take in a record that was added in an earlier life; what is not part of the call is passed over."""
        entry, transcript = self.entry, self.transcript
        if transcript is None or sentence.offset < entry.first_offset:
            return
        if transcript.last_offset is not None and sentence.offset <= transcript.last_offset:
            return
        if entry.status is Status.OPEN:
            self.add(sentence)
            if entry.published_offset is not None and sentence.offset <= entry.published_offset:
                self._published_changes = transcript.changes
        elif entry.last_offset is None or sentence.offset <= entry.last_offset:
            transcript.add(sentence)
            self._published_changes = transcript.changes

    def load(self) -> None:
        """Make a closed call ready for the replay of its sentences."""
        self.transcript = Transcript()
        self._published_changes = 0

    def unload(self) -> None:
        """Keep the entry alone."""
        self.transcript = None

    def close(self, now: int) -> PublishCall:
        """Close an open call at its deadline, and publish it."""
        entry, transcript = self.entry, self.transcript
        if transcript is None or not self.is_open:
            raise RuntimeError(f"the call {entry.transcript_id} is not open")
        entry.closed_at, reason = self.closing
        entry.state, entry.status = reason, Status.CLOSED
        if transcript.first_offset is not None:  # retention may have cut the beginning away
            entry.first_offset = transcript.first_offset
        entry.last_offset = max(transcript.last_offset or 0, entry.first_offset)
        return self.publish(now, reason)

    def expire(self) -> None:
        """Take nothing more; what is left is the memory that the call was there."""
        entry = self.entry
        self.entry = Entry(
            entry.transcript_id,
            entry.first_offset,
            entry.opened_at,
            entry.heard_at,
            status=Status.EXPIRED,
            state=entry.state,
            closed_at=entry.closed_at,
            revision=entry.revision,
        )
        self.transcript = None

    def publish(self, now: int, reason: PublishReason) -> PublishCall:
        """The next revision."""
        entry, transcript = self.entry, self.transcript
        if transcript is None:
            raise RuntimeError(f"the sentences of the call {entry.transcript_id} are not loaded")
        entry.revision += 1
        entry.published_at = now
        entry.published_offset = transcript.last_offset
        self._published_changes = transcript.changes
        record = self.datum(now)
        grown = 0
        if reason != "snapshot":
            missing = sum(gap["last"] - gap["first"] + 1 for gap in record["missing"])
            grown, entry.missing = max(missing - entry.missing, 0), missing
        return PublishCall(entry.transcript_id, reason, record, grown)

    def datum(self, published_at: int) -> dict[str, Any]:
        """What the record of the current revision says, for `encoder_for("calls")`."""
        entry, transcript = self.entry, self.transcript
        if transcript is None:
            raise RuntimeError(f"the sentences of the call {entry.transcript_id} are not loaded")
        first = entry.first_offset if transcript.first_offset is None else transcript.first_offset
        return datum(
            transcript,
            entry.transcript_id,
            partition=self._partition,
            offsets=(first, first if transcript.last_offset is None else transcript.last_offset),
            revision=entry.revision,
            state=entry.state or "open",
            published_at=published_at,
        )

    def snapshot_at(self) -> int | None:
        """When an open call has to be published as it stands: an instant in the past means now. None: not as yet."""
        settings, transcript = self._settings, self.transcript
        if transcript is None or not self.is_open:
            return None
        news = transcript.changes - self._published_changes
        if settings.snapshot_sentences and news >= settings.snapshot_sentences:
            return 0
        if settings.snapshot_interval and news:
            return (self.entry.published_at or self.entry.opened_at) + settings.snapshot_interval
        return None
