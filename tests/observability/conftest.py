"""One run that all tests of this folder look at: source and processor at work, scraped by Prometheus; then faults."""

from __future__ import annotations

import json
import socketserver
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pytest

from connector.embedded import EmbeddedKafka
from connector.simulator import Oddities, SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator
from connector.simulator.traffic import generate
from tests.e2e.conftest import TOKEN, defaults
from tests.observability.test_alerts import ALERTS, RULES
from tests.support.calls import write_rules
from tests.support.consume import Record, read_topic
from tests.support.dashboards import boards, filled_in, panels
from tests.support.prometheus import Prometheus, Samples
from tests.support.source import ProcessorProcess, SourceProcess
from tests.support.tools import tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connector.embedded import EmbeddedRegistry

STREAMS = ("news", "ratings", "earnings", "transcripts")
OURS = {"job": "source|processor", "__rate_interval": "10m", "__range": "10m"}
"""The variables at the top of a dashboard: two more jobs, which are in trouble from the start, are not chosen."""

JOURNAL = 1024 * 1024
"""Bytes: the least that the settings allow."""

TOPICS = (*STREAMS, "gaps", "dead-letters", "calls", "alerts")


@dataclass
class Story:
    """What the run came to."""

    panels: dict[tuple[str, str, int], Samples] = field(default_factory=dict)
    """What each query showed when all was well: by dashboard, panel and number of the query."""

    metrics: dict[str, Samples] = field(default_factory=dict)
    """Every sample of our metrics by its name, as Prometheus had it when all was well."""

    frames: dict[str, list[Any]] = field(default_factory=dict)
    """What the simulator had sent by then, by stream."""

    connections: dict[str, int] = field(default_factory=dict)
    replayed: dict[str, int] = field(default_factory=dict)
    replies: dict[str, int] = field(default_factory=dict)
    topics: dict[str, list[Record]] = field(default_factory=dict)
    """What was in Kafka by then."""

    quiet: dict[str, Samples] = field(default_factory=dict)
    """What the alerts' expressions gave when all was well, by alert."""

    fired: dict[str, dict[str, str]] = field(default_factory=dict)
    """Under its fault, the labels each alert's expression came true with, by alert."""

    shown: list[dict[str, Any]] = field(default_factory=list)
    """Alerts as Prometheus itself has them in the end."""

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of a metric with these labels, when all was well."""
        return sum(value for found, value in self.metrics[name] if labels.items() <= found.items())


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, registry: EmbeddedRegistry) -> Iterator[Story]:
    """The run, told; whatever it started is gone. Its Kafka is its own: in the end it is killed."""
    tool("prometheus", "dashboards, alerts and metrics against a real run")
    with ThreadedSimulator(SimulatorSettings(token=TOKEN)) as feed, EmbeddedKafka() as kafka:
        teller = Teller(feed, kafka, registry, tmp_path_factory.mktemp("observability"))
        with teller:
            yield teller.tell()


class InPlainText(socketserver.BaseRequestHandler):
    """A proxy that answers TLS in plain text."""

    def handle(self) -> None:
        self.request.recv(65536)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


class Teller:
    """Runs it all, in order."""

    def __init__(self, feed: ThreadedSimulator, kafka: EmbeddedKafka, registry: EmbeddedRegistry, folder: Path) -> None:
        self.story = Story()
        self.feed, self.kafka, self.registry = feed, kafka, registry
        self.prefix = f"observability-{uuid.uuid4().hex[:8]}"
        self.rules = folder / "rules.yaml"
        common = defaults(feed.url, kafka, registry, self.prefix, json.dumps(STREAMS)) | {
            "KAFKA__OPTIONS": '{"statistics.interval.ms": 500}',
            "SOURCE__HEARTBEAT__INTERVAL": "1s",
            "SOURCE__BACKOFF__REFUSED": "2s",
            "SOURCE__JOURNAL__MAX_BYTES": str(JOURNAL),
            "PROCESSOR__GRACE": "500ms",
            "PROCESSOR__IDLE_TIMEOUT": "3s",
        }
        self.source = SourceProcess(folder, **common)
        self.processor = ProcessorProcess(folder, **common | write_rules(self.rules))
        self.lost = SourceProcess(
            folder, **common | {"TOPICS__PREFIX": f"{self.prefix}-lost", "SCHEMA_REGISTRY__URL": "http://127.0.0.1:1"}
        )
        self.plain = socketserver.ThreadingTCPServer(("127.0.0.1", 0), InPlainText)
        threading.Thread(target=self.plain.serve_forever, daemon=True).start()
        self.deceived = SourceProcess(
            folder,
            **common
            | {
                "TOPICS__PREFIX": f"{self.prefix}-deceived",
                "FEED__URL": f"wss://127.0.0.1:{self.plain.server_address[1]}",
                "FEED__STREAMS": '["news"]',
            },
        )
        pods = {
            "source-0": ("source", self.source.port),
            "processor-0": ("processor", self.processor.port),
            "lost-0": ("lost", self.lost.port),
            "deceived-0": ("deceived", self.deceived.port),
        }
        self.prometheus = Prometheus(pods, RULES)

    def __enter__(self) -> Self:
        self.prometheus.__enter__()
        return self

    def __exit__(self, *_exc: object) -> None:
        for process in (self.source, self.processor, self.lost, self.deceived):
            if process.running:
                process.kill()
        self.plain.shutdown()
        self.plain.server_close()
        self.prometheus.__exit__()

    def tell(self) -> Story:
        self.begin()
        self.be_well()
        self.remember()
        self.suffer()
        return self.story

    # All is well

    def begin(self) -> None:
        for process in (self.source, self.processor, self.lost, self.deceived):
            process.start()
        self.source.until_ready()
        self.processor.until_ready()
        for stream in STREAMS:
            self.feed.wait(lambda simulator, stream=stream: simulator.connected(stream))
        self.feed.wait(lambda simulator: simulator.subscribed())
        self.source.until(lambda: len(self.source.events("stream.live")) == len(STREAMS) - 1)
        # Counters are seen at 0 first, as they are in a process that lives for weeks.
        for job in ("source", "processor"):
            self.prometheus.until(f'count(benzinga_build_info{{job="{job}"}})', bool)

    def be_well(self) -> None:
        """Everything the feed does on a good day, a reconnect included."""

        def send(stream: str, rate: float, count: int) -> Any:
            return self.feed.call(
                lambda simulator: simulator.traffic.start(stream, rate, count, oddities=Oddities.all(), calls=4)
            )

        # The last one goes on while a connection is replaced.
        for task in [send("transcripts", 90, 450), *(send(stream, 50, 200) for stream in STREAMS[:3])]:
            self.feed.wait(lambda _simulator, task=task: task)
        self.feed.call(lambda simulator: simulator.faults.drop("earnings", "clean"))
        self.source.until(lambda: len(self.source.events("stream.live")) == len(STREAMS))
        self.source.until(lambda: self.source.metric("benzinga_source_pending_messages") == 0)
        published = self.source.metric("benzinga_source_records_published_total", stream="transcripts")
        self.processor.until(lambda: self.processor.metric("benzinga_processor_sentences_total") == published)
        self.processor.until(lambda: self.processor.metric("benzinga_processor_open_calls") == 0)
        self.processor.until(lambda: self.processor.metric("benzinga_processor_consumer_lag_messages") == 0)

    def remember(self) -> None:
        story = self.story
        # Until Prometheus has seen the last of it.
        for process, name in (
            (self.source, "benzinga_source_records_published_total"),
            (self.processor, "benzinga_processor_calls_published_total"),
            (self.processor, "benzinga_processor_alerts_total"),
        ):
            last = process.metric(name)
            self.prometheus.until(f"sum({name})", lambda found, last=last: found[0][1] == last)
        for gauge in ("benzinga_processor_open_calls", "benzinga_kafka_client_queue_messages"):
            self.prometheus.until(f"sum({gauge})", lambda found: found[0][1] == 0)
        # Everything below is asked of one and the same instant.
        now = self.prometheus.instant('job=~"source|processor"', 2)
        for labels, value in self.prometheus.query(
            '{__name__=~"benzinga_.*|process_.*", job=~"source|processor"}', now
        ):
            story.metrics.setdefault(labels["__name__"], []).append((labels, value))
        for stream in STREAMS:
            channel: Any = self.feed.call(lambda simulator, stream=stream: simulator.channels[stream])
            story.frames[stream] = list(channel.sent)
            story.connections[stream], story.replayed[stream] = channel.connections, channel.replayed
            story.replies[stream] = len(channel.replies)
        for topic in TOPICS:
            name = f"{self.prefix}.{topic}"
            decoding = None if topic == "dead-letters" else self.registry.url
            story.topics[topic] = read_topic(self.kafka.bootstrap_servers, name, registry_url=decoding)
        for name, board in boards().items():
            for panel in panels(board):
                for index, target in enumerate(panel["targets"]):
                    shown = self.prometheus.query(filled_in(target["expr"], OURS), now)
                    story.panels[name, panel["title"], index] = shown
        for rule in ALERTS:
            found = self.prometheus.query(rule["expr"], now)
            ours = [one for one in found if one[0].get("job") in {None, "source", "processor"}]
            story.quiet.setdefault(rule["alert"], []).extend(ours)

    # Faults

    def suffer(self) -> None:
        """One fault after the other, each until its alert's expression comes true."""
        faults = self.feed
        self.expect("BenzingaRegistryUnavailable", job="lost")
        self.expect("BenzingaStreamNotOwned", job="lost")
        self.lost.kill()
        self.expect("BenzingaFeedCertificateRefused", job="deceived")
        self.deceived.kill()
        self.rules.write_text("rules: [{id: broken, any: 1}]")
        for number in range(3):
            faults.call(lambda simulator, number=number: simulator.faults.garbage("news", f'{{"data": {number}'))
        self.repeat("earnings", 1500)
        faults.call(lambda simulator: simulator.faults.replay(limit=0))
        faults.call(lambda simulator: simulator.faults.drop("ratings"))
        self.expect("BenzingaGap", stream="ratings", reason="no_replay")
        # Many times what came on time, and written long ago.
        old = [frame.text for frame in generate("ratings", 1500, seed=9, oddities=Oddities.clean())]
        faults.wait(lambda simulator: simulator.traffic.script("ratings", old))
        self.expect("BenzingaFeedStale", stream="ratings")
        # Refused for good: the key on one stream, the service on another. On a third somebody else had the key.
        faults.call(lambda simulator: simulator.faults.refuse("news", 401, times=1000))
        faults.call(lambda simulator: simulator.faults.refuse("ratings", 503, times=1000))
        faults.call(lambda simulator: simulator.faults.refuse("transcripts", 429, times=6))
        faults.call(lambda simulator: simulator.faults.accept_then_close("earnings", 13))
        for stream in STREAMS:
            faults.call(lambda simulator, stream=stream: simulator.faults.drop(stream))
        self.expect("BenzingaFeedRefused", stream="news", result="unauthorized")
        self.expect("BenzingaStreamNotConnected", stream="ratings")
        self.expect("BenzingaKeyInUse", stream="transcripts")
        self.expect("BenzingaReconnecting", stream="earnings")
        self.expect("BenzingaDeadLetters", stream="news", reason="not_json")
        self.expect("BenzingaDuplicates", stream="earnings")
        self.expect("BenzingaRulesRefused", pod="processor-0")
        self.expect("BenzingaDown", job="lost")
        self.lose_kafka()
        self.story.shown = self.prometheus.get("alerts")["alerts"]

    def lose_kafka(self) -> None:
        """The broker dies, and the feed goes on."""
        self.feed.wait(lambda simulator: simulator.connected("earnings"))
        self.kafka.broker(0).kill()
        self.expect("BenzingaKafkaUnreachable", job="source")
        self.feed.wait(
            lambda simulator: simulator.traffic.start("earnings", rate=0, count=2000, oddities=Oddities.clean())
        )
        self.expect("BenzingaJournalFilling", stream="earnings")

    def expect(self, name: str, **labels: str) -> None:
        expr = " or ".join(f"({rule['expr']})" for rule in ALERTS if rule["alert"] == name)
        self.story.fired[name] = self.prometheus.fires(expr, **labels)

    def repeat(self, stream: str, times: int) -> None:
        """Send the last message of `stream` again, many times."""
        frames = self.feed.call(lambda simulator: simulator.sent(stream))
        last = max(frame.index for frame in frames if frame.kind == "message")
        self.feed.call(lambda simulator: simulator.faults.duplicate(stream, last, times))
