"""From frames to what is pending, without Kafka, sockets or a clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from prometheus_client import CollectorRegistry

from connector.journal import Entry, Kind
from connector.kafka.tail import TailRecord
from connector.messages import DeadLetter, Frame, Message
from connector.metrics import SourceMetrics
from connector.settings import Settings
from connector.source.gaps import Gap
from connector.source.pipeline import Pipeline
from connector.source.records import RecordBuilder
from connector.source.restore import PREFIX, Restored
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from connector.source.pending import Pending

NOW = 1_767_642_156_000_000
SECOND = 1_000_000


def article(number: int, *, second: int | None = None, message_id: str | None = None) -> bytes:
    data = {"action": "Created", "id": 900 + number, "content": {"id": number, "title": f"Headline {number}"}}
    if second is not None:
        data["timestamp"] = f"2026-01-05T19:42:{second:02}Z"
    return json.dumps(({"id": message_id} if message_id else {}) | {"kind": "News/v1", "data": data}).encode()


def spoken(sequence: int, text: str = "We grow.") -> bytes:
    return json.dumps({"transcript_id": "t", "sequence": sequence, "sentence": text, "status": "IN_PROGRESS"}).encode()


class Bench:
    """An intake, and what came out of it."""

    def __init__(
        self, stream: str = "news", *, make_builder: Callable[..., RecordBuilder] = RecordBuilder, **settings: Any
    ) -> None:
        self.settings = Settings(source={"dedup_window": 100} | settings)
        self.registry = CollectorRegistry()
        self.metrics = SourceMetrics(self.registry, [stream])
        topics = {f"benzinga.{name}": 3 for name in (stream, "gaps", "dead-letters")}
        ids = {stream: 7, "gaps": 8}
        catalogued = STREAMS[stream]
        self.builder = make_builder(catalogued, self.settings.topics, topics, ids)
        self.pipeline = Pipeline(catalogued, self.settings, self.builder, self.metrics)
        self.intake, self.outbox = self.pipeline.intake, self.pipeline.outbox
        self.stream = stream

    def receive(self, *payloads: bytes, at: int = NOW) -> None:
        for payload in payloads:
            self.intake.receive(Frame(payload, at))

    async def restored(self, *rows: TailRecord, partition: int = 0) -> None:
        last = (rows[-1].key, None) if rows else None
        await self.pipeline.restore(Restored({partition: list(rows)}, last=last))

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"benzinga_source_{name}", {"stream": self.stream} | labels) or 0.0

    @property
    def pending(self) -> list[Pending]:
        return list(self.outbox)

    @property
    def keys(self) -> list[str]:
        return [item.record.key.decode() for item in self.outbox if isinstance(item.origin, Message)]

    @property
    def gaps(self) -> list[str]:
        return [item.origin.reason for item in self.outbox if isinstance(item.origin, Gap)]


def committed(item: Pending) -> TailRecord:
    """What the tail holds once `item` is committed."""
    fingerprint = bytes.fromhex(item.origin.fingerprint)
    return TailRecord(item.record.key.decode(), fingerprint, item.record.timestamp, None, b"")


async def test_live_messages_are_pending_at_once_and_known_ones_are_not() -> None:
    bench = Bench()
    bench.receive(article(1, message_id="a"), article(2, message_id="b"), article(1, message_id="a"))
    assert bench.keys == ["a", "b"]
    assert bench.metric("messages_received_total", action="created") == 3
    assert bench.metric("duplicates_total", origin="live") == 1


async def test_a_settle_window_puts_replayed_and_live_frames_in_the_order_of_events() -> None:
    bench = Bench()
    bench.intake.connected(NOW, replaying=True)
    bench.receive(article(3, second=3, message_id="c"), article(1, second=1, message_id="a"))
    bench.receive(article(2, second=2, message_id="b"), article(1, second=1, message_id="a"))
    assert bench.pending == []
    bench.intake.settled(NOW + 2 * SECOND)
    assert bench.keys == ["a", "b", "c"]
    headers = dict(bench.pending[0].record.headers)
    assert headers["benzinga-replayed"] == b"true"
    assert bench.metric("replayed_messages_total") == 4
    assert bench.metric("duplicates_total", origin="replay") == 1
    bench.receive(article(4, message_id="d"))
    assert "benzinga-replayed" not in dict(bench.pending[-1].record.headers)


async def test_a_gap_goes_before_the_messages_that_would_hide_it_after_a_crash() -> None:
    bench = Bench()
    await bench.restored(TailRecord("old", b"o" * 16, 0, None, b""))
    bench.intake.connected(NOW, replaying=True)
    bench.receive(article(1, second=1, message_id="a"))
    bench.intake.settled(NOW + 2 * SECOND)
    assert [type(item.origin).__name__ for item in bench.pending] == ["Gap", "Message"]
    assert bench.gaps == ["no_overlap"]


async def test_what_is_in_the_topic_is_known_after_a_restart() -> None:
    bench = Bench()
    bench.receive(article(1, second=1, message_id="a"))
    [item] = bench.pending
    later = Bench()
    await later.restored(committed(item), partition=item.record.partition)
    later.intake.connected(NOW, replaying=True)
    later.receive(article(1, second=1, message_id="other"), article(2, second=2, message_id="b"))
    later.intake.settled(NOW + 2 * SECOND)
    assert later.keys == ["b"]
    assert later.gaps == []


async def test_a_batch_in_doubt_that_was_committed_is_not_sent_again() -> None:
    bench = Bench("transcripts")
    await bench.restored()
    bench.receive(spoken(1, "A"), spoken(1, "B"), spoken(1, "A"))
    batch = list(bench.outbox.take(10, 1 << 20))
    bench.receive(spoken(2))
    await bench.restored(*(committed(item) for item in batch), partition=batch[0].record.partition)
    assert bench.keys == ["t:2"]


async def test_a_batch_in_doubt_that_was_lost_is_sent_again_whole_and_in_order() -> None:
    bench = Bench("transcripts")
    await bench.restored()
    bench.receive(spoken(1, "A"), spoken(1, "B"), spoken(1, "A"))
    batch = list(bench.outbox.take(10, 1 << 20))
    bench.receive(spoken(2))
    await bench.restored(TailRecord("t:0", b"o" * 16, 0, None, b""), partition=batch[0].record.partition)
    assert bench.keys == ["t:1", "t:1", "t:1", "t:2"]
    assert bench.outbox.in_flight == []


async def test_equal_garbage_is_one_dead_letter() -> None:
    bench = Bench()
    bench.receive(b"{", b"{", b"[]")
    assert [item.origin.reason for item in bench.pending if isinstance(item.origin, DeadLetter)] == [
        "not_json",
        "not_an_object",
    ]
    assert bench.metric("duplicates_total", origin="live") == 1


async def test_a_frame_that_an_earlier_version_dead_lettered_is_left_to_redrive() -> None:
    bench = Bench()
    payload = article(1, message_id="a")
    letter = bench.pipeline.decoder.dead_letter("schema", "an older version could not", payload)
    await bench.pipeline.restore(Restored({}, frames=[bytes.fromhex(letter.fingerprint)]))
    bench.receive(payload, article(2, message_id="b"))
    assert bench.keys == ["b"]


async def test_an_id_used_for_another_content_is_published_and_counted() -> None:
    bench = Bench()
    bench.receive(article(1, message_id="a"), article(2, message_id="a"))
    assert bench.keys == ["a", "a"]
    assert bench.metric("id_conflicts_total") == 1


async def test_control_frames_are_counted_and_swallowed() -> None:
    bench = Bench()
    bench.receive(b"pong", b"42", b'"hello"', b'{"status":"ok"}', b'{"type":"x_error","message":"no"}')
    assert bench.pending == []
    counted = {kind: bench.metric("control_frames_total", type=kind) for kind in ("pong", "number", "string", "error")}
    assert counted == {"pong": 1, "number": 1, "string": 1, "error": 1}


async def test_a_frame_too_large_is_said_once() -> None:
    bench = Bench()
    for _ in range(2):
        bench.intake.too_large(NOW, 99, "a frame of 99 bytes", b"x" * 99)
    bench.intake.too_large(NOW, None, "a frame that ended the connection")
    assert bench.gaps == ["too_large", "too_large"]


async def test_a_call_that_jumps_is_said_after_the_grace() -> None:
    bench = Bench("transcripts")
    bench.receive(spoken(1), spoken(4))
    bench.intake.tick(NOW + 5 * SECOND)
    assert bench.gaps == []
    bench.intake.tick(NOW + 10 * SECOND)
    assert bench.gaps == ["sequence"]


async def test_the_bound_of_memory_stops_the_reading_until_a_commit() -> None:
    bench = Bench(max_pending_bytes=1_048_576)
    large = json.dumps({"id": "a", "data": {"id": 1, "content": {"id": 1, "body": "x" * 700_000}}}).encode()
    bench.receive(large)
    assert bench.intake.full
    bench.outbox.take(10, 1 << 30)
    bench.outbox.committed()
    bench.pipeline.committed()
    await bench.intake.ready()
    assert not bench.intake.full
    assert bench.outbox.bytes == 0


async def test_a_settle_window_is_bounded_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.source.intake.SETTLE_MAX_BYTES", 500)
    bench = Bench()
    bench.intake.connected(NOW, replaying=True)
    for number in range(6):
        bench.receive(article(number, message_id=str(number)))
    assert len(bench.keys) >= 4


async def test_a_replayed_message_is_old_and_not_late() -> None:
    bench = Bench()
    bench.intake.connected(NOW, replaying=True)
    bench.receive(article(1, second=1, message_id="a"))
    bench.intake.settled(NOW + 2 * SECOND)
    assert bench.metric("feed_lag_seconds_count") == 0
    bench.receive(article(2, second=6, message_id="b"))
    assert bench.metric("feed_lag_seconds_count") == 1
    assert bench.metric("feed_lag_seconds_sum") == 30, "19:42:06 to 19:42:36"


async def test_only_what_is_new_is_news() -> None:
    bench = Bench()
    admission = bench.pipeline.admission
    await bench.pipeline.restore(Restored({0: [TailRecord("old", b"o" * 16, 0, None, b"")]}, newest=NOW // 1000 - 5000))
    assert admission.news_at == NOW - 5 * SECOND, "a restart does not make the silence shorter"
    bench.intake.connected(NOW, replaying=False)
    assert admission.news_at == NOW - 5 * SECOND
    bench.receive(article(1, message_id="a"), at=NOW + SECOND)
    assert admission.news_at == NOW + SECOND
    # The idle watchdog replaces the socket, and the replay brings what is known.
    bench.intake.connected(NOW + 9 * SECOND, replaying=True)
    bench.receive(article(1, message_id="a"), at=NOW + 10 * SECOND)
    bench.intake.settled(NOW + 12 * SECOND)
    assert admission.news_at == NOW + SECOND


async def test_silence_on_an_empty_topic_begins_with_the_first_connection() -> None:
    bench = Bench()
    await bench.restored()
    assert bench.pipeline.admission.news_at == 0
    bench.intake.connected(NOW, replaying=True)
    assert bench.pipeline.admission.news_at == NOW


async def test_a_gap_that_is_handed_over_twice_is_said_once() -> None:
    bench = Bench("transcripts")
    left = Gap("transcripts", "no_replay", NOW, transcript_id="t", first_missing=3)
    entry = Entry(Kind.GAP, NOW, msgspec.json.encode(left))
    await bench.restored()
    assert bench.pipeline.take_in([entry])
    assert bench.pipeline.take_in([entry])
    assert bench.gaps == ["no_replay"]
    later = Bench("transcripts")
    body = (bench.pending[0].record.value or b"")[PREFIX:]
    await later.pipeline.restore(Restored({}, gaps={body}))
    assert later.pipeline.take_in([entry])
    assert later.gaps == []


async def test_a_call_that_only_another_process_had_heard_was_interrupted_when_we_came() -> None:
    bench = Bench("transcripts")
    await bench.restored()
    bench.intake.connected(NOW + 60 * SECOND, replaying=False)
    bench.receive(spoken(10), at=NOW + 61 * SECOND)
    assert bench.pipeline.take_in([Entry(Kind.LIVE, NOW, spoken(3))])
    assert bench.pipeline.take_in([Entry(Kind.LIVE, NOW + SECOND, spoken(4))])
    assert bench.gaps == ["no_replay"]
    [gap] = [item.origin for item in bench.pending if isinstance(item.origin, Gap)]
    assert (gap.transcript_id, gap.first_missing) == ("t", 4)


async def test_a_call_that_had_ended_before_we_came_is_no_gap() -> None:
    bench = Bench("transcripts")
    await bench.restored()
    bench.intake.connected(NOW + 60 * SECOND, replaying=False)
    ended = spoken(4).replace(b"IN_PROGRESS", b"COMPLETE")
    assert bench.pipeline.take_in([Entry(Kind.LIVE, NOW, spoken(3)), Entry(Kind.LIVE, NOW + SECOND, ended)])
    assert bench.keys == ["t:3", "t:4"]
    assert bench.gaps == []


async def test_versions_of_a_sentence_that_are_handed_over_twice_are_published_once() -> None:
    bench = Bench("transcripts")
    await bench.restored()
    left = [Entry(Kind.LIVE, NOW, spoken(1, "A")), Entry(Kind.LIVE, NOW + SECOND, spoken(1, "B"))]
    assert bench.pipeline.take_in(left)
    assert bench.pipeline.take_in(left)
    assert bench.keys == ["t:1", "t:1"]
    later = Bench("transcripts")
    await later.restored(*(committed(item) for item in bench.pending), partition=bench.pending[0].record.partition)
    assert later.pipeline.take_in(left)
    assert later.keys == []
    assert later.metric("duplicates_total", origin="journal") == 2
