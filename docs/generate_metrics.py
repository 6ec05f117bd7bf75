"""Write `docs/metrics.md` from the metrics themselves: `python docs/generate_metrics.py`."""  # noqa: INP001 - a script

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from connector.kafka.statistics import Watch
from connector.metrics import BUCKETS, ProcessorMetrics, SourceMetrics, new_registry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry, Metric

PAGE: Final = Path(__file__).with_name("metrics.md")

_INTRODUCTION: Final = f"""\
# Metrics

<!-- Made from connector/metrics.py by docs/generate_metrics.py; not to be edited by hand. -->

On `/metrics` of `http.port`, in Prometheus' and in the OpenMetrics format. Names, types and labels are public: they
change with a line in the [changelog](../CHANGELOG.md) only. Units are seconds and bytes. Every series of a configured
stream and a known reason exists from the start, at 0; no label takes what the feed says. Histograms have buckets at
{", ".join(f"{bound:g}" for bound in BUCKETS)} seconds.

Dashboards are in [helm/benzinga-kafka/dashboards](../helm/benzinga-kafka/dashboards), alert rules in
[helm/benzinga-kafka/rules/alerts.yaml](../helm/benzinga-kafka/rules/alerts.yaml), what to do about them in the
[runbook](runbook.md). `process_*` (CPU, memory, files, start) are Prometheus' usual ones.
"""

_SECTIONS: Final = (
    ("benzinga_source_", "Source"),
    ("benzinga_processor_", "Processor"),
    ("benzinga_kafka_client_", "Kafka clients"),
    ("benzinga_", "Both"),
)


def page() -> str:
    """The whole page."""
    families: dict[str, Metric] = {}
    for family in (*_families(source=True), *_families(source=False)):
        families.setdefault(family.name, family)
    parts = [_INTRODUCTION]
    for prefix, title in _SECTIONS:
        parts.append(f"\n## {title}\n\n| name | type | labels | meaning |\n| --- | --- | --- | --- |\n")
        chosen = [name for name in families if name.startswith(prefix)]
        parts += [_row(families.pop(name)) for name in chosen]
    return "".join(parts)


def _families(*, source: bool) -> Iterable[Metric]:
    registry: CollectorRegistry = new_registry()
    metrics = SourceMetrics(registry, ["news"]) if source else ProcessorMetrics(registry)
    Watch(metrics.kafka, "source.news").configuration()
    return [family for family in registry.collect() if family.name.startswith("benzinga_")]


def _row(family: Metric) -> str:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return f"| `{name}` | {family.type} | {_labels(family)} | {family.documentation} |\n"


def _labels(family: Metric) -> str:
    """Each label, with its values where they are a fixed few."""
    values: dict[str, list[str]] = {}
    for sample in family.samples:
        for label, value in sample.labels.items():
            if label != "le" and value not in values.setdefault(label, []):
                values[label].append(value)
    names = list(values) or _OPEN.get(family.name, [])
    return ", ".join(
        f"{name} (`{' '.join(values[name])}`)" if len(values.get(name, ())) > 1 else name for name in names
    )


_OPEN: Final = {
    "benzinga_processor_consumer_lag_messages": ["topic", "partition"],
    "benzinga_processor_consumer_lag_seconds": ["topic", "partition"],
    "benzinga_processor_alerts": ["rule"],
    "benzinga_processor_alerts_suppressed": ["rule"],
    "benzinga_processor_rules_info": ["version"],
    "benzinga_kafka_client_brokers": ["client", "state"],
    "benzinga_kafka_client_rtt_seconds": ["client", "quantile"],
} | {
    f"benzinga_kafka_client_{name}": ["client"]
    for name in (
        "throttle_seconds", "queue_messages", "queue_bytes", "requests_in_flight", "sent_bytes", "received_bytes",
        "request_errors", "request_retries", "request_timeouts", "disconnects", "rebalances",
    )
}  # fmt: skip
"""Labels of families that have no series before anything has happened."""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
