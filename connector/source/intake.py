"""From frames to what waits for Kafka: decode, settle, admit, journal.

This is what the feed hands its frames to (`connector.feed.sink.Sink`). It runs on the event loop, never waits, and
holds no thread, socket or Kafka client: a test drives it with frames and a clock.
"""

from __future__ import annotations

import time
from collections import deque
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec

from connector.journal import Entry, Kind
from connector.logs import get_logger
from connector.messages import Control, DeadLetter, Frame, Message
from connector.metrics import ACTIONS, bounded
from connector.source.assembly import gap_of
from connector.source.gaps import Gap
from connector.source.settle import in_event_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.mapping.decoder import Decoder
    from connector.metrics import SourceMetrics
    from connector.source.admission import Admission, Origin
    from connector.source.assembly import Assembly
    from connector.source.backlog import Backlog
    from connector.source.pending import Outbox
    from connector.streams import Stream

log = get_logger(__name__)

SETTLE_MAX_BYTES: Final = 64 * 1024 * 1024
"""Bytes of frames above which what has arrived of a settle window goes ahead: memory is bounded, order best effort."""

RECENT_GAPS: Final = 5


class Intake:
    """One stream's frames, in; what is new of them, out, through `backlog` and `outbox`."""

    def __init__(
        self,
        stream: Stream,
        *,
        decoder: Decoder,
        admission: Admission,
        assembly: Assembly,
        backlog: Backlog,
        outbox: Outbox,
        metrics: SourceMetrics,
    ) -> None:
        name = stream.name
        self.stream = stream
        self.last_received_at = 0
        """When the last message was received, µs since the epoch; 0 where none was."""
        self.refused_status: int | None = None
        """401 or 403 while the feed refuses this stream."""
        self.last_gaps: deque[Gap] = deque(maxlen=RECENT_GAPS)
        """What was said last to be missing, for the status page."""
        self._decoder = decoder
        self._admission = admission
        self._assembly = assembly
        self._backlog = backlog
        self._outbox = outbox
        self._settling: list[tuple[Frame, Message | DeadLetter]] | None = None
        self._settling_bytes = 0
        self._metrics = metrics
        self._received = {action: metrics.messages_received.labels(name, action) for action in ACTIONS}
        self._feed_lag = metrics.feed_lag.labels(name)
        self._replayed = metrics.replayed_messages.labels(name)
        metrics.last_message_timestamp.labels(name).set_function(lambda: self.last_received_at / 1e6)

    # What the feed says (connector.feed.sink.Sink)

    @property
    def full(self) -> bool:
        """Whether the feed must not be read for now."""
        return self._backlog.full

    def connected(self, at: int, *, replaying: bool) -> None:
        """A connection stands; where a replay was asked for, the settle window begins."""
        self.refused_status = None
        admission = self._admission
        admission.news_at = admission.news_at or at
        if self.stream.has_replay:
            self.say(admission.replay_gaps.connected(at, replaying=replaying))
            self._settling = [] if replaying else None
        else:
            self.say(admission.sequence_gaps.connected(at))

    def receive(self, frame: Frame) -> Control | None:
        """Take one frame; returns it where it was about the connection."""
        decoded = self._decoder.decode(frame.payload)
        if isinstance(decoded, Control):
            self._control(decoded)
            return decoded
        if isinstance(decoded, Message):
            self._count(decoded, frame)
        if self._settling is None:
            self._take(frame, decoded)
        else:
            self.settle(frame, decoded)
            self._backlog.keep(Kind.SETTLING, frame.received_at, frame.payload)
            if self._settling_bytes > SETTLE_MAX_BYTES or self._backlog.crowded:
                self._settle_so_far()
        return None

    def settled(self, at: int) -> None:
        """The settle window is over: publish what arrived in it, in the feed's order."""
        if self._settling is not None:
            arrived = len(self._settling)
            admitted = self._end_settling()
            log.info("stream.live", stream=self.stream.name, replayed=arrived, new=len(admitted))
            self._put_settled(list(self._admission.replay_gaps.settled(at)), admitted)

    def disconnected(self, at: int, reason: str, detail: str) -> None:  # noqa: ARG002 - the sink's signature
        """The connection is gone."""
        self.refused_status = None
        if self.stream.has_replay:
            self._interrupted(at, "replay")
        else:
            self._admission.sequence_gaps.disconnected(at)

    def too_large(self, at: int, size: int | None, detail: str, payload: bytes = b"") -> None:
        """A frame was dropped for its size; the same one (a replay brings it again) is said once."""
        if payload and not self._admission.is_new_frame(payload):
            return
        log.error("source.frame_too_large", stream=self.stream.name, size=size, detail=detail)
        fingerprint = blake2b(payload, digest_size=16).hexdigest() if payload else ""
        self.say([Gap(self.stream.name, "too_large", detected_at=at, detail=detail, fingerprint=fingerprint)])

    def refused(self, at: int, status: int) -> None:  # noqa: ARG002 - the sink's signature
        """The feed refuses this stream."""
        self.refused_status = status

    async def ready(self) -> None:
        """Wait until there is room; where only the journal's end has stopped the reading, say so."""
        stopped_at = time.time_ns() // 1000
        bounded_by_journal = self._backlog.journal is not None
        if bounded_by_journal:
            log.error("source.not_read", stream=self.stream.name, reason=self._backlog.trouble)
        await self._backlog.room()
        if bounded_by_journal:
            now = time.time_ns() // 1000
            detail = f"the feed was not read for {(now - stopped_at) / 1e6:.1f} s: the journal took no more"
            self.say(
                [
                    Gap(
                        self.stream.name,
                        "journal_full",
                        now,
                        disconnected_at=stopped_at,
                        connected_at=now,
                        detail=detail,
                    )
                ]
            )

    # Time

    def tick(self, now: int) -> None:
        """Say what has become due; to be called about once a second. `now` in µs since the epoch."""
        self.say(self._admission.sequence_gaps.due(now))

    # Recovery: what an earlier process has left

    def settle(self, frame: Frame, decoded: Message | DeadLetter) -> None:
        """Let a frame wait for the end of its settle window."""
        if self._settling is None:
            self._settling = []
        self._settling.append((frame, decoded))
        self._settling_bytes += len(frame.payload)

    def interrupted(self, since: int, until: int) -> None:
        """An earlier process was interrupted within a settle window (µs since the epoch): what arrived in it counts."""
        self.say(self._admission.replay_gaps.connected(since, replaying=True))
        self._interrupted(until, "journal")

    def take_in(self, entries: Iterable[Entry], now: int) -> None:
        """Take what another process has received and not published; it keeps its time of receipt. `now` in µs."""
        heard = []
        for entry in entries:
            if entry.kind is Kind.GAP:
                gap = gap_of(entry)
                if self._admission.admit_gap(gap):
                    self.say([gap])
                continue
            frame, decoded = Frame(entry.payload, entry.received_at), self._decoder.decode(entry.payload)
            if isinstance(decoded, Control):
                continue
            self._take_in(entry, frame, decoded)
            if isinstance(decoded, Message) and decoded.transcript is not None:
                heard.append((decoded.transcript, entry.received_at))
        self.say(self._admission.sequence_gaps.handed_over(heard, now))

    def _take_in(self, entry: Entry, frame: Frame, decoded: Message | DeadLetter) -> None:
        kind = Kind.LIVE if entry.kind is Kind.LIVE else Kind.REPLAYED
        if isinstance(decoded, Message) and self._admission.was_handed_over(frame, decoded):
            return
        partition = self._admission.admit(frame, decoded, "journal", recovered=Kind.REPLAYED)
        if partition is None:
            return
        mark = self._backlog.keep(kind, frame.received_at, frame.payload)
        if mark is not None:
            replayed = kind is Kind.REPLAYED
            self._outbox.put(self._assembly.pending(frame, decoded, partition, mark, replayed=replayed))

    def say(self, gaps: Iterable[Gap]) -> None:
        """Publish what may be missing."""
        for gap in gaps:
            self._log(gap)
            mark = self._backlog.keep(Kind.GAP, gap.detected_at, msgspec.json.encode(gap))
            if mark is not None:
                self._outbox.put(self._assembly.gap(gap, mark))

    # Inside

    def _take(self, frame: Frame, decoded: Message | DeadLetter) -> None:
        """The hot path, once a live frame."""
        partition = self._admission.admit(frame, decoded, "live")
        if partition is None:
            return
        mark = self._backlog.keep(Kind.LIVE, frame.received_at, frame.payload)
        if mark is not None:
            self._outbox.put(self._assembly.pending(frame, decoded, partition, mark, replayed=False))

    def _end_settling(self, origin: Origin = "replay") -> list[tuple[Frame, Message | DeadLetter, int]]:
        """End the settle window; what was new in it, in the feed's order, and where it goes."""
        arrived, self._settling, self._settling_bytes = self._settling or (), None, 0
        ordered = in_event_order(arrived, lambda item: item[1].event_time if isinstance(item[1], Message) else None)
        if ordered and origin == "replay":
            self._replayed.inc(sum(isinstance(decoded, Message) for _, decoded in ordered))
        judged = ((frame, decoded, self._admission.admit(frame, decoded, origin)) for frame, decoded in ordered)
        return [(frame, decoded, partition) for frame, decoded, partition in judged if partition is not None]

    def _settle_so_far(self) -> None:
        """There is no room to wait for the window's end: what has arrived goes ahead, the window goes on."""
        admitted = self._end_settling()
        self._settling = []
        self._put_settled([], admitted)

    def _interrupted(self, at: int, origin: Origin) -> None:
        admitted = self._end_settling(origin)
        self._admission.replay_gaps.disconnected(at)
        self._put_settled([], admitted)

    def _put_settled(self, gaps: list[Gap], admitted: list[tuple[Frame, Message | DeadLetter, int]]) -> None:
        """Journal and publish what has come of a settle window, as a whole."""
        mark = self._backlog.settled(
            [
                *(Entry(Kind.GAP, gap.detected_at, msgspec.json.encode(gap)) for gap in gaps),
                *(Entry(Kind.REPLAYED, frame.received_at, frame.payload) for frame, _, _ in admitted),
            ]
        )
        for gap in gaps:
            self._log(gap)
        if mark is None:
            return
        for gap in gaps:
            self._outbox.put(self._assembly.gap(gap, mark))
        for frame, decoded, partition in admitted:
            self._outbox.put(self._assembly.pending(frame, decoded, partition, mark, replayed=True))

    def _control(self, control: Control) -> None:
        self._metrics.control_frames.labels(self.stream.name, control.type).inc()
        if control.type == "audio":
            self._received["audio"].inc()
        elif control.type == "error":
            log.error("feed.error", stream=self.stream.name, text=control.text)

    def _count(self, message: Message, frame: Frame) -> None:
        self._received[bounded(message.action or "message", ACTIONS)].inc()
        self.last_received_at = frame.received_at
        if message.event_time is not None and self._settling is None:  # a replayed message is old, not late
            self._feed_lag.observe(max(0.0, frame.received_at / 1e6 - message.event_time / 1e9))

    def _log(self, gap: Gap) -> None:
        self.last_gaps.append(gap)
        log.warning(
            "source.gap", stream=gap.stream, reason=gap.reason, transcript_id=gap.transcript_id, detail=gap.detail
        )
