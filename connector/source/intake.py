"""From frames to what is pending: decode, settle, recognise duplicates, say gaps.

This is what the feed hands its frames to (`connector.feed.sink.Sink`). It runs on the event loop, never waits, and
holds no thread, socket or Kafka client: a test drives it with frames and a clock.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Final

from connector.logs import get_logger
from connector.mapping.decoder import EncodeError
from connector.messages import Control, DeadLetter, Message
from connector.metrics import ACTIONS, DUPLICATE_ORIGINS, bounded
from connector.source.gaps import Gap, ReplayGaps, SequenceGaps
from connector.source.pending import Pending
from connector.source.settle import in_event_order
from connector.source.windows import EnvelopeWindow, FingerprintWindow, TranscriptWindow, Verdict, Window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.mapping.decoder import Decoder
    from connector.messages import Frame
    from connector.metrics import SourceMetrics
    from connector.settings import Settings
    from connector.source.pending import Outbox
    from connector.source.records import RecordBuilder
    from connector.source.restore import Restored
    from connector.streams import Stream

log = get_logger(__name__)

SETTLE_MAX_BYTES: Final = 64 * 1024 * 1024
"""Bytes of frames above which a settle window ends early: memory is bounded, order is best effort."""


class Intake:
    """One stream's frames, in; its pending records, out, through `outbox`."""

    def __init__(
        self,
        stream: Stream,
        settings: Settings,
        *,
        decoder: Decoder,
        builder: RecordBuilder,
        outbox: Outbox,
        metrics: SourceMetrics,
    ) -> None:
        self.stream = stream
        self.replay_gaps = ReplayGaps(stream.name)
        self.sequence_gaps = SequenceGaps(stream.name, int(settings.processor.grace.total_seconds() * 1_000_000))
        self._window_size = settings.source.dedup_window
        self._decoder = decoder
        self._builder = builder
        self._outbox = outbox
        self._window: Window = self._new_window()
        self._frames = FingerprintWindow(self._window_size)
        self._settling: list[tuple[Frame, Message | DeadLetter]] | None = None
        self._settling_bytes = 0
        name = stream.name
        self._metrics = metrics
        self._received = {action: metrics.messages_received.labels(name, action) for action in ACTIONS}
        self._feed_lag = metrics.feed_lag.labels(name)
        self.last_received_at = 0
        self.news_at = 0
        """When the last message that was not known yet was received, µs since the epoch; before there is one, when the
        first connection stood. A replay of what is known is no news."""
        metrics.last_message_timestamp.labels(name).set_function(lambda: self.last_received_at / 1e6)
        self._replayed = metrics.replayed_messages.labels(name)
        self._unknown_fields = metrics.unknown_fields.labels(name)
        self._duplicates = {origin: metrics.duplicates.labels(name, origin) for origin in DUPLICATE_ORIGINS}
        self.refused_status: int | None = None
        """401 or 403 while the feed refuses this stream."""

    def _new_window(self) -> Window:
        return TranscriptWindow(self._window_size) if not self.stream.has_replay else EnvelopeWindow(self._window_size)

    # What Kafka knows

    def restore(self, restored: Restored, *, first: bool) -> None:
        """Begin from what the topics hold; what is pending is looked at again in its light.

        `first` is False where a producer is rebuilt while the feed goes on: then nothing was interrupted.
        """
        self._window = self._new_window()
        for partition, records in restored.messages.items():
            for record in records:
                self._window.add(partition, record.key, record.fingerprint)
        self.news_at = max(self.news_at, restored.newest * 1000)
        self._frames = FingerprintWindow(self._window_size)
        for fingerprint in restored.frames:
            self._frames.add(fingerprint)
        if first:
            if restored.last is not None and self.stream.has_replay:
                self.replay_gaps.restored(*restored.last)
            self.sequence_gaps.restored(restored.positions, restored.said)
        self._outbox.replace(self._still_pending(restored))

    def _still_pending(self, restored: Restored) -> list[Pending]:
        still = []
        in_doubt = self._outbox.in_flight
        committed = len(in_doubt) if restored.ends_with(in_doubt) else 0
        for item in islice(self._outbox, committed, None):
            origin = item.origin
            if isinstance(origin, Message):
                if self._window.check(item.record.partition, origin) is Verdict.DUPLICATE:
                    continue
                self._window.add(item.record.partition, origin.message_id, bytes.fromhex(origin.fingerprint))
            elif origin.fingerprint:
                fingerprint = bytes.fromhex(origin.fingerprint)
                if not self._frames.is_new(fingerprint):
                    continue
                self._frames.add(fingerprint)
            still.append(item)
        return still

    # What the feed says (connector.feed.sink.Sink)

    @property
    def full(self) -> bool:
        """Whether the feed must not be read for now."""
        return self._outbox.full

    def connected(self, at: int, *, replaying: bool) -> None:
        """A connection stands; where a replay was asked for, the settle window begins."""
        self.refused_status = None
        self.news_at = self.news_at or at
        if self.stream.has_replay:
            self._say(self.replay_gaps.connected(at, replaying=replaying))
            self._settling = [] if replaying else None
        else:
            self._say(self.sequence_gaps.connected(at))

    def receive(self, frame: Frame) -> Control | None:
        """Take one frame; returns it where it was about the connection."""
        decoded = self._decoder.decode(frame.payload)
        if isinstance(decoded, Control):
            self._control(decoded)
            return decoded
        if isinstance(decoded, Message):
            self._count(decoded, frame)
        if self._settling is None:
            item = self._admitted(frame, decoded, replayed=False)
            if item is not None:
                self._outbox.put(item)
        else:
            self._settling.append((frame, decoded))
            self._settling_bytes += len(frame.payload)
            if self._settling_bytes > SETTLE_MAX_BYTES:
                self.settled(frame.received_at)
        return None

    def settled(self, at: int) -> None:
        """The settle window is over: publish what arrived in it, in the feed's order."""
        if self._settling is not None:
            arrived = len(self._settling)
            items = self._end_settling()
            log.info("stream.live", stream=self.stream.name, replayed=arrived, new=len(items))
            self._say(self.replay_gaps.settled(at))
            self._outbox.put_all(items)

    def disconnected(self, at: int, reason: str, detail: str) -> None:  # noqa: ARG002 - the sink's signature
        """The connection is gone."""
        self.refused_status = None
        if self.stream.has_replay:
            items = self._end_settling()
            self._say(self.replay_gaps.disconnected(at))
            self._outbox.put_all(items)
        else:
            self.sequence_gaps.disconnected(at)

    def too_large(self, at: int, size: int | None, detail: str, payload: bytes = b"") -> None:
        """A frame was dropped for its size; the same one (a replay brings it again) is said once."""
        fingerprint = blake2b(payload, digest_size=16).digest() if payload else b""
        if fingerprint:
            if not self._frames.is_new(fingerprint):
                return
            self._frames.add(fingerprint)
        log.error("source.frame_too_large", stream=self.stream.name, size=size, detail=detail)
        gap = Gap(self.stream.name, "too_large", detected_at=at, detail=detail, fingerprint=fingerprint.hex())
        self._say([gap])

    def refused(self, at: int, status: int) -> None:  # noqa: ARG002 - the sink's signature
        """The feed refuses this stream."""
        self.refused_status = status

    async def ready(self) -> None:
        """Wait until there is room."""
        await self._outbox.room()

    # Time

    def tick(self, now: int) -> None:
        """Say what has become due; to be called about once a second. `now` in µs since the epoch."""
        self._say(self.sequence_gaps.due(now))

    # Inside

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

    def _end_settling(self) -> list[Pending]:
        arrived, self._settling, self._settling_bytes = self._settling or (), None, 0
        ordered = in_event_order(arrived, lambda item: item[1].event_time if isinstance(item[1], Message) else None)
        if ordered:
            self._replayed.inc(sum(isinstance(decoded, Message) for _, decoded in ordered))
        items = (self._admitted(frame, decoded, replayed=True) for frame, decoded in ordered)
        return [item for item in items if item is not None]

    def _admitted(self, frame: Frame, decoded: Message | DeadLetter, *, replayed: bool) -> Pending | None:
        """What `decoded` adds to what is pending: nothing where it is known."""
        if isinstance(decoded, DeadLetter):
            return self._dead_letter(frame, decoded, replayed=replayed)
        if self._is_dead_letter(frame):
            self._duplicate(decoded.fingerprint, replayed=replayed)
            return None
        partition = self._builder.partition(decoded)
        verdict = self._window.check(partition, decoded)
        if verdict is Verdict.DUPLICATE:
            self._duplicate(decoded.fingerprint, replayed=replayed)
            return None
        if verdict is Verdict.CONFLICT:
            self._metrics.id_conflicts.labels(self.stream.name).inc()
            log.warning("source.id_conflict", stream=self.stream.name, message_id=decoded.message_id)
        try:
            encoded = self._decoder.encode(decoded, frame.received_at)
        except EncodeError as error:
            letter = self._decoder.dead_letter("encode", str(error), frame.payload)
            return self._dead_letter(frame, letter, replayed=replayed)
        decoded.body = None  # the parsed frame is several times the frame: nobody needs it any more
        if encoded.extras:
            self._unknown_fields.inc(encoded.extras)
        self._window.add(partition, decoded.message_id, bytes.fromhex(decoded.fingerprint))
        self.news_at = max(self.news_at, frame.received_at)
        if decoded.transcript is not None:
            self.sequence_gaps.sentence(decoded.transcript, frame.received_at)
        else:
            self.replay_gaps.admitted(decoded)
        record = self._builder.message(
            decoded, partition, encoded.value, frame.received_at, replayed=replayed, redriven=False
        )
        return Pending(record, frame.received_at, decoded, frame.payload)

    def _dead_letter(self, frame: Frame, letter: DeadLetter, *, replayed: bool) -> Pending | None:
        fingerprint = bytes.fromhex(letter.fingerprint)
        if not self._frames.is_new(fingerprint):
            self._duplicate(letter.fingerprint, replayed=replayed)
            return None
        self._frames.add(fingerprint)
        log.warning("source.dead_letter", stream=self.stream.name, reason=letter.reason, detail=letter.detail)
        return Pending(self._builder.dead_letter(letter, frame.received_at), frame.received_at, letter)

    def _is_dead_letter(self, frame: Frame) -> bool:
        """Whether the same frame is on dead-letters, put there by an earlier version: `redrive` brings it back."""
        if not len(self._frames):
            return False
        return not self._frames.is_new(blake2b(frame.payload, digest_size=16).digest())

    def _duplicate(self, fingerprint: str, *, replayed: bool) -> None:
        self._duplicates["replay" if replayed else "live"].inc()
        self.replay_gaps.met_again(fingerprint)

    def _say(self, gaps: Iterable[Gap]) -> None:
        for gap in gaps:
            log.warning(
                "source.gap", stream=gap.stream, reason=gap.reason, transcript_id=gap.transcript_id, detail=gap.detail
            )
            self._outbox.put(Pending(self._builder.gap(gap), gap.detected_at, gap))
