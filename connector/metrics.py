"""Every metric, in one place: the names are public (contract §5).

A process makes one `SourceMetrics` on its own registry. Every series of a known stream and reason exists, at 0,
from the start, so that a rate over it is right from the first increase.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics

from connector import __version__
from connector.histogram import Histogram
from connector.messages import CONTROL_TYPES, DEAD_LETTER_REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: from a commit on a local broker to an outage somebody is woken for."""

CONNECT_RESULTS: Final = ("ok", "unauthorized", "forbidden", "conflict", "unavailable", "timeout", "network")
RECONNECT_REASONS: Final = (
    "closed", "pong_timeout", "idle", "too_large",
    "network", "tls", "conflict", "unavailable", "timeout", "unauthorized", "forbidden",
)  # fmt: skip
GAP_REASONS: Final = ("no_overlap", "no_replay", "sequence", "too_large", "journal_full")
JOURNAL_FAILURES: Final = ("write", "damaged", "foreign")
DUPLICATE_ORIGINS: Final = ("live", "replay", "journal")
ACTIONS: Final = ("created", "updated", "deleted", "sentence", "message", "audio", "other")
TRANSACTION_RESULTS: Final = ("committed", "aborted", "fenced", "failed")


def bounded(value: str, known: tuple[str, ...]) -> str:
    """`value` where it is a known label value, else `other`: the feed must not choose how many series there are."""
    return value if value in known else "other"


def new_registry() -> CollectorRegistry:
    """A registry that already tells the version, and what the process uses (`process_*`, as every exporter has it)."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a gauge more for every series, which nothing here is read by
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    Gauge("benzinga_build_info", "The connector's version.", ["version"], registry=registry).labels(__version__).set(1)
    return registry


KAFKA_CLIENT_ERRORS: Final = ("authentication", "ssl", "all_brokers_down", "network", "timeout", "other")
BROKER_STATES: Final = ("up", "down")
RTT_QUANTILES: Final = ("0.5", "0.99")


class KafkaClientMetrics:
    """The `benzinga_kafka_client_*` family: what librdkafka says of each client, and nothing that grows.

    `client`: `source.<stream>`, `processor.<partition>` (producers), `source`, `processor` (members of the consumer
    groups). Its gauges exist while the client does.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        prefix = "benzinga_kafka_client"

        def gauge(name: str, help_: str, *labels: str) -> Gauge:
            return Gauge(f"{prefix}_{name}", help_, ["client", *labels], registry=registry)

        def counter(name: str, help_: str, *labels: str) -> Counter:
            return Counter(f"{prefix}_{name}", help_, ["client", *labels], registry=registry)

        self.brokers = gauge("brokers", "Brokers the client knows of, by whether it is connected to them.", "state")
        self.rtt = gauge(
            "rtt_seconds", "Round trip of requests to the slowest broker; a consumer's fetches wait there.", "quantile"
        )
        self.throttle = gauge("throttle_seconds", "The longest a broker held the client back, to keep a quota.")
        self.queue_messages = gauge("queue_messages", "Records in the producer's queue.")
        self.queue_bytes = gauge("queue_bytes", "Bytes in the producer's queue.")
        self.requests_in_flight = gauge("requests_in_flight", "Requests to be sent, or without an answer so far.")
        self.sent_bytes = counter("sent_bytes", "Bytes sent to brokers.")
        self.received_bytes = counter("received_bytes", "Bytes received from brokers.")
        self.request_errors = counter("request_errors", "Requests that failed, and answers that could not be read.")
        self.request_retries = counter("request_retries", "Requests sent once more.")
        self.request_timeouts = counter("request_timeouts", "Requests without an answer in time.")
        self.disconnects = counter("disconnects", "Connections to brokers that ended.")
        self.rebalances = counter("rebalances", "Rebalances of the consumer's group.")
        self.errors = counter("errors", "Errors that librdkafka reported of the client as a whole.", "reason")


class RegistryMetrics:
    """The `benzinga_schema_registry_*` family."""

    RESULTS: Final = ("ok", "refused", "unavailable")

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "benzinga_schema_registry_requests", "Questions to the schema registry.", ["result"], registry=registry
        )
        for result in self.RESULTS:
            self.requests.labels(result)

    def count(self, result: str) -> None:
        """Count one answer."""
        self.requests.labels(result).inc()


