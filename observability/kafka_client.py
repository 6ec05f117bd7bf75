"""What librdkafka says of our clients, and how the schema registry answers: is it Kafka, or are we asking too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders.dashboard import Row

from observability.board import board, choice
from observability.panels import FAULT, lines, number, query
from observability.queries import CHOSEN, highest, rate, series, total

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard
    from grafana_foundation_sdk.builders.prometheus import Dataquery

    from observability.panels import AnyPanel

PREFIX: Final = "benzinga_kafka_client"
P99: Final = 'quantile="0.99"'
CLIENT: Final = 'client=~"$client"'


def dashboard() -> Dashboard:
    """The dashboard `benzinga-kafka-kafka-client`."""
    made = board(
        "kafka-client", "Benzinga / Kafka client", "librdkafka's own numbers, summed up a client; the schema registry."
    )
    made.with_variable(
        choice("client", "Client", f"label_values(benzinga_kafka_client_errors_total{{{CHOSEN}}}, client)")
    )
    for title, panels in (("Brokers", _brokers()), ("Queue and requests", _queue()), ("Trouble", _trouble())):
        made.with_row(Row(title))
        for panel in panels:
            made.with_panel(panel)
    return made


def _of(name: str, where: str = "") -> str:
    return series(f"{PREFIX}_{name}", f"{CLIENT}, {where}" if where else CLIENT)


def _rate(name: str) -> Dataquery:
    return query(rate(f"{PREFIX}_{name}_total", "client", where=CLIENT), "{{client}}")


def _brokers() -> tuple[AnyPanel, ...]:
    up = total(_of("brokers", 'state="up"'), "namespace", "job", "pod", "client")
    return (
        number(
            "Clients without a broker", "Clients that are connected to no broker at all.", "short",
            f"count({up} == 0) or vector(0)", steps=FAULT, width=6, alert="BenzingaKafkaUnreachable",
        ),
        number(
            "Slowest round trip, p99", "Of the slowest broker of the slowest client.", "s",
            f"max({_of('rtt_seconds', P99)})", width=6, steps=((0.5, "orange"), (2, "red")),
        ),
        number(
            "Records in queues", "Records that producers have not sent or had no answer to.", "short",
            f"sum({_of('queue_messages')})", width=6,
        ),
        number(
            "Held back", "Longest that a broker held a client back, to keep a quota.", "s", f"max({_of('throttle_seconds')})",
            width=6, steps=((0.1, "orange"), (1, "red")),
        ),
        lines(
            "Brokers connected", "Brokers each client is connected to; it connects to those it needs.", "short",
            query(highest(_of("brokers", 'state="up"'), "client"), "{{client}}"), alert="BenzingaKafkaUnreachable",
        ),
        lines(
            "Round trip, p99", "Requests to the slowest broker. A consumer's fetches wait at the broker for records: `processor` is no delay.",
            "s", query(highest(_of("rtt_seconds", P99), "client"), "{{client}}"),
        ),
    )  # fmt: skip


def _queue() -> tuple[AnyPanel, ...]:
    return (
        lines(
            "Queue", "Bytes in the producers' queues; they hold 64 MiB.", "bytes",
            query(total(_of("queue_bytes"), "client"), "{{client}}"), alert="BenzingaPublishStuck",
        ),
        lines(
            "Requests in flight", "To be sent, or without an answer so far.", "short",
            query(total(_of("requests_in_flight"), "client"), "{{client}}"),
        ),
        lines("Sent", "Bytes to brokers.", "Bps", _rate("sent_bytes"), stacked=True),
        lines("Received", "Bytes from brokers.", "Bps", _rate("received_bytes"), stacked=True),
    )  # fmt: skip


def _trouble() -> tuple[AnyPanel, ...]:
    return (
        lines(
            "Errors by reason", "authentication and ssl: credentials or certificates; all_brokers_down: network or cluster.", "ops",
            query(rate(f"{PREFIX}_errors_total", "client", "reason", where=CLIENT), "{{client}} {{reason}}"), alert="BenzingaKafkaRefused",
        ),
        lines("Disconnects", "Connections to brokers that ended; brokers close idle ones after ten minutes.", "ops", _rate("disconnects")),
        lines("Request time-outs", "Requests without an answer in time.", "ops", _rate("request_timeouts")),
        lines("Request retries", "Requests sent once more.", "ops", _rate("request_retries")),
        lines("Request errors", "Requests that failed, and answers that could not be read.", "ops", _rate("request_errors")),
        lines("Rebalances", "Of the consumer group; each moves partitions among the processors.", "ops", _rate("rebalances")),
        lines(
            "Schema registry by result", "Questions and their answers. What runs asks only for schemas it does not know yet.", "ops",
            query(rate("benzinga_schema_registry_requests_total", "job", "result"), "{{job}} {{result}}"),
            alert="BenzingaRegistryUnavailable",
        ),
    )  # fmt: skip
