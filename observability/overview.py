"""The first look at three in the morning: is it fresh, connected, losing, slow, and who is at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders.dashboard import Row

from observability.board import board
from observability.panels import FAULT, NONE_ALLOWED, Column, lines, number, query, rows, states
from observability.queries import CHOSEN, grown, highest, quantile, rate, series, total

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

    from observability.panels import AnyPanel

SOURCE: Final = "benzinga_source"
PROCESSOR: Final = "benzinga_processor"

OWNED: Final = highest(series(f"{SOURCE}_owned"), "stream")
CONNECTED: Final = highest(series(f"{SOURCE}_connected"), "stream")
SILENCE: Final = f"{highest(series(f'{SOURCE}_silence_seconds'), 'stream')} / {highest(series(f'{SOURCE}_silence_limit_seconds'), 'stream')}"
RECENTLY: Final = "5m"


def dashboard() -> Dashboard:
    """The dashboard `benzinga-kafka-overview`."""
    made = board("overview", "Benzinga / Overview", "Is it fresh, connected, losing, slow; and who is at fault?")
    made.with_row(Row("Now"))
    for panel in _now():
        made.with_panel(panel)
    made.with_row(Row("Who is at fault"))
    made.with_panel(_blame())
    made.with_row(Row("Streams"))
    made.with_panel(_streams())
    made.with_row(Row("Flow"))
    for panel in _flow():
        made.with_panel(panel)
    return made


def _now() -> tuple[AnyPanel, ...]:
    return (
        number(
            "Streams down", "Streams that have no connection, or that no process carries. 0 is good.", "short",
            f"count({CONNECTED} * {OWNED} == 0) or vector(0)", steps=FAULT, alert="BenzingaStreamNotConnected",
        ),
        number(
            "Fresh", "How much of its patience the quietest stream has used up; market time only, so a quiet night does not "
            "count. Above 100 % its socket is replaced.", "percentunit",
            f"max({SILENCE})", steps=((0.8, "orange"), (1, "red")), decimals=0, alert="BenzingaStreamSilent",
        ),
        number(
            "Losing", "Records on the gaps topic within the time range: what may be missing, between what, when and why.",
            "short", grown(f"{SOURCE}_gaps_total"), steps=NONE_ALLOWED, decimals=0, alert="BenzingaGap",
        ),
        number(
            "Not readable", "Dead letters of source and processor within the time range; kept, and fit to be redriven.", "short",
            f"({grown(f'{SOURCE}_dead_letters_total')} or vector(0)) + ({grown(f'{PROCESSOR}_dead_letters_total')} or vector(0))",
            steps=NONE_ALLOWED, decimals=0, alert="BenzingaDeadLetters",
        ),
        number(
            "Slow", "Age of the oldest message that is received and not committed to Kafka.", "s",
            f"max({series(f'{SOURCE}_pending_oldest_seconds')})", steps=((1, "orange"), (60, "red")),
            alert="BenzingaPublishStuck",
        ),
        number(
            "Processor behind", "Age of the oldest sentence that is not processed, on the partition that is worst.", "s",
            f"max({series(f'{PROCESSOR}_consumer_lag_seconds')}) or vector(0)", steps=((60, "orange"), (600, "red")),
            alert="BenzingaProcessorLag",
        ),
    )  # fmt: skip


def _blame() -> AnyPanel:
    """Trouble of the last five minutes by the side it comes from; every event is counted on one side only."""

    def side(*parts: str) -> str:
        return " + ".join(f"({part} or vector(0))" for part in parts)

    reconnects = f"{SOURCE}_reconnects_total"
    restarts = f"(time() - process_start_time_seconds{{{CHOSEN}}} < 300) and on (namespace, pod, instance) {series('benzinga_build_info')}"
    return states(
        "Trouble of the last five minutes, by side",
        "Events in any five minutes; green is none. Feed: refusals (401, 403, 429, 5xx), closed sockets, missing pongs. Network: no route, "
        "time-outs, TLS. Kafka: transactions that did not commit, requests that timed out, errors of the clients. Registry: questions without "
        "a good answer. Us: restarts, refused rules, records we could not encode or use.",
        query(side(grown(
            reconnects, where='reason=~"closed|pong_timeout|conflict|unavailable|unauthorized|forbidden"', over=RECENTLY,
        )), "Feed"),
        query(side(grown(reconnects, where='reason=~"network|timeout|tls"', over=RECENTLY)), "Network"),
        query(side(
            grown(f"{SOURCE}_transactions_total", where='result!="committed"', over=RECENTLY),
            grown(f"{PROCESSOR}_transactions_total", where='result!="committed"', over=RECENTLY),
            grown("benzinga_kafka_client_request_timeouts_total", over=RECENTLY),
            grown("benzinga_kafka_client_errors_total", over=RECENTLY),
        ), "Kafka"),
        query(side(grown("benzinga_schema_registry_requests_total", where='result!="ok"', over=RECENTLY)), "Registry"),
        query(side(
            f"count({restarts})",
            f"sum({series(f'{PROCESSOR}_rules_refused')})",
            grown(f"{SOURCE}_dead_letters_total", where='reason=~"encode|schema"', over=RECENTLY),
            grown(f"{PROCESSOR}_dead_letters_total", over=RECENTLY),
        ), "Us"),
        steps=((0.5, "orange"), (10, "red")),
        unit="short",
    )  # fmt: skip


def _streams() -> AnyPanel:
    def gauge(name: str) -> str:
        return highest(series(f"{SOURCE}_{name}"), "stream")

    return rows(
        "Streams", "Every configured stream as it is now; counts are of the time range.", "stream",
        [
            Column("Owned", OWNED, "bool_yes_no"),
            Column("Connected", CONNECTED, "bool_yes_no"),
            Column("Messages/s", rate(f"{SOURCE}_messages_received_total", "stream"), "ops", decimals=2),
            Column("Last message", f"time() - ({gauge('last_message_timestamp_seconds')} > 0)", "s"),
            Column("Silence, market time", gauge("silence_seconds"), "s"),
            Column("Patience used", SILENCE, "percentunit", ((0.8, "orange"), (1, "red")), 0),
            Column("Feed lag p99", quantile(0.99, f"{SOURCE}_feed_lag_seconds", "stream"), "s", ((30, "orange"),)),
            Column("Publish p99", quantile(0.99, f"{SOURCE}_publish_seconds", "stream"), "s", ((1, "orange"),)),
            Column("Pending", gauge("pending_messages"), "short"),
            Column("Gaps", grown(f"{SOURCE}_gaps_total", "stream"), "short", NONE_ALLOWED, 0),
            Column("Dead letters", grown(f"{SOURCE}_dead_letters_total", "stream"), "short", NONE_ALLOWED, 0),
            Column("Duplicates", grown(f"{SOURCE}_duplicates_total", "stream"), "short", (), 0),
            Column("Reconnects", grown(f"{SOURCE}_reconnects_total", "stream"), "short", (), 0),
        ],
        height=10,
    )  # fmt: skip


def _flow() -> tuple[AnyPanel, ...]:
    return (
        lines(
            "Received", "Messages that left the sockets; known ones included.", "ops",
            query(rate(f"{SOURCE}_messages_received_total", "stream"), "{{stream}}"), stacked=True,
        ),
        lines(
            "Published", "Records committed to Kafka.", "ops",
            query(rate(f"{SOURCE}_records_published_total", "stream"), "{{stream}}"), stacked=True,
        ),
        lines(
            "Feed lag, p99", "From the event to its receipt, live messages only: Benzinga's side and the network. 30 s is the objective "
            "for 95 % of the messages.", "s",
            query(quantile(0.99, f"{SOURCE}_feed_lag_seconds", "stream"), "{{stream}}"),
            steps=((30, "red"),), alert="BenzingaFeedStale",
        ),
        lines(
            "Publish, p99", "From receipt to commit: our side and Kafka. 1 s is the objective for 99 % of the messages.", "s",
            query(quantile(0.99, f"{SOURCE}_publish_seconds", "stream"), "{{stream}}"),
            steps=((1, "red"),), alert="BenzingaPublishSlow",
        ),
        lines(
            "Calls and alerts", "What the processor publishes.", "ops",
            query(f"{rate(f'{PROCESSOR}_calls_published_total')} or vector(0)", "calls"),
            query(f"{rate(f'{PROCESSOR}_alerts_total')} or vector(0)", "alerts"),
        ),
        lines(
            "Sentence to alert", "From the sentence's receipt by the source to the alert's commit.", "s",
            query(f"{quantile(0.5, f'{PROCESSOR}_alert_seconds')} or vector(0)", "p50"),
            query(f"{quantile(0.99, f'{PROCESSOR}_alert_seconds')} or vector(0)", "p99"),
        ),
        lines(
            "Transactions", "Ended ones, of source and processor; all but the committed ones cost time, never messages.", "ops",
            query(
                total(
                    f"rate({series(f'{SOURCE}_transactions_total')}[$__rate_interval]) or "
                    f"rate({series(f'{PROCESSOR}_transactions_total')}[$__rate_interval])",
                    "result",
                ),
                "{{result}}",
            ),
            alert="BenzingaTransactionsAborting",
        ),
        lines(
            "Versions", "Processes by version; two for long is a roll-out that is stuck.", "short",
            query(f"count by (job, version) ({series('benzinga_build_info')})", "{{job}} {{version}}"),
            stacked=True, alert="BenzingaVersionSkew",
        ),
    )  # fmt: skip
