"""What librdkafka tells of a client, now and then, made into metrics.

Source: librdkafka STATISTICS.md. The document has hundreds of numbers; only those are parsed that somebody on call asks
for, summed up over the brokers, so that the number of series does not grow with the cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaError as RdKafkaError
from msgspec import DecodeError, Struct, ValidationError, field
from msgspec.json import Decoder

from connector.logs import get_logger
from connector.metrics import BROKER_STATES, KAFKA_CLIENT_ERRORS, RTT_QUANTILES

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import Counter

    from connector.metrics import KafkaClientMetrics

log = get_logger(__name__)

INTERVAL_MS: Final = 15_000
"""Between two reports: no more often than anybody scrapes."""


class Window(Struct):
    """Microseconds, over the last interval."""

    p50: int = 0
    p99: int = 0


class Throttle(Struct):
    """Milliseconds, over the last interval."""

    max: int = 0


class Broker(Struct):
    """One broker, or the address of one that is not known yet (`nodeid` -1)."""

    nodeid: int = -1
    state: str = ""
    outbuf_cnt: int = 0
    waitresp_cnt: int = 0
    txerrs: int = 0
    txretries: int = 0
    rxerrs: int = 0
    req_timeouts: int = 0
    disconnects: int = 0
    rtt: Window = field(default_factory=Window)
    throttle: Throttle = field(default_factory=Throttle)

    @property
    def up(self) -> bool:
        """Whether requests can be sent."""
        return self.state in {"UP", "UPDATE"}


class ConsumerGroup(Struct):
    """The client's membership in its group."""

    rebalance_cnt: int = 0


class Report(Struct):
    """One report of one client; counts are since the client was made."""

    msg_cnt: int = 0
    msg_size: int = 0
    tx_bytes: int = 0
    rx_bytes: int = 0
    brokers: dict[str, Broker] = field(default_factory=dict)
    cgrp: ConsumerGroup = field(default_factory=ConsumerGroup)


_DECODER: Final = Decoder(Report)

_REASONS: Final = {
    RdKafkaError._AUTHENTICATION: "authentication",  # noqa: SLF001 - public constants
    RdKafkaError._SSL: "ssl",  # noqa: SLF001
    RdKafkaError._ALL_BROKERS_DOWN: "all_brokers_down",  # noqa: SLF001
    RdKafkaError._TRANSPORT: "network",  # noqa: SLF001
    RdKafkaError._RESOLVE: "network",  # noqa: SLF001
    RdKafkaError._TIMED_OUT: "timeout",  # noqa: SLF001
    RdKafkaError._TIMED_OUT_QUEUE: "timeout",  # noqa: SLF001
    RdKafkaError.REQUEST_TIMED_OUT: "timeout",
    RdKafkaError.SASL_AUTHENTICATION_FAILED: "authentication",
}


class Watch:
    """One client's reports and errors. librdkafka calls it in the thread that polls the client."""

    def __init__(self, metrics: KafkaClientMetrics, client: str) -> None:
        """`client`: the label, one of few."""
        self._metrics = metrics
        self._client = client
        self._before: dict[Counter, int] = {}

    def configuration(self) -> dict[str, Any]:
        """The properties that make a new client report here."""
        self._before = {}  # a new client counts from 0
        for reason in KAFKA_CLIENT_ERRORS:
            self._metrics.errors.labels(self._client, reason)
        return {"statistics.interval.ms": INTERVAL_MS, "stats_cb": self.reported, "error_cb": self.failed}

    def reported(self, text: str) -> None:
        """Take a report. One that cannot be read is told and passed over: numbers must not end what they are about."""
        try:
            report = _DECODER.decode(text)
        except (DecodeError, ValidationError) as error:
            log.warning("kafka.statistics_unreadable", client=self._client, error=str(error))
            return
        brokers = [broker for broker in report.brokers.values() if broker.nodeid >= 0]
        up = sum(broker.up for broker in brokers)
        metrics, client = self._metrics, self._client
        for state, count in zip(BROKER_STATES, (up, len(brokers) - up), strict=True):
            metrics.brokers.labels(client, state).set(count)
        slowest = max((broker.rtt for broker in brokers), key=lambda rtt: rtt.p99, default=Window())
        for quantile, micros in zip(RTT_QUANTILES, (slowest.p50, slowest.p99), strict=True):
            metrics.rtt.labels(client, quantile).set(micros / 1e6)
        metrics.throttle.labels(client).set(max((broker.throttle.max for broker in brokers), default=0) / 1e3)
        metrics.queue_messages.labels(client).set(report.msg_cnt)
        metrics.queue_bytes.labels(client).set(report.msg_size)

        def total(number: Callable[[Broker], int]) -> int:
            return sum(map(number, report.brokers.values()))

        metrics.requests_in_flight.labels(client).set(total(lambda one: one.outbuf_cnt + one.waitresp_cnt))
        self._count(metrics.sent_bytes, report.tx_bytes)
        self._count(metrics.received_bytes, report.rx_bytes)
        self._count(metrics.request_errors, total(lambda one: one.txerrs + one.rxerrs))
        self._count(metrics.request_retries, total(lambda one: one.txretries))
        self._count(metrics.request_timeouts, total(lambda one: one.req_timeouts))
        self._count(metrics.disconnects, total(lambda one: one.disconnects))
        self._count(metrics.rebalances, report.cgrp.rebalance_cnt)

    def failed(self, error: RdKafkaError) -> None:
        """Take an error of the client as a whole."""
        self._metrics.errors.labels(self._client, _REASONS.get(error.code(), "other")).inc()

    def closed(self) -> None:
        """The client is gone: what it was like is no longer so."""
        metrics = self._metrics
        for family, values in ((metrics.brokers, BROKER_STATES), (metrics.rtt, RTT_QUANTILES)):
            for value in values:
                family.remove(self._client, value)
        for plain in (metrics.throttle, metrics.queue_messages, metrics.queue_bytes, metrics.requests_in_flight):
            plain.remove(self._client)

    def _count(self, counter: Counter, now: int) -> None:
        # A broker that is forgotten takes its counts along: a sum over brokers may shrink.
        counter.labels(self._client).inc(max(0, now - self._before.get(counter, 0)))
        self._before[counter] = now
