"""Each of the seven streams with every oddity of the feed, on a real Kafka: nothing lost, twice, or out of order."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from connector.mapping.schemas import load_schema
from connector.simulator import Oddities, SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator
from connector.streams import STREAMS
from tests.e2e.conftest import TOKEN, defaults, messages
from tests.support.consume import Record, read_topic
from tests.support.lossless import Comparison, read
from tests.support.oracle import Expected, check, check_placement, expected
from tests.support.source import SourceProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry

MESSAGES = 400
PARTITIONS = 3
PREFIX = "streams"
WIRE_PREFIX = 5


class Carried(NamedTuple):
    """A whole run: what was sent, and what is in Kafka."""

    sent: dict[str, list[bytes]]
    topics: dict[str, list[Record]]
    source: SourceProcess
    metrics: dict[tuple[str, str], float]


@pytest.fixture(scope="module")
def carried(
    kafka: EmbeddedKafka, registry: EmbeddedRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Carried]:
    folder = tmp_path_factory.mktemp("streams")
    names = list(STREAMS)
    with ThreadedSimulator(SimulatorSettings(token=TOKEN, seed=7)) as feed:
        streams = str(names).replace("'", '"')
        settings = defaults(feed.url, kafka, registry, PREFIX, streams) | {"SOURCE__SETTLE": "100ms"}
        with SourceProcess(folder, **settings) as source:
            source.until_ready()
            for name in names:
                feed.wait(lambda simulator, name=name: simulator.connected(name))
            feed.wait(lambda simulator: simulator.subscribed())
            # Live from here on, so that the feed's order is the order of arrival.
            source.until(lambda: source.get("/readyz")[0] == 200 and source.metric("benzinga_source_connected") == 7)
            source.until(lambda: all(_is_live(source, name) for name in names if STREAMS[name].has_replay))
            for name in names:
                feed.wait(
                    lambda simulator, name=name: simulator.traffic.start(
                        name, rate=0, count=MESSAGES, oddities=Oddities.all()
                    ),
                    timeout=120,
                )
            sent = {name: messages(feed, name) for name in names}
            source.until(lambda: _received(source) >= sum(map(len, sent.values())), timeout=60)
            source.until(lambda: source.metric("benzinga_source_pending_messages") == 0)
            metrics = {
                (metric, name): source.metric(metric, stream=name)
                for name in names
                for metric in (
                    "benzinga_source_records_published_total",
                    "benzinga_source_duplicates_total",
                    "benzinga_source_control_frames_total",
                    "benzinga_source_messages_received_total",
                    "benzinga_source_id_conflicts_total",
                )
            }
            status = json.loads(source.get("/status")[1])
            assert status["ready"]
            assert {name: stream["state"] for name, stream in status["streams"].items()} == dict.fromkeys(
                names, "publishing"
            )
            assert all(stream["feed"]["state"] == "live" for stream in status["streams"].values())
            assert source.stop() == 0
    topics = {
        name: read_topic(kafka.bootstrap_servers, f"{PREFIX}.{name}", registry_url=registry.url)
        for name in [*names, "gaps"]
    }
    topics["dead-letters"] = read_topic(kafka.bootstrap_servers, f"{PREFIX}.dead-letters")
    return Carried(sent, topics, source, metrics)


def _is_live(source: SourceProcess, stream: str) -> bool:
    return any(line.get("stream") == stream for line in source.events("stream.live"))


def _received(source: SourceProcess) -> float:
    audio = source.metric("benzinga_source_messages_received_total", action="audio")
    return source.metric("benzinga_source_messages_received_total") - audio


@pytest.fixture(params=list(STREAMS))
def stream(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def wanted(carried: Carried, stream: str) -> list[Expected]:
    return expected(stream, carried.sent[stream])


def test_every_message_is_there_exactly_once(carried: Carried, stream: str, wanted: list[Expected]) -> None:
    assert len(wanted) > MESSAGES / 2
    check(wanted, carried.topics[stream])


def test_every_record_lies_where_a_java_producer_would_put_it_in_the_feeds_order(
    carried: Carried, stream: str, wanted: list[Expected]
) -> None:
    check_placement(wanted, carried.topics[stream], PARTITIONS)


def test_headers(carried: Carried, stream: str, wanted: list[Expected]) -> None:
    by_identity = {item.identity: item for item in wanted}
    for record in carried.topics[stream]:
        item, headers = by_identity[record.key or "", record.headers["benzinga-fingerprint"]], dict(record.headers)
        assert headers.pop("benzinga-fingerprint") == item.fingerprint
        time = headers.pop("ce_time", None)
        sent = item.body.get("start_time") if stream == "transcripts" else record.decoded["event_time_text"]
        assert time == (sent if sent and re.fullmatch(r"\d{4}-.*T.*(Z|[+-]\d\d:\d\d)", sent) else None)
        assert headers == {
            "content-type": "application/avro",
            "ce_specversion": "1.0",
            "ce_id": item.key,
            "ce_source": f"benzinga/{stream}",
            "ce_type": f"benzinga.{stream}.{item.action}",
        } | ({"benzinga-record-id": item.record_id} if item.record_id else {})


def test_the_record_says_what_the_frame_said(carried: Carried, stream: str, wanted: list[Expected]) -> None:
    frames = {item.identity: item.frame for item in wanted}
    schema = load_schema(stream)
    for record in carried.topics[stream]:
        assert record.value is not None
        payload = frames[record.key or "", record.headers["benzinga-fingerprint"]]
        comparison = Comparison(payload, read(record.value[WIRE_PREFIX:], schema), schema)
        if stream == "transcripts":
            comparison.check_transcript()
        else:
            catalogued = STREAMS[stream]
            comparison.check_envelope(inline=catalogued.content_inline, time_field=catalogued.time_field)


def test_nothing_else_was_written(carried: Carried) -> None:
    assert carried.topics["gaps"] == []
    assert carried.topics["dead-letters"] == []


def test_metrics_say_what_happened(carried: Carried, stream: str, wanted: list[Expected]) -> None:
    def metric(name: str) -> float:
        return carried.metrics[f"benzinga_source_{name}_total", stream]

    assert metric("records_published") == len(wanted)
    assert metric("duplicates") == len(carried.sent[stream]) - len(wanted)
    assert metric("duplicates") > 0


def test_the_api_key_shows_nowhere(carried: Carried) -> None:
    assert TOKEN not in carried.source.log.read_text()
    for records in carried.topics.values():
        for record in records:
            assert TOKEN.encode() not in (record.value or b"")
            assert TOKEN not in str(record.headers)
