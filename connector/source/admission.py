"""What of one stream is known: says of every decoded frame whether it is new, and remembers it.

Pure but for counters and logs. Rules: contract §3 ("Same message") and §4.4 (gaps).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from connector.journal import Kind
from connector.logs import get_logger
from connector.messages import DeadLetter
from connector.metrics import DUPLICATE_ORIGINS
from connector.source.gaps import SequenceGaps
from connector.source.replay_gaps import ReplayGaps
from connector.source.restore import GAPS, PREFIX
from connector.source.windows import EnvelopeWindow, FingerprintWindow, TranscriptWindow, Verdict, Window

if TYPE_CHECKING:
    from connector.messages import Frame, Message
    from connector.metrics import SourceMetrics
    from connector.settings import Settings
    from connector.source.gaps import Gap
    from connector.source.records import RecordBuilder
    from connector.source.restore import Restored
    from connector.streams import Stream

Origin: TypeAlias = Literal["live", "replay", "journal"]

log = get_logger(__name__)

RECENT: Final = 60 * 60 * 1000
"""Milliseconds."""


class Admission:
    """One stream's dedup windows, and what may be missing."""

    def __init__(self, stream: Stream, settings: Settings, builder: RecordBuilder, metrics: SourceMetrics) -> None:
        name = stream.name
        size = settings.source.dedup_window
        self.replay_gaps = ReplayGaps(name)
        self.sequence_gaps = SequenceGaps(name, int(settings.processor.grace.total_seconds() * 1_000_000))
        self.news_at = 0
        """When the last message that was not known yet was received, µs since the epoch; before there is one, when the
        first connection stood. A replay of what is known is no news."""
        self._stream = name
        self._has_replay = stream.has_replay
        self._builder = builder
        self._window: Window = EnvelopeWindow(size) if stream.has_replay else TranscriptWindow(size)
        self._frames = FingerprintWindow(size)
        self._gaps = FingerprintWindow(GAPS)
        """Bodies of the gap records that are on the topic, or that an earlier process has left us."""
        self._versions: set[tuple[str, bytes, int]] = set()
        """Transcripts: versions of sentences that were received within the last hour before we came, or that were left
        to us, by key, fingerprint and time of receipt (ms). The window alone cannot tell a version that is handed over
        twice from a return to an earlier text."""
        self._duplicates = {origin: metrics.duplicates.labels(name, origin) for origin in DUPLICATE_ORIGINS}
        self._id_conflicts = metrics.id_conflicts.labels(name)

    def restore(self, restored: Restored) -> None:
        """Know what the topics hold."""
        for partition, records in restored.messages.items():
            for record in records:
                self._window.add(partition, record.key, record.fingerprint)
        for fingerprint in restored.frames:
            self._frames.add(fingerprint)
        for body in restored.gaps:
            self._gaps.add(body)
        self.news_at = max(self.news_at, restored.newest * 1000)
        if not self._has_replay:
            rows = (row for records in restored.messages.values() for row in records)
            recent = restored.newest - RECENT
            self._versions = {(row.key, row.fingerprint, row.timestamp) for row in rows if row.timestamp >= recent}
        if restored.last is not None and self._has_replay:
            self.replay_gaps.restored(*restored.last, restored.last_at, restored.unproven)
        self.sequence_gaps.restored(restored.positions, restored.said)

    def interrupted(self) -> None:
        """All that an earlier process has received is known; it was interrupted, and nobody knows when."""
        self.replay_gaps.interrupted()
        self.sequence_gaps.interrupted()

    def admit(
        self, frame: Frame, decoded: Message | DeadLetter, origin: Origin, *, recovered: Kind | None = None
    ) -> int | None:
        """The partition that `decoded` goes to (a dead letter: of `dead-letters`); None where it is known.

        `recovered`: what the journal of an earlier process says of it.
        """
        if isinstance(decoded, DeadLetter):
            return self._admit_letter(decoded, origin)
        if self._is_dead_letter(frame):
            self._duplicate(decoded.fingerprint, origin)
            return None
        partition = self._builder.partition(decoded)
        verdict = self._window.check(partition, decoded)
        if verdict is Verdict.DUPLICATE:
            self._duplicate(decoded.fingerprint, origin)
            return None
        if verdict is Verdict.CONFLICT:
            self._id_conflicts.inc()
            log.warning("source.id_conflict", stream=self._stream, message_id=decoded.message_id)
        self._window.add(partition, decoded.message_id, bytes.fromhex(decoded.fingerprint))
        self.news_at = max(self.news_at, frame.received_at)
        if decoded.transcript is not None:
            self.sequence_gaps.sentence(decoded.transcript, frame.received_at)
            if recovered is not None:
                self._versions.add(_version(decoded, frame))
        elif recovered is None:
            self.replay_gaps.admitted(decoded)
        else:
            self.replay_gaps.recovered(decoded, frame.received_at, replayed=recovered is not Kind.LIVE)
        return partition

    def was_handed_over(self, frame: Frame, message: Message) -> bool:
        """Whether this very version of a sentence was received before, by whomever; it is counted then."""
        if message.transcript is None or _version(message, frame) not in self._versions:
            return False
        self.published()
        return True

    def published(self) -> None:
        """The journal holds an entry that is on its topic already."""
        self._duplicates["journal"].inc()

    def admit_gap(self, gap: Gap) -> bool:
        """Whether a gap that an earlier process has found is still to be said; it is not to be found again."""
        body = (self._builder.gap(gap).value or b"")[PREFIX:]
        is_new = self._gaps.is_new(body)
        self._gaps.add(body)
        if gap.fingerprint:
            self._frames.add(bytes.fromhex(gap.fingerprint))
        self.sequence_gaps.told(gap)
        return is_new

    def is_new_frame(self, payload: bytes) -> bool:
        """Whether a frame that cannot be kept is met for the first time; it is known from now on."""
        fingerprint = blake2b(payload, digest_size=16).digest()
        if not self._frames.is_new(fingerprint):
            return False
        self._frames.add(fingerprint)
        return True

    def _admit_letter(self, letter: DeadLetter, origin: Origin) -> int | None:
        fingerprint = bytes.fromhex(letter.fingerprint)
        if not self._frames.is_new(fingerprint):
            self._duplicate(letter.fingerprint, origin)
            return None
        self._frames.add(fingerprint)
        log.warning("source.dead_letter", stream=self._stream, reason=letter.reason, detail=letter.detail)
        return self._builder.dead_letters_partition

    def _is_dead_letter(self, frame: Frame) -> bool:
        """Whether the same frame is on dead-letters, put there by an earlier version: `redrive` brings it back."""
        if not len(self._frames):
            return False
        return not self._frames.is_new(blake2b(frame.payload, digest_size=16).digest())

    def _duplicate(self, fingerprint: str, origin: Origin) -> None:
        self._duplicates[origin].inc()
        if origin != "journal":  # what an earlier process, or another one, has received proves nothing of this replay
            self.replay_gaps.met_again(fingerprint)


def _version(message: Message, frame: Frame) -> tuple[str, bytes, int]:
    return message.message_id, bytes.fromhex(message.fingerprint), frame.received_at // 1000
