"""Spans of the processor: a sentence's trace goes on to its alerts and to its call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from connector.metrics import ProcessorMetrics
from connector.preflight import Ground
from connector.processor.alerts import AlertEngine
from connector.processor.outputs import Outputs
from connector.processor.partition import consumed
from connector.processor.reader import read_words
from connector.processor.task import Consumed, PartitionTask
from connector.settings import Settings
from connector.tracing.context import HEADER, place_of
from connector.tracing.processor import ProcessorTracing, TracedConsumed
from connector.tracing.source import SourceTracing
from tests.source.test_intake import NOW, SECOND, Bench
from tests.support.alerting import rule_set

if TYPE_CHECKING:
    from connector.kafka.records import Record
    from connector.tracing import Spans
    from tests.support.collector import Collector

SCHEMA = 7
TOPICS = ("transcripts", "calls", "alerts", "dead-letters", "internal.calls")
LATER = NOW + 3600 * SECOND


class Message:
    """A record as the consumer hands it over."""

    def __init__(self, offset: int, record: Record) -> None:
        self._offset, self._record = offset, record

    def offset(self) -> int:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return 1, self._record.timestamp

    def key(self) -> bytes:
        return self._record.key

    def value(self) -> bytes | None:
        return self._record.value

    def headers(self) -> list[Any]:
        return self._record.headers


def said(sequence: int, text: str | None, **fields: Any) -> bytes:
    frame = {"transcript_id": "t", "sequence": sequence, "sentence": text, "status": "IN_PROGRESS", **fields}
    return json.dumps(frame).encode()


async def from_the_source(spans: Spans, sample_ratio: float, *frames: bytes) -> list[Message]:
    bench = Bench("transcripts", make_builder=SourceTracing(spans, sample_ratio).builder)
    await bench.restored()
    bench.receive(*frames)
    return [Message(offset, item.record) for offset, item in enumerate(bench.pending)]  # type: ignore[misc]


@pytest.fixture
def parts() -> dict[str, Any]:
    """What a task is made of."""
    settings = Settings()
    ground = Ground({f"benzinga.{name}": 1 for name in TOPICS}, {"calls": 8, "alerts": 9}, "cluster")
    rules = rule_set({"id": "guidance", "any": ["lower guidance"]}, {"id": "growth", "any": ["growth"]})
    return {
        "partition": 0,
        "settings": settings.processor,
        "outputs": Outputs(settings.topics, ground),
        "schema_id": SCHEMA,
        "schema_of": str,
        "read_back": lambda _first, _last: None,
        "alerts": AlertEngine(rules, read_words),
    }


FRAMES = (
    said(0, "We see growth and lower guidance."),
    said(1, "Thank you."),
    said(2, "That is all.", status="COMPLETE"),
)


async def test_a_trace_goes_on_from_the_sentence_to_alert_and_call(
    collector: Collector, spans: Spans, parts: dict[str, Any]
) -> None:
    tracing, metrics = ProcessorTracing(spans), ProcessorMetrics(CollectorRegistry())
    messages = await from_the_source(spans, 1.0, *FRAMES)
    task = tracing.task(**parts)
    for message in messages:
        task.add(tracing.consumed(message), NOW + SECOND)  # type: ignore[arg-type]
    first = task.next_batch()
    assert collector.named("process") == []  # not committed yet
    first.count(metrics, NOW + 2 * SECOND)
    task.joiner.read_until(LATER)
    task.due(LATER)
    second = task.next_batch()
    second.count(metrics, LATER)
    spans.close()

    from_source = [place_of(message.headers()) for message in messages]
    sentences = collector.until("process transcripts", 3)
    for span, place in zip(sentences, from_source, strict=True):
        assert place is not None
        assert (span["trace_id"], span["parent"]) == (f"{place.trace_id:032x}", f"{place.span_id:016x}")
        assert (span["begin"], span["end"]) == ((NOW + SECOND) * 1000, (NOW + 2 * SECOND) * 1000)
    assert [span["attributes"]["benzinga.alerts"] for span in sentences] == [2, 0, 0]
    assert [span["attributes"]["messaging.kafka.offset"] for span in sentences] == [0, 1, 2]
    [commit] = collector.named("commit processor")
    assert commit["links"] == [(span["trace_id"], span["span_id"]) for span in sentences]

    alerts = [place_of(record.headers) for record, *_ in first.alerts]
    [call] = [place_of(record.headers) for record, _ in second.published]
    carried = [(f"{place.trace_id:032x}", f"{place.span_id:016x}") for place in (*alerts, call) if place]
    places = [(span["trace_id"], span["span_id"]) for span in sentences]
    assert carried == [places[0], places[0], places[2]]


async def test_what_is_not_sampled_is_processed_as_ever(spans: Spans, parts: dict[str, Any]) -> None:
    tracing = ProcessorTracing(spans)
    messages = await from_the_source(spans, 0.0, *FRAMES)
    traced, plain = tracing.task(**parts), PartitionTask(**parts)
    for task in (traced, plain):
        for message in messages:
            record = tracing.consumed(message)  # type: ignore[arg-type]
            assert type(record) is Consumed
            task.add(record, NOW)
        task.joiner.read_until(LATER)
        task.due(LATER)
    assert traced.batch.records == plain.batch.records
    assert traced.batch.published
    assert not [record for record in traced.batch.records if HEADER in dict(record.headers)]


async def test_a_sentence_without_an_alert_of_its_own_marks_nobody_elses(spans: Spans, parts: dict[str, Any]) -> None:
    """A traced sentence in a batch with others: only what it raised carries its trace."""
    tracing = ProcessorTracing(spans)
    [quiet] = await from_the_source(spans, 1.0, said(0, "Good morning."))
    [_, loud] = await from_the_source(spans, 0.0, said(0, "Good morning."), said(1, "We lower guidance."))
    task = tracing.task(**parts)
    traced = tracing.consumed(quiet)  # type: ignore[arg-type]
    assert isinstance(traced, TracedConsumed)
    task.add(traced, NOW)
    task.add(consumed(loud), NOW)  # type: ignore[arg-type]
    [(record, *_)] = task.batch.alerts
    assert HEADER not in dict(record.headers)
