"""One stream at a time: its connection, its flow, its delays, what it lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders.dashboard import Row

from observability.board import board, choice
from observability.panels import FAULT, NONE_ALLOWED, lines, number, quantiles, query, states
from observability.queries import CHOSEN, grown, highest, rate, series

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard
    from grafana_foundation_sdk.builders.prometheus import Dataquery

    from observability.panels import AnyPanel

PREFIX: Final = "benzinga_source"
STREAM: Final = 'stream=~"$stream"'


def dashboard() -> Dashboard:
    """The dashboard `benzinga-kafka-source`."""
    made = board("source", "Benzinga / Source", "One stream at a time: connection, flow, delays, loss.")
    made.with_variable(choice("stream", "Stream", f"label_values(benzinga_source_owned{{{CHOSEN}}}, stream)"))
    for title, panels in (
        ("Now", _now()),
        ("Connection", _connection()),
        ("Flow", _flow()),
        ("Delays", _delays()),
        ("Loss", _loss()),
        ("Process", _process()),
    ):
        made.with_row(Row(title))
        for panel in panels:
            made.with_panel(panel)
    return made


def _of(name: str) -> str:
    return series(f"{PREFIX}_{name}", STREAM)


def _rates(name: str, label: str) -> Dataquery:
    return query(rate(f"{PREFIX}_{name}_total", "stream", label, where=STREAM), f"{{{{stream}}}} {{{{{label}}}}}")


def _now() -> tuple[AnyPanel, ...]:
    return (
        number(
            "Down", "Chosen streams without a connection, or without an owner.", "short",
            f"count({highest(_of('connected'), 'stream')} * {highest(_of('owned'), 'stream')} == 0) or vector(0)",
            steps=FAULT, alert="BenzingaStreamNotConnected",
        ),
        number(
            "Received", "Messages within the time range.", "short",
            grown(f"{PREFIX}_messages_received_total", where=STREAM), decimals=0,
        ),
        number(
            "Published", "Records committed within the time range.", "short",
            grown(f"{PREFIX}_records_published_total", where=STREAM), decimals=0,
        ),
        number(
            "Duplicates", "Messages dropped within the time range because they were known: replays, mostly.", "short",
            grown(f"{PREFIX}_duplicates_total", where=STREAM), decimals=0, alert="BenzingaDuplicates",
        ),
        number(
            "Gaps", "Records on the gaps topic within the time range.", "short",
            grown(f"{PREFIX}_gaps_total", where=STREAM), decimals=0, steps=NONE_ALLOWED, alert="BenzingaGap",
        ),
        number(
            "Dead letters", "Frames on dead-letters within the time range.", "short",
            grown(f"{PREFIX}_dead_letters_total", where=STREAM), decimals=0, steps=NONE_ALLOWED, alert="BenzingaDeadLetters",
        ),
    )  # fmt: skip


def _connection() -> tuple[AnyPanel, ...]:
    return (
        states(
            "Connected", "Whether the stream's socket is open.",
            query(highest(_of("connected"), "stream"), "{{stream}}"),
            words={0: ("down", "red"), 1: ("connected", "green")}, alert="BenzingaStreamNotConnected",
        ),
        states(
            "Owner", "The pod that carries each stream; a change is a take-over.",
            query(_of("owned"), "{{stream}} on {{pod}}"),
            words={0: ("standby", "#808080"), 1: ("owner", "green")}, alert="BenzingaStreamNotOwned",
        ),
        states(
            "Market", "When messages are expected: 04:00 to 20:00 in New York, on trading days.",
            query(highest(_of("expected_active"), "stream"), "{{stream}}"),
            words={0: ("closed", "#808080"), 1: ("open", "green")},
        ),
        lines(
            "Connects by result", "Attempts: ok, or how the handshake failed. unauthorized and forbidden are for Benzinga or the key's "
            "owner, conflict is another process with the same key.", "ops",
            _rates("connects", "result"), alert="BenzingaFeedRefused",
        ),
        lines(
            "Reconnects by reason", "Why a connection ended or did not come about.", "ops",
            _rates("reconnects", "reason"), alert="BenzingaReconnecting",
        ),
        lines(
            "Ping to pong", "The feed's answer to a text ping: network and the feed's own load.", "s",
            *quantiles(f"{PREFIX}_pong_seconds", where=STREAM),
        ),
        lines(
            "Silence against patience", "Market time since the last message that was new, as a part of what is borne before the socket "
            "is replaced.", "percentunit",
            query(f"{highest(_of('silence_seconds'), 'stream')} / {highest(_of('silence_limit_seconds'), 'stream')}", "{{stream}}"),
            steps=((1, "red"),), alert="BenzingaStreamSilent",
        ),
    )  # fmt: skip


def _flow() -> tuple[AnyPanel, ...]:
    return (
        lines("Received by action", "Messages that left the socket.", "ops", _rates("messages_received", "action"), stacked=True),
        lines(
            "Published by stream", "Records committed to the stream's topic.", "ops",
            query(rate(f"{PREFIX}_records_published_total", "stream", where=STREAM), "{{stream}}"), stacked=True,
        ),
        lines(
            "Duplicates by origin", "Messages dropped because they are known. `live` beyond a few means that the feed repeats itself.",
            "ops", _rates("duplicates", "origin"), alert="BenzingaDuplicates",
        ),
        lines("Control frames by type", "Frames that are not messages.", "ops", _rates("control_frames", "type")),
        lines(
            "Replayed", "Messages received in the settle window after a replay.", "ops",
            query(rate(f"{PREFIX}_replayed_messages_total", "stream", where=STREAM), "{{stream}}"),
        ),
        lines(
            "The feed changes", "Values that went to extras because no field takes them, and known ids with another content.", "ops",
            query(rate(f"{PREFIX}_unknown_fields_total", "stream", where=STREAM), "{{stream}} unknown fields"),
            query(rate(f"{PREFIX}_id_conflicts_total", "stream", where=STREAM), "{{stream}} id conflicts"),
        ),
    )  # fmt: skip


def _delays() -> tuple[AnyPanel, ...]:
    return (
        lines(
            "Feed lag", "From the event to its receipt, live messages only: Benzinga and the network.", "s",
            *quantiles(f"{PREFIX}_feed_lag_seconds", where=STREAM), steps=((30, "red"),), alert="BenzingaFeedStale",
        ),
        lines(
            "Publish", "From receipt to commit: our side and Kafka.", "s",
            *quantiles(f"{PREFIX}_publish_seconds", where=STREAM), steps=((1, "red"),), alert="BenzingaPublishSlow",
        ),
        lines(
            "Pending messages", "Received and not yet committed.", "short",
            query(highest(_of("pending_messages"), "stream"), "{{stream}}"),
        ),
        lines(
            "Oldest pending", "Age of the oldest message that is not committed.", "s",
            query(highest(_of("pending_oldest_seconds"), "stream"), "{{stream}}"), steps=((60, "red"),), alert="BenzingaPublishStuck",
        ),
        lines(
            "Transactions by result", "All but the committed ones cost time, never messages.", "ops",
            _rates("transactions", "result"), alert="BenzingaTransactionsAborting",
        ),
        lines(
            "Journal", "Frames on the local disk that Kafka has not taken, as a part of what the journal may take.", "percentunit",
            query(f"{highest(_of('journal_bytes'), 'stream')} / {highest(_of('journal_max_bytes'), 'stream')}", "{{stream}}"),
            steps=((0.5, "orange"), (0.8, "red")), alert="BenzingaJournalFilling",
        ),
    )  # fmt: skip


def _loss() -> tuple[AnyPanel, ...]:
    return (
        lines(
            "Journal failures by reason", "Writes the disk refused, and journals of which something could not be used, a second.", "ops",
            _rates("journal_failures", "reason"), alert="BenzingaJournalFailing",
        ),
        lines(
            "Gaps by reason", "Records on the gaps topic, a second: what may be missing.", "ops",
            _rates("gaps", "reason"), width=6, alert="BenzingaGap",
        ),
        lines(
            "Dead letters by reason", "Frames on dead-letters, a second.", "ops",
            _rates("dead_letters", "reason"), width=6, alert="BenzingaDeadLetters",
        ),
    )  # fmt: skip


def _process() -> tuple[AnyPanel, ...]:
    ours = f"and on (namespace, pod, instance) count by (namespace, pod, instance) ({series(f'{PREFIX}_owned')})"
    return (
        lines(
            "CPU", "Processor time a second; 1 is one core, and one core is all that a source's own code can use.", "short",
            query(f"rate(process_cpu_seconds_total{{{CHOSEN}}}[$__rate_interval]) {ours}", "{{pod}}"),
        ),
        lines(
            "Memory", "Resident memory.", "bytes",
            query(f"process_resident_memory_bytes{{{CHOSEN}}} {ours}", "{{pod}}"),
        ),
    )  # fmt: skip
