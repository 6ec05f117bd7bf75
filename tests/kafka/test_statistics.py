"""librdkafka's reports become few metrics: pure arithmetic, and once with a real broker."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError
from prometheus_client import CollectorRegistry

from connector.kafka import clients
from connector.kafka.statistics import Watch
from connector.kafka.transactions import TransactionalProducer
from connector.metrics import KafkaClientMetrics
from connector.settings import KafkaSettings

if TYPE_CHECKING:
    from connector.embedded import EmbeddedKafka

CLIENT = "source.news"


def broker(nodeid: int, state: str = "UP", **numbers: Any) -> dict[str, Any]:
    return {"nodeid": nodeid, "state": state, "rtt": {"p50": 0, "p99": 0}, "throttle": {"max": 0}} | numbers


def report(*brokers: dict[str, Any], **numbers: Any) -> str:
    return json.dumps({"name": "rdkafka#1", "brokers": {str(n): one for n, one in enumerate(brokers)}, **numbers})


class Watched:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.watch = Watch(KafkaClientMetrics(self.registry), CLIENT)
        self.watch.configuration()

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"benzinga_kafka_client_{name}", {"client": CLIENT} | labels)


def test_brokers_are_summed_up() -> None:
    watched = Watched()
    watched.watch.reported(
        report(
            broker(1, rtt={"p50": 900, "p99": 2500}, throttle={"max": 40}, outbuf_cnt=1, waitresp_cnt=2, txerrs=1),
            broker(2, "DOWN", rtt={"p50": 1000, "p99": 2000}, rxerrs=2, txretries=4, req_timeouts=5, disconnects=6),
            broker(-1, "INIT", disconnects=1),  # the bootstrap address, no broker that is known
            msg_cnt=7,
            msg_size=700,
            tx_bytes=1000,
            rx_bytes=2000,
            cgrp={"rebalance_cnt": 2},
        )
    )
    assert [watched.metric("brokers", state=state) for state in ("up", "down")] == [1, 1]
    assert [watched.metric("rtt_seconds", quantile=quantile) for quantile in ("0.5", "0.99")] == [0.0009, 0.0025]
    assert watched.metric("throttle_seconds") == 0.04
    assert watched.metric("queue_messages") == 7
    assert watched.metric("queue_bytes") == 700
    assert watched.metric("requests_in_flight") == 3
    assert watched.metric("sent_bytes_total") == 1000
    assert watched.metric("received_bytes_total") == 2000
    assert watched.metric("request_errors_total") == 3
    assert watched.metric("request_retries_total") == 4
    assert watched.metric("request_timeouts_total") == 5
    assert watched.metric("disconnects_total") == 7
    assert watched.metric("rebalances_total") == 2


def test_counters_go_on_over_a_new_client_and_never_back() -> None:
    watched = Watched()
    watched.watch.reported(report(broker(1, disconnects=3), tx_bytes=100))
    watched.watch.reported(report(tx_bytes=150))  # the broker left the cluster, and its counts went with it
    assert watched.metric("disconnects_total") == 3
    watched.watch.closed()
    assert watched.metric("brokers", state="up") is None, "what is gone has no state"
    watched.watch.configuration()
    watched.watch.reported(report(broker(1, disconnects=1), tx_bytes=10))
    assert watched.metric("disconnects_total") == 4
    assert watched.metric("sent_bytes_total") == 160


def test_a_report_that_cannot_be_read_changes_nothing_and_ends_nothing() -> None:
    watched = Watched()
    watched.watch.reported(report(broker(1), tx_bytes=100))
    for text in ("{", '{"tx_bytes": "many"}', '{"brokers": []}', ""):
        watched.watch.reported(text)
    assert watched.metric("sent_bytes_total") == 100
    assert watched.metric("brokers", state="up") == 1


def test_errors_have_few_names_and_are_there_from_the_start() -> None:
    watched = Watched()
    assert watched.metric("errors_total", reason="authentication") == 0
    for code in (KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._ALL_BROKERS_DOWN, KafkaError._STATE):
        watched.watch.failed(KafkaError(code))
    for reason in ("authentication", "ssl", "all_brokers_down", "other"):
        assert watched.metric("errors_total", reason=reason) == 1


def test_a_real_producer_reports_while_it_is_idle(kafka: EmbeddedKafka, prefix: str) -> None:
    watched = Watched()
    # The user's options win: here they make it quick.
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, options={"statistics.interval.ms": 100})
    producer = TransactionalProducer(lambda: clients.producer(settings, prefix, watched.watch), prefix)
    try:
        producer.fence()
        deadline = time.monotonic() + 30
        while not watched.metric("brokers", state="up"):
            assert time.monotonic() < deadline
            producer.serve()
            time.sleep(0.01)
    finally:
        producer.close()
    assert (watched.metric("sent_bytes_total") or 0) > 0


def test_brokers_that_are_away_are_told() -> None:
    watched = Watched()
    producer = clients.producer(KafkaSettings(bootstrap_servers="127.0.0.1:1"), "nobody", watched.watch)
    deadline = time.monotonic() + 30
    while not watched.metric("errors_total", reason="all_brokers_down"):
        assert time.monotonic() < deadline
        producer.poll(0.05)
    assert (watched.metric("errors_total", reason="network") or 0) > 0