class SourceMetrics:
    """The `benzinga_source_*` family."""

    def __init__(self, registry: CollectorRegistry, streams: Iterable[str]) -> None:
        prefix = "benzinga_source"

        def gauge(name: str, help_: str) -> Gauge:
            return Gauge(f"{prefix}_{name}", help_, ["stream"], registry=registry)

        def counter(name: str, help_: str, *labels: str) -> Counter:
            return Counter(f"{prefix}_{name}", help_, ["stream", *labels], registry=registry)

        def histogram(name: str, help_: str) -> Histogram:
            return Histogram(f"{prefix}_{name}", help_, ["stream"], registry=registry, buckets=BUCKETS)

        self.owned = gauge("owned", "1 while this process owns the stream.")
        self.connected = gauge("connected", "1 while the stream's socket is open.")
        self.connects = counter("connects", "Connection attempts.", "result")
        self.reconnects = counter(
            "reconnects", "Connections lost or refused, so that another attempt was due.", "reason"
        )
        self.messages_received = counter("messages_received", "Messages that left the socket.", "action")
        self.records_published = counter("records_published", "Records committed to the stream's topic.")
        self.duplicates = counter("duplicates", "Messages dropped because they are known.", "origin")
        self.dead_letters = counter("dead_letters", "Frames committed to dead-letters.", "reason")
        self.gaps = counter("gaps", "Records committed to gaps: something may be missing.", "reason")
        self.replayed_messages = counter("replayed_messages", "Messages received in the settle window after a replay.")
        self.unknown_fields = counter("unknown_fields", "Values that went to extras.")
        self.id_conflicts = counter("id_conflicts", "Messages with a known id and another content.")
        self.control_frames = counter("control_frames", "Frames that are not messages.", "type")
        self.last_message_timestamp = gauge("last_message_timestamp_seconds", "When the last message left the socket.")
        self.expected_active = gauge("expected_active", "1 while US markets are active, so that messages are expected.")
        self.silence = gauge(
            "silence_seconds", "Market time since the last message that was new; 0 while this process is not the owner."
        )
        self.silence_limit = gauge(
            "silence_limit_seconds", "Market time without a message after which the socket is replaced."
        )
        self.feed_lag = histogram("feed_lag_seconds", "From the event's time to the frame's receipt; not of replays.")
        self.publish = histogram("publish_seconds", "From the frame's receipt to its commit.")
        self.transactions = counter("transactions", "Transactions ended.", "result")
        self.pending_messages = gauge("pending_messages", "Messages received and not yet committed.")
        self.pending_oldest = gauge("pending_oldest_seconds", "Age of the oldest message not yet committed.")
        self.journal_bytes = gauge("journal_bytes", "Bytes of the stream's journal.")
        self.journal_max_bytes = gauge("journal_max_bytes", "Most bytes the stream's journal may take.")
        self.journal_failures = counter(
            "journal_failures", "Writes the disk refused; journals, or rows of one, that could not be used.", "reason"
        )
        self.pong = histogram("pong_seconds", "From a text ping to its pong.")
        self.kafka = KafkaClientMetrics(registry)
        self.registry = RegistryMetrics(registry)
        for stream in streams:
            self._create_series(stream)

    def _create_series(self, stream: str) -> None:
        for plain in (
            self.owned, self.connected, self.records_published, self.replayed_messages, self.unknown_fields,
            self.id_conflicts, self.last_message_timestamp, self.feed_lag, self.publish, self.pending_messages,
            self.pending_oldest, self.journal_bytes, self.journal_max_bytes, self.pong, self.expected_active,
            self.silence, self.silence_limit,
        ):  # fmt: skip
            plain.labels(stream)
        for family, values in (
            (self.connects, CONNECT_RESULTS),
            (self.reconnects, RECONNECT_REASONS),
            (self.messages_received, ACTIONS),
            (self.duplicates, DUPLICATE_ORIGINS),
            (self.dead_letters, DEAD_LETTER_REASONS),
            (self.gaps, GAP_REASONS),
            (self.control_frames, CONTROL_TYPES),
            (self.journal_failures, JOURNAL_FAILURES),
            (self.transactions, TRANSACTION_RESULTS),
        ):
            for value in values:
                family.labels(stream, value)


CALL_REASONS: Final = ("complete", "idle", "max_duration", "revised", "snapshot")
SENTENCE_OUTCOMES: Final = ("joined", "duplicate", "corrected", "late")
RELOAD_RESULTS: Final = ("ok", "refused")
PROCESSOR_DEAD_LETTER_REASONS: Final = ("too_late", "schema", "encode")


class ProcessorMetrics:
    """The `benzinga_processor_*` family."""

    def __init__(self, registry: CollectorRegistry) -> None:
        prefix = "benzinga_processor"

        def gauge(name: str, help_: str, *labels: str) -> Gauge:
            return Gauge(f"{prefix}_{name}", help_, labels, registry=registry)

        def counter(name: str, help_: str, *labels: str) -> Counter:
            return Counter(f"{prefix}_{name}", help_, labels, registry=registry)

        self.lag_messages = gauge("consumer_lag_messages", "Committed records not yet processed.", "topic", "partition")
        self.lag_seconds = gauge("consumer_lag_seconds", "Age of the oldest of them.", "topic", "partition")
        self.sentences = counter("sentences", "Sentences by what became of them.", "outcome")
        self.open_calls = gauge("open_calls", "Calls that have not closed.")
        self.close_overdue = gauge(
            "close_overdue_seconds", "How long ago the call that waits longest was to be closed."
        )
        self.calls_published = counter("calls_published", "Revisions committed to calls.", "reason")
        self.missing_sentences = counter("missing_sentences", "Sentences missing from calls when they closed.")
        self.alerts = counter("alerts", "Alerts committed.", "rule")
        self.alerts_suppressed = counter("alerts_suppressed", "Alerts the cooldown held back.", "rule")
        self.alert_seconds = Histogram(
            f"{prefix}_alert_seconds",
            "From the sentence's receipt by the source to the alert's commit.",
            registry=registry,
            buckets=BUCKETS,
        )
        self.rules_reloads = counter("rules_reloads", "Changes of the rules file that were looked at.", "result")
        self.rules_info = gauge("rules_info", "1 for the rules in force.", "version")
        self.rules_refused = gauge(
            "rules_refused", "1 while the rules file cannot be used and older rules stay in force."
        )
        self.dead_letters = counter("dead_letters", "Records committed to dead-letters.", "reason")
        self.transactions = counter("transactions", "Transactions ended.", "result")
        self.kafka = KafkaClientMetrics(registry)
        self.registry = RegistryMetrics(registry)
        for family, values in (
            (self.sentences, SENTENCE_OUTCOMES),
            (self.calls_published, CALL_REASONS),
            (self.rules_reloads, RELOAD_RESULTS),
            (self.dead_letters, PROCESSOR_DEAD_LETTER_REASONS),
            (self.transactions, TRANSACTION_RESULTS),
        ):
            for value in values:
                family.labels(value)
