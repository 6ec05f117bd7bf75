"""Spans of the source, as a collector gets them: from a frame's receipt to its commit."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from connector.errors import ConfigurationError
from connector.mapping.decoder import Decoder
from connector.settings import Settings, TracingSettings
from connector.source.publisher import Publisher
from connector.source.records import RecordBuilder
from connector.source.stream import StreamSource
from connector.streams import STREAMS
from connector.tracing import open_spans
from connector.tracing.context import HEADER, place_of
from connector.tracing.source import SourceTracing, TracedRecords
from tests.source.test_intake import Bench, article
from tests.source.test_publisher import Topic
from tests.support.collector import Collector

if TYPE_CHECKING:
    from connector.tracing import Spans


async def publish(bench: Bench, tracing: SourceTracing) -> Topic:
    topic = Topic()
    bench.outbox.close()
    with ThreadPoolExecutor(1) as executor:
        publisher = tracing.publisher(
            "news",
            bench.outbox,
            builder=bench.builder,
            decoder=Decoder(STREAMS["news"]),
            metrics=bench.metrics,
            executor=executor,
            on_committed=bench.pipeline.committed,
        )
        await publisher.run(topic)  # type: ignore[arg-type]
    return topic


def traced_bench(tracing: SourceTracing) -> Bench:
    return Bench(make_builder=tracing.builder)


async def test_a_traced_message_is_one_span_from_receipt_to_commit(collector: Collector, spans: Spans) -> None:
    tracing = SourceTracing(spans, sample_ratio=1.0)
    bench = traced_bench(tracing)
    await bench.restored()
    received_at = time.time_ns() // 1000
    bench.receive(article(1), article(2), b"[]", at=received_at)
    topic = await publish(bench, tracing)
    [records] = topic.batches
    spans.close()
    published = collector.until("publish news", 2)
    for record, span in zip(records[:2], published, strict=True):
        place = place_of(record.headers)
        assert place is not None
        assert (span["trace_id"], span["span_id"]) == (f"{place.trace_id:032x}", f"{place.span_id:016x}")
        assert span["parent"] == ""
        assert span["begin"] == received_at * 1000
        assert span["begin"] <= span["events"]["transaction"] <= span["end"] <= time.time_ns()
        assert span["attributes"]["messaging.destination.name"] == "benzinga.news"
        assert span["attributes"]["messaging.kafka.message.key"] == record.key.decode()
        assert span["resource"]["service.name"] == "benzinga-kafka-test"
        assert span["resource"]["service.instance.id"] == "pod-0"
    [commit] = collector.named("commit news")
    assert commit["links"] == [(span["trace_id"], span["span_id"]) for span in published]
    assert commit["attributes"]["messaging.batch.message_count"] == 3
    assert place_of(records[2].headers) is None  # a dead letter belongs to nobody's trace


async def test_the_ratio_decides_who_is_traced_and_the_rest_carries_nothing(collector: Collector, spans: Spans) -> None:
    tracing = SourceTracing(spans, sample_ratio=0.25)
    bench = traced_bench(tracing)
    await bench.restored()
    bench.receive(*(article(number) for number in range(2000)))
    topic = await publish(bench, tracing)
    records = [record for batch in topic.batches for record in batch]
    traced = sum(any(name == HEADER for name, _ in record.headers) for record in records)
    assert len(records) == 2000
    assert 350 < traced < 650
    spans.close()
    collector.until("publish news", traced)
    assert sum(len(span["links"]) for span in collector.named("commit news")) <= 128


def test_what_is_off_is_not_there(collector: Collector) -> None:
    assert open_spans(TracingSettings(), "source", "pod-0") is None
    assert open_spans(TracingSettings(endpoint=collector.endpoint, sample_ratio=0), "source", "pod-0") is None
    partitions = {f"benzinga.{name}": 3 for name in ("news", "gaps", "dead-letters")}
    stream = StreamSource(
        STREAMS["news"],
        Settings(),
        Bench().metrics,
        partitions=partitions,
        schema_ids={"news": 7, "gaps": 8},
        cluster="c",
        instance="pod-0",
    )
    # The very same classes as ever: no message meets a question whether it is traced.
    assert type(stream._builder) is RecordBuilder
    assert type(stream._publisher) is Publisher
    assert issubclass(TracedRecords, RecordBuilder)


async def test_a_collector_that_is_away_delays_nothing() -> None:
    with Collector() as gone:
        endpoint = gone.endpoint
    spans = open_spans(TracingSettings(endpoint=endpoint), "source", "pod-0")
    assert spans is not None
    tracing = SourceTracing(spans, sample_ratio=1.0)
    bench = traced_bench(tracing)
    await bench.restored()
    bench.receive(*(article(number) for number in range(500)))
    began = time.monotonic()
    topic = await publish(bench, tracing)
    assert sum(map(len, topic.batches)) == 500
    assert time.monotonic() - began < 5
    spans.close()
    assert time.monotonic() - began < 30


def test_the_missing_extra_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigurationError, match=r"^tracing\.endpoint: .*install `benzinga-kafka\[otel\]`"):
        open_spans(TracingSettings(endpoint="http://127.0.0.1:4318/v1/traces"), "source", "pod-0")
