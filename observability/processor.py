"""Calls and alerts: how far behind, what comes of the sentences, what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders.dashboard import Row

from observability.board import board
from observability.panels import FAULT, NONE_ALLOWED, lines, number, quantiles, query
from observability.queries import CHOSEN, grown, highest, rate, series

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

    from observability.panels import AnyPanel

PREFIX: Final = "benzinga_processor"


def dashboard() -> Dashboard:
    """The dashboard `benzinga-kafka-processor`."""
    made = board("processor", "Benzinga / Processor", "Calls and alerts: lag, outcomes, what waits.")
    for title, panels in (
        ("Now", _now()),
        ("Lag", _lag()),
        ("Calls", _calls()),
        ("Alerts", _alerts()),
        ("Process", _process()),
    ):
        made.with_row(Row(title))
        for panel in panels:
            made.with_panel(panel)
    return made


def _of(name: str) -> str:
    return series(f"{PREFIX}_{name}")


def _now() -> tuple[AnyPanel, ...]:
    return (
        number(
            "Behind", "Age of the oldest sentence that is not processed.", "s", f"max({_of('consumer_lag_seconds')})",
            steps=((60, "orange"), (600, "red")), alert="BenzingaProcessorLag",
        ),
        number("Open calls", "Calls that have not closed.", "short", f"sum({_of('open_calls')})"),
        number(
            "Overdue", "How long ago the call that waits longest was to be closed. While the processor is behind, it waits for what is "
            "unread.", "s", f"max({_of('close_overdue_seconds')})", steps=((60, "orange"), (300, "red")), alert="BenzingaCallsNotClosing",
        ),
        number("Alerts", "Alerts within the time range.", "short", f"{grown(f'{PREFIX}_alerts_total')} or vector(0)", decimals=0),
        number(
            "Rules refused", "Processes whose rules file cannot be used as it is now.", "short", f"sum({_of('rules_refused')})",
            steps=FAULT, alert="BenzingaRulesRefused",
        ),
        number(
            "Dead letters", "Records on dead-letters within the time range.", "short", grown(f"{PREFIX}_dead_letters_total"),
            steps=NONE_ALLOWED, decimals=0, alert="BenzingaDeadLetters",
        ),
    )  # fmt: skip


def _lag() -> tuple[AnyPanel, ...]:
    return (
        lines(
            "Lag in seconds", "Age of the oldest sentence that is not processed.", "s",
            query(highest(_of("consumer_lag_seconds"), "topic", "partition"), "{{topic}} {{partition}}"),
            steps=((60, "red"),), alert="BenzingaProcessorLag",
        ),
        lines(
            "Lag in messages", "Committed records that are not processed.", "short",
            query(highest(_of("consumer_lag_messages"), "topic", "partition"), "{{topic}} {{partition}}"),
            alert="BenzingaProcessorLag",
        ),
        lines(
            "Partitions by process", "How the group has shared them out.", "short",
            query(f"count by (pod) ({_of('consumer_lag_seconds')})", "{{pod}}"), stacked=True,
        ),
        lines(
            "Transactions by result", "All but the committed ones cost time, never calls or alerts.", "ops",
            query(rate(f"{PREFIX}_transactions_total", "result"), "{{result}}"), alert="BenzingaTransactionsAborting",
        ),
    )  # fmt: skip


def _calls() -> tuple[AnyPanel, ...]:
    return (
        lines(
            "Sentences by outcome", "joined: new in its call; corrected: another text; late: after the call had closed.", "ops",
            query(rate(f"{PREFIX}_sentences_total", "outcome"), "{{outcome}}"), stacked=True,
        ),
        lines(
            "Calls published by reason", "Revisions: how a call closed, or why it was published again.", "ops",
            query(rate(f"{PREFIX}_calls_published_total", "reason"), "{{reason}}"), stacked=True,
        ),
        lines("Open calls over time", "Calls that have not closed.", "short", query(f"sum({_of('open_calls')})", "open calls")),
        lines(
            "Missing sentences", "Sentences missing from calls when they closed, a second.", "ops",
            query(rate(f"{PREFIX}_missing_sentences_total"), "missing"), alert="BenzingaGap",
        ),
    )  # fmt: skip


def _alerts() -> tuple[AnyPanel, ...]:
    return (
        lines(
            "Alerts by rule", "Alerts committed; a rule that never fires, or always, is worth a look.", "ops",
            query(f"{rate(f'{PREFIX}_alerts_total', 'rule')} or vector(0)", "{{rule}}"), stacked=True,
        ),
        lines(
            "Held back by rule", "Alerts that the cooldown suppressed.", "ops",
            query(f"{rate(f'{PREFIX}_alerts_suppressed_total', 'rule')} or vector(0)", "{{rule}}"), stacked=True,
        ),
        lines(
            "Sentence to alert", "From the sentence's receipt by the source to the alert's commit.", "s",
            *quantiles(f"{PREFIX}_alert_seconds"),
        ),
        lines(
            "Rules in force", "Processes by version of the rules.", "short",
            query(f"count by (version) ({_of('rules_info')} == 1)", "{{version}}"), stacked=True, alert="BenzingaVersionSkew",
        ),
        lines(
            "Changes of the rules file", "ok: taken; refused: the rules before stay in force.", "ops",
            query(rate(f"{PREFIX}_rules_reloads_total", "result"), "{{result}}"), alert="BenzingaRulesRefused",
        ),
        lines(
            "Dead letters by reason", "Records on dead-letters, a second.", "ops",
            query(rate(f"{PREFIX}_dead_letters_total", "reason"), "{{reason}}"), alert="BenzingaDeadLetters",
        ),
    )  # fmt: skip


def _process() -> tuple[AnyPanel, ...]:
    ours = f"and on (namespace, pod, instance) {_of('open_calls')}"
    return (
        lines(
            "CPU", "Processor time a second; 1 is one core.", "short",
            query(f"rate(process_cpu_seconds_total{{{CHOSEN}}}[$__rate_interval]) {ours}", "{{pod}}"),
        ),
        lines("Memory", "Resident memory.", "bytes", query(f"process_resident_memory_bytes{{{CHOSEN}}} {ours}", "{{pod}}")),
    )  # fmt: skip
