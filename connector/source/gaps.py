"""What may be missing, and when that must be said: the record of it, and the stream without a replay.

Streams with a replay: `replay_gaps.py`.

Pure: times are microseconds since the epoch. Rules: contract §3 (`gaps`) and §4.4: silence means nothing is missing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.messages import TranscriptPosition

RUNNING: Final = 30 * 60 * 1_000_000
"""A transcript runs while its last sentence is younger than this (µs) and nothing has ended it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One record of `gaps`; the names are the schema's."""

    stream: str
    reason: str
    detected_at: int
    disconnected_at: int | None = None
    connected_at: int | None = None
    last_message_id: str | None = None
    last_event_time: int | None = None
    first_message_id: str | None = None
    first_event_time: int | None = None
    transcript_id: str | None = None
    first_missing: int | None = None
    last_missing: int | None = None
    detail: str | None = None
    fingerprint: str = field(default="", compare=False)
    """Of a frame that could not be kept, so that the same one is said once; a header, not a field of the record."""

    def datum(self) -> dict[str, Any]:
        """The Avro datum."""
        datum = asdict(self)
        del datum["fingerprint"]
        return datum


@dataclass(slots=True)
class _Transcript:
    highest: int
    last_seen: int
    ended: bool = False
    holes: dict[tuple[int, int], int] = field(default_factory=dict)
    """Missing ranges (first, last) and when each must be said."""


class SequenceGaps:
    """Jumps of `sequence`, and interruptions while a transcript was running."""

    def __init__(self, stream: str, grace: int) -> None:
        self._stream = stream
        self._grace = grace
        self._transcripts: dict[str, _Transcript] = {}
        self._disconnected_at: int | None = None
        self._interrupted = False
        self._connected_at = 0
        self._interrupted_calls: set[str] = set()
        """Transcripts that were said to be interrupted when the connection that stands was made."""
        self._said: set[tuple[str, int | None, int | None]] = set()
        """Ranges that an earlier process has told of."""

    def restored(
        self,
        positions: Iterable[tuple[TranscriptPosition, int]],
        said: set[tuple[str, int | None, int | None]],
    ) -> None:
        """The tail: positions and when each was received, oldest first; `said`: ranges that are on `gaps` already."""
        self._said = said
        for position, received_at in positions:
            self.sentence(position, received_at)
        for transcript_id, transcript in self._transcripts.items():
            for first, last in list(transcript.holes):
                if (transcript_id, first, last) in said:
                    del transcript.holes[first, last]

    def told(self, gap: Gap) -> None:
        """A gap was found by an earlier process: it is not said again."""
        self._said.add((gap.transcript_id or "", gap.first_missing, gap.last_missing))
        transcript = self._transcripts.get(gap.transcript_id or "")
        if transcript is not None and gap.first_missing is not None and gap.last_missing is not None:
            transcript.holes.pop((gap.first_missing, gap.last_missing), None)

    def interrupted(self) -> None:
        """The process that has read what is known was interrupted."""
        self._interrupted = bool(self._transcripts)

    def sentence(self, position: TranscriptPosition, at: int) -> None:
        """A sentence was admitted."""
        transcript = self._transcripts.get(position.transcript_id)
        sequence = position.sequence
        if transcript is None:
            self._transcripts[position.transcript_id] = _Transcript(sequence, at, position.ended)
            return
        if sequence > transcript.highest + 1:
            transcript.holes[transcript.highest + 1, sequence - 1] = at + self._grace
        elif sequence <= transcript.highest and transcript.holes:
            _fill(transcript.holes, sequence)
        transcript.highest = max(transcript.highest, sequence)
        transcript.last_seen = max(transcript.last_seen, at)  # what another process hands over is older
        transcript.ended = transcript.ended or position.ended

    def disconnected(self, at: int) -> None:
        """The connection is gone."""
        if not self._interrupted:
            self._interrupted, self._disconnected_at = True, at

    def connected(self, at: int) -> Iterator[Gap]:
        """A connection stands: say which transcripts were running while nobody listened."""
        self._connected_at = at
        self._interrupted_calls.clear()
        if not self._interrupted:
            return
        newest = max((transcript.last_seen for transcript in self._transcripts.values()), default=at)
        for transcript_id, transcript in self._transcripts.items():
            if not transcript.ended and self._ran(transcript_id, transcript, at, newest):
                yield self._interruption(transcript_id, transcript.highest, at)
        self._interrupted, self._disconnected_at = False, None

    def handed_over(self, sentences: Iterable[tuple[TranscriptPosition, int]], now: int) -> Iterator[Gap]:
        """Sentences that another process had heard before we listened, and when; they are admitted already.

        Say of each transcript that was running then, and that we did not know of, that it was interrupted.
        """
        last: dict[str, _Transcript] = {}
        for position, received_at in sentences:
            heard = last.setdefault(position.transcript_id, _Transcript(position.sequence, received_at))
            heard.highest = max(heard.highest, position.sequence)
            heard.last_seen = max(heard.last_seen, received_at)
            heard.ended = heard.ended or position.ended
        for transcript_id, heard in last.items():
            unheard = self._connected_at - heard.last_seen
            if 0 < unheard < RUNNING and not heard.ended and transcript_id not in self._interrupted_calls:
                yield self._interruption(transcript_id, heard.highest, now)

    def _interruption(self, transcript_id: str, highest: int, at: int) -> Gap:
        self._interrupted_calls.add(transcript_id)
        return Gap(
            self._stream,
            "no_replay",
            detected_at=at,
            disconnected_at=self._disconnected_at,
            connected_at=self._connected_at,
            transcript_id=transcript_id,
            last_message_id=f"{transcript_id}:{highest}",
            first_missing=highest + 1,
            detail="the connection was interrupted while this call was running; there is no replay",
        )

    def _ran(self, transcript_id: str, transcript: _Transcript, at: int, newest: int) -> bool:
        """Whether it was running when nobody listened any more; `newest`: when any sentence was heard last."""
        if self._disconnected_at is not None:
            return self._disconnected_at - transcript.last_seen < RUNNING
        if at - transcript.last_seen < RUNNING:
            return True
        # Nobody knows when the process before us ended: it may have been right after the last that it heard. Of a call
        # without an end marker that is said once, not with every start that follows.
        told = (transcript_id, transcript.highest + 1, None) in self._said
        return newest - transcript.last_seen < RUNNING and not told

    def due(self, now: int) -> Iterator[Gap]:
        """Holes that have not filled within the grace; each is said once. Transcripts long silent are forgotten.

        Not while nobody listens: what was running before is said with the next connection, however late that comes.
        """
        for transcript_id, transcript in list(self._transcripts.items()):
            for (first, last), deadline in list(transcript.holes.items()):
                if deadline <= now:
                    del transcript.holes[first, last]
                    yield Gap(
                        self._stream,
                        "sequence",
                        detected_at=now,
                        transcript_id=transcript_id,
                        last_message_id=f"{transcript_id}:{first - 1}",
                        first_message_id=f"{transcript_id}:{last + 1}",
                        first_missing=first,
                        last_missing=last,
                        detail=f"{last - first + 1} sentences did not arrive",
                    )
            silent = now - transcript.last_seen > 2 * RUNNING
            if silent and not transcript.holes and not self._interrupted:
                del self._transcripts[transcript_id]


def _fill(holes: dict[tuple[int, int], int], sequence: int) -> None:
    for (first, last), deadline in holes.items():
        if first <= sequence <= last:
            del holes[first, last]
            if first < sequence:
                holes[first, sequence - 1] = deadline
            if sequence < last:
                holes[sequence + 1, last] = deadline
            return
