"""The metrics are API: their names, types and labels, and that every known series exists from the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from connector import __version__
from connector.kafka.statistics import Watch
from connector.metrics import ProcessorMetrics, SourceMetrics, bounded, new_registry
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = {
    "owned": ("gauge", "stream"),
    "connected": ("gauge", "stream"),
    "connects": ("counter", "stream result"),
    "reconnects": ("counter", "stream reason"),
    "messages_received": ("counter", "stream action"),
    "records_published": ("counter", "stream"),
    "duplicates": ("counter", "stream origin"),
    "dead_letters": ("counter", "stream reason"),
    "gaps": ("counter", "stream reason"),
    "replayed_messages": ("counter", "stream"),
    "unknown_fields": ("counter", "stream"),
    "id_conflicts": ("counter", "stream"),
    "control_frames": ("counter", "stream type"),
    "last_message_timestamp_seconds": ("gauge", "stream"),
    "expected_active": ("gauge", "stream"),
    "silence_seconds": ("gauge", "stream"),
    "silence_limit_seconds": ("gauge", "stream"),
    "feed_lag_seconds": ("histogram", "stream"),
    "publish_seconds": ("histogram", "stream"),
    "transactions": ("counter", "stream result"),
    "pending_messages": ("gauge", "stream"),
    "pending_oldest_seconds": ("gauge", "stream"),
    "journal_bytes": ("gauge", "stream"),
    "journal_max_bytes": ("gauge", "stream"),
    "journal_failures": ("counter", "stream reason"),
    "pong_seconds": ("histogram", "stream"),
}
PROCESSOR = {
    "consumer_lag_messages": ("gauge", "topic partition"),
    "consumer_lag_seconds": ("gauge", "topic partition"),
    "sentences": ("counter", "outcome"),
    "open_calls": ("gauge", ""),
    "close_overdue_seconds": ("gauge", ""),
    "calls_published": ("counter", "reason"),
    "missing_sentences": ("counter", ""),
    "alerts": ("counter", "rule"),
    "alerts_suppressed": ("counter", "rule"),
    "alert_seconds": ("histogram", ""),
    "rules_reloads": ("counter", "result"),
    "rules_info": ("gauge", "version"),
    "rules_refused": ("gauge", ""),
    "dead_letters": ("counter", "reason"),
    "transactions": ("counter", "result"),
}
KAFKA_CLIENT = {
    "brokers": ("gauge", "client state"),
    "rtt_seconds": ("gauge", "client quantile"),
    "throttle_seconds": ("gauge", "client"),
    "queue_messages": ("gauge", "client"),
    "queue_bytes": ("gauge", "client"),
    "requests_in_flight": ("gauge", "client"),
    "sent_bytes": ("counter", "client"),
    "received_bytes": ("counter", "client"),
    "request_errors": ("counter", "client"),
    "request_retries": ("counter", "client"),
    "request_timeouts": ("counter", "client"),
    "disconnects": ("counter", "client"),
    "rebalances": ("counter", "client"),
    "errors": ("counter", "client reason"),
}
BOTH = {
    "benzinga_build_info": ("gauge", "version"),
    "benzinga_schema_registry_requests": ("counter", "result"),
}
REASONS = {
    "connects": "ok unauthorized forbidden conflict unavailable timeout network",
    "duplicates": "live replay journal",
    "dead_letters": "not_json not_an_object no_data schema encode too_late",
    "gaps": "no_overlap no_replay sequence too_large journal_full",
}


Families = dict[str, tuple[str, list[dict[str, str]]]]


def families() -> Families:
    """Type and label sets of everything that is served at the start; `le` of buckets left out."""
    return served(new_source) | served(ProcessorMetrics)


def new_source(registry: CollectorRegistry) -> SourceMetrics:
    return SourceMetrics(registry, STREAMS)


def served(make: Callable[[CollectorRegistry], SourceMetrics | ProcessorMetrics]) -> Families:
    registry = new_registry()
    Watch(make(registry).kafka, "source.news").configuration()
    text = generate_latest(registry).decode()
    return {
        family.name: (
            family.type,
            [
                {name: value for name, value in sample.labels.items() if name != "le"}
                for sample in family.samples
                if not sample.name.endswith("_created")
            ],
        )
        for family in text_string_to_metric_families(text)
        if family.name.startswith("benzinga_")
    }


def test_names_types_and_labels_are_the_contracts() -> None:
    found = families()
    wanted = {f"benzinga_source_{name}": kind for name, kind in SOURCE.items()}
    wanted |= {f"benzinga_processor_{name}": kind for name, kind in PROCESSOR.items()}
    wanted |= {f"benzinga_kafka_client_{name}": kind for name, kind in KAFKA_CLIENT.items()} | BOTH
    assert {name: kind for name, (kind, _) in found.items()} == {name: kind for name, (kind, _) in wanted.items()}
    for name, (_, labels) in wanted.items():
        for sample in found[name][1]:
            assert sample.keys() == set(labels.split()), name


def test_every_known_series_of_every_stream_exists_at_the_start() -> None:
    found = families()
    for name, (_, labels) in SOURCE.items():
        samples = found[f"benzinga_source_{name}"][1]
        assert {sample["stream"] for sample in samples} == set(STREAMS), name
        if name in REASONS:
            [label] = set(labels.split()) - {"stream"}
            assert {sample[label] for sample in samples} == set(REASONS[name].split()), name


def test_the_version_is_told() -> None:
    assert families()["benzinga_build_info"][1] == [{"version": __version__}]


def test_the_feed_cannot_make_series() -> None:
    assert bounded("created", ("created",)) == "created"
    assert bounded("anything the feed says", ("created",)) == "other"
