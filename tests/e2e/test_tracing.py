"""One trace from the feed's frame to the alert, through two processes and a real Kafka."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from connector.tracing.context import parse
from tests.support.calls import write_rules
from tests.support.collector import Collector
from tests.support.consume import wait_for_records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.embedded import EmbeddedKafka
    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import ProcessorProcess, SourceProcess


def said(sequence: int, text: str, status: str = "IN_PROGRESS") -> str:
    return json.dumps(
        {"transcript_id": "t", "sequence": sequence, "sentence": text, "status": status, "symbol": "AAPL"}
    )


def check_pages(carrier: SourceProcess, joiner: ProcessorProcess) -> None:
    """What a person sees of it meanwhile."""
    status = json.loads(carrier.get("/status")[1])
    stream = status["streams"]["transcripts"]
    assert stream["owner"]["instance"] == status["instance"]
    assert (stream["state"], stream["feed"]["state"]) == ("publishing", "live")
    assert (stream["counts"]["received"], stream["counts"]["published"]) == (2, 2)
    assert stream["rates"]["received"] > 0
    assert 0 < stream["lag"]["publish_seconds"] < 60
    page = carrier.get("/")[1]
    assert "this process" in page
    assert ">live<" in page
    assert "<mark>growth</mark>" in joiner.get("/")[1]


def test_the_trace_of_a_sentence_reaches_its_alert_and_its_call(
    tmp_path: Path,
    feed: ThreadedSimulator,
    source: Callable[..., SourceProcess],
    processor: Callable[..., ProcessorProcess],
    kafka: EmbeddedKafka,
    prefix: str,
) -> None:
    rules = write_rules(tmp_path / "rules.yaml", [{"id": "growth", "any": ["growth"], "cooldown": 0}])
    with Collector() as collector:
        tracing = {"TRACING__ENDPOINT": collector.endpoint, "TRACING__SAMPLE_RATIO": "1.0"}
        carrier = source('["transcripts"]', **tracing)
        joiner = processor(**tracing, **rules, PROCESSOR__GRACE="100ms")
        for process in (carrier, joiner):
            process.start()
        carrier.until_ready()
        assert carrier.get("/startupz") == (200, "ok\n")
        joiner.until(lambda: joiner.get("/startupz")[0] == 200)
        feed.wait(lambda simulator: simulator.subscribed())
        for text in (said(0, "We see growth."), said(1, "That is all.", "COMPLETE")):
            feed.call(lambda simulator, text=text: simulator.publish("transcripts", text))
        [alert] = wait_for_records(kafka.bootstrap_servers, f"{prefix}.alerts", 1)
        [call] = wait_for_records(kafka.bootstrap_servers, f"{prefix}.calls", 1)
        sentences = wait_for_records(kafka.bootstrap_servers, f"{prefix}.transcripts", 2)
        check_pages(carrier, joiner)
        assert carrier.stop() == 0
        assert joiner.stop() == 0
        published = {span["span_id"]: span for span in collector.named("publish transcripts")}
        processed = {span["span_id"]: span for span in collector.named("process transcripts")}
    assert len(published) == len(processed) == len(sentences) == 2
    for record, last in ((alert, 0), (call, 1)):
        place = parse(record.headers["traceparent"].encode())
        assert place is not None
        span = processed[f"{place.span_id:016x}"]
        parent = published[span["parent"]]
        assert parent["attributes"]["messaging.kafka.message.key"] == f"t:{last}"
        assert span["trace_id"] == parent["trace_id"] == f"{place.trace_id:032x}"
        assert parent["begin"] <= parent["end"] <= span["end"]
    assert {span["resource"]["service.name"] for span in processed.values()} == {"benzinga-kafka-processor"}
