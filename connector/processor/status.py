"""What `/status` tells of a processor, under `processor`: typed, and bounded whatever the processor holds.

    {"group", "instance_id",
     "partitions": [{"partition", "state", "position", "end", "lag_messages", "lag_seconds", "open_calls"}],
     "calls": {"total", "newest": [{"transcript_id", "partition", "symbol", "name", "title", "sentences", "revision",
                                    "opened_at", "heard_at", "last_sentence": {"sequence", "speaker", "text",
                                    "received_at"} | null, "closes_at", "closes_as"}]},
     "alerts": [{"alert_id", "rule_id", "severity", "tags", "term", "matched_text", "transcript_id", "symbol",
                 "call_title", "speaker", "sentence", "sentence_received_at", "detected_at"}],
     "rules": {"version", "count", "file", "loaded_at", "refused"},
     "counts": {"sentences", "calls_published", "dead_letters", "transactions": {label: number},
                "missing_sentences", "alerts", "alerts_suppressed"}}

Instants are RFC 3339 in UTC, lists begin with the newest, what is not known is null. `closes_at` is when the call
closes unless more is heard of it, `closes_as` what it is then: `complete`, `idle` or `max_duration`.

It is made in the thread that asks, while workers go on: a container is copied in one step of the interpreter and the
rest read value by value. So it waits for nobody, also while Kafka is away, and costs a sentence nothing. Two numbers of
one call may be a sentence apart.
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING, Any, Final

import msgspec

from connector.kafka.records import rfc_3339
from connector.processor.hits import neighbour

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prometheus_client import Counter

    from connector.metrics import ProcessorMetrics
    from connector.processor.alerts import AlertDatum
    from connector.processor.call import Call

NEWEST_CALLS: Final = 50
"""Calls that are shown, of any number that are open."""

LONGEST_TEXT: Final = 500
"""Characters of a sentence that are shown."""


class PartitionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An assigned partition of `transcripts`."""

    partition: int
    state: str
    """Of its worker: `restoring`, `live`, `failed`, `fenced` or `stopped`."""

    position: int | None
    """The next offset: everything before it is processed and committed. None while it is being taken over."""

    end: int | None
    """The last stable offset, as it was measured last; so are the lags. None before."""

    lag_messages: int | None
    lag_seconds: float | None
    open_calls: int


class LastSentence(msgspec.Struct, frozen=True):
    """The furthest sentence of a call."""

    sequence: int
    speaker: str | None
    text: str
    received_at: str


class OpenCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that has not closed."""

    transcript_id: str
    partition: int
    symbol: str | None
    name: str | None
    title: str | None
    sentences: int
    revision: int
    """0 before the first publication; more with snapshots alone."""

    opened_at: str
    heard_at: str
    last_sentence: LastSentence | None
    closes_at: str
    closes_as: str


class CallsStatus(msgspec.Struct, frozen=True):
    """The open calls."""

    total: int = 0
    newest: Sequence[OpenCall] = ()
    """Those that were heard of last."""


class AlertStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that is committed."""

    alert_id: str
    rule_id: str
    severity: str | None
    tags: Sequence[str]
    term: str
    matched_text: str
    transcript_id: str
    symbol: str | None
    call_title: str | None
    speaker: str | None
    sentence: str
    sentence_received_at: str
    detected_at: str


class RulesStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The rules in force."""

    version: str
    count: int
    file: str | None
    loaded_at: str
    refused: str | None
    """Why the file as it is now is not in force; None where it is."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Since the process started; the names are those of the metrics, and so are the labels."""

    sentences: Mapping[str, int]
    calls_published: Mapping[str, int]
    dead_letters: Mapping[str, int]
    transactions: Mapping[str, int]
    missing_sentences: int
    alerts: int
    alerts_suppressed: int


class ProcessorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    group: str
    instance_id: str | None
    partitions: Sequence[PartitionStatus]
    calls: CallsStatus
    alerts: Sequence[AlertStatus]
    rules: RulesStatus
    counts: Counts

    def as_json(self) -> dict[str, Any]:
        """Plain values, for the page."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def calls_status(partitions: Iterable[tuple[int, Sequence[Call]]]) -> CallsStatus:
    """Of each partition's open calls, the ones that were heard of last."""
    found = [(call.entry.heard_at, number, call) for number, calls in partitions for call in calls]
    newest = nlargest(NEWEST_CALLS, found, key=lambda one: one[0])
    return CallsStatus(len(found), [_open_call(number, call) for _, number, call in newest])


def alert_status(alert: AlertDatum) -> AlertStatus:
    """The alert as it is shown."""
    datum = alert.datum
    instants = {name: rfc_3339(datum[name]) for name in ("sentence_received_at", "detected_at")}
    shown = {name: datum[name] for name in AlertStatus.__struct_fields__ if name not in instants}
    shown["sentence"] = shown["sentence"][:LONGEST_TEXT]
    return AlertStatus(**shown, **instants)


def counts(metrics: ProcessorMetrics) -> Counts:
    """What the metrics have counted."""
    return Counts(
        sentences=_by_label(metrics.sentences),
        calls_published=_by_label(metrics.calls_published),
        dead_letters=_by_label(metrics.dead_letters),
        transactions=_by_label(metrics.transactions),
        missing_sentences=sum(_by_label(metrics.missing_sentences).values()),
        alerts=sum(_by_label(metrics.alerts).values()),
        alerts_suppressed=sum(_by_label(metrics.alerts_suppressed).values()),
    )


def _open_call(partition: int, call: Call) -> OpenCall:
    entry, transcript = call.entry, call.transcript
    about = None if transcript is None else transcript.about
    closes_at, closes_as = call.closing
    return OpenCall(
        transcript_id=entry.transcript_id,
        partition=partition,
        symbol=about and about.symbol,
        name=about and about.name,
        title=about and about.call_title,
        sentences=0 if transcript is None else len(transcript.spoken),
        revision=entry.revision,
        opened_at=rfc_3339(entry.opened_at),
        heard_at=rfc_3339(entry.heard_at),
        last_sentence=_last_sentence(call),
        closes_at=rfc_3339(closes_at),
        closes_as=closes_as,
    )


def _last_sentence(call: Call) -> LastSentence | None:
    transcript = call.transcript
    if transcript is None:  # it closed a moment ago
        return None
    sequence = neighbour(transcript, transcript.highest + 1, -1)
    spoken = None if sequence is None else transcript.spoken.get(sequence)
    if sequence is None or spoken is None:
        return None
    return LastSentence(sequence, spoken.speaker, spoken.text[:LONGEST_TEXT], rfc_3339(spoken.received_at))


def _by_label(family: Counter) -> dict[str, int]:
    """The counts of a family with one label, or none, by its value."""
    return {
        "".join(sample.labels.values()): int(sample.value)
        for metric in family.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }
