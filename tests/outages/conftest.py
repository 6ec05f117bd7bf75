"""Three brokers, a feed and one source that goes through every outage of a module; at the end nothing is missing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka.admin import AdminClient

from connector.embedded import EmbeddedKafka
from connector.simulator import Oddities, SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator
from tests.e2e.conftest import TOKEN, defaults
from tests.support.source import SourceProcess

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connector.embedded import EmbeddedRegistry

PASSWORD = "a-kafka-password"  # made up
MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
PREFIX = "outages"
STREAM = "earnings"
RATE = 15.0

OPTIONS = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.username": "app",
    "sasl.password": PASSWORD,
    # A broker that hangs is given up after this; a minute by default.
    "socket.timeout.ms": 5000,
    "reconnect.backoff.max.ms": 1000,
}


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedKafka]:
    """Three brokers. Without a login everything is allowed; user `app`, over CLIENT, may do what is not denied."""
    config = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "allow.everyone.if.no.acl.found": "true",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.client.plain.sasl.jaas.config": f'{MODULE} required user_app="{PASSWORD}";',
    }
    with EmbeddedKafka(3, config, {"CLIENT": "SASL_PLAINTEXT"}, heap_mb=384) as kafka:
        yield kafka


@pytest.fixture(autouse=True)
def mended(request: pytest.FixtureRequest) -> Iterator[None]:
    """One outage that was not mended is not another's."""
    yield
    if "cluster" in request.fixturenames:
        for broker in request.getfixturevalue("cluster").brokers:
            if not broker.running:
                broker.start(timeout=120)
            broker.resume()


@pytest.fixture(scope="session")
def admin(cluster: EmbeddedKafka) -> AdminClient:
    return AdminClient({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 0})


@pytest.fixture(scope="session")
def source_on_cluster(cluster: EmbeddedKafka, registry: EmbeddedRegistry) -> Callable[..., SourceProcess]:
    """Makes a source that is not started yet."""

    def make(folder: Path, url: str, prefix: str, streams: str = f'["{STREAM}"]', **settings: str) -> SourceProcess:
        common = defaults(url, cluster, registry, prefix, streams) | {
            "KAFKA__BOOTSTRAP_SERVERS": cluster.bootstrap_servers_of("CLIENT"),
            "KAFKA__OPTIONS": json.dumps(OPTIONS),
            "TOPICS__REPLICATION_FACTOR": "3",
            "SOURCE__HEARTBEAT__INTERVAL": "1s",
            "SOURCE__HEARTBEAT__TIMEOUT": "2s",
            "LOG__LEVEL": "info",
        }
        return SourceProcess(folder, **(common | settings))

    return make


@dataclass
class Running:
    """A source that carries a steady stream."""

    process: SourceProcess
    feed: ThreadedSimulator
    traffic: asyncio.Task[int]

    @property
    def published(self) -> float:
        return self.process.metric("benzinga_source_records_published_total", stream=STREAM)

    def passes(self, more: int = 15, timeout: float = 60.0) -> None:
        """So many records more are committed."""
        target = self.published + more
        self.process.until(lambda: self.published >= target, timeout)

    def waits(self, more: int = 10, timeout: float = 60.0) -> None:
        """So many messages more wait for Kafka, and the process is alive."""
        target = self.pending + more
        self.process.until(lambda: self.pending >= target, timeout)
        assert self.process.get("/livez")[0] == 200

    @property
    def pending(self) -> float:
        return self.process.metric("benzinga_source_pending_messages", stream=STREAM)

    def catches_up(self, timeout: float = 60.0) -> None:
        """What has waited is committed."""
        self.process.until(lambda: self.pending < 2 * RATE, timeout)
        self.passes()

    def transactions(self, result: str) -> float:
        return self.process.metric("benzinga_source_transactions_total", stream=STREAM, result=result)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, source_on_cluster: Callable[..., Any]) -> Iterator[Running]:
    """One source, started once."""
    with ThreadedSimulator(SimulatorSettings(token=TOKEN, ping_interval=1.0, ping_timeout=3.0)) as feed:
        process: SourceProcess = source_on_cluster(tmp_path_factory.mktemp("outages"), feed.url, PREFIX)
        with process:
            process.until_ready()
            feed.wait(lambda simulator: simulator.connected(STREAM))
            traffic = feed.call(
                lambda simulator: simulator.traffic.start(STREAM, RATE, oddities=Oddities(duplicates=True))
            )
            carried = Running(process, feed, traffic)
            carried.passes()
            yield carried
