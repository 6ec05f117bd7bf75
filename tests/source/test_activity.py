"""What the streams did lately, out of what the metrics count."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from connector.metrics import SourceMetrics
from connector.source.activity import EVERY, SPAN, Activity


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def metrics() -> SourceMetrics:
    return SourceMetrics(CollectorRegistry(), ["news", "transcripts"])


def test_rates_and_means_are_of_the_last_minute_and_counts_of_all(metrics: SourceMetrics) -> None:
    clock = Clock()
    activity = Activity(metrics, ["news", "transcripts"], clock)
    for step in range(int(5 * SPAN / EVERY)):
        lag = 9.0 if step < 4 * SPAN / EVERY else 1.0  # it was late, it is no more
        metrics.messages_received.labels("news", "created").inc(3)
        metrics.messages_received.labels("news", "deleted").inc(2)
        metrics.messages_received.labels("news", "audio").inc(100)
        metrics.records_published.labels("news").inc(4)
        metrics.duplicates.labels("news", "replay").inc()
        metrics.feed_lag.labels("news").observe(lag)
        metrics.publish.labels("news").observe(0.02)
        clock.now += EVERY
        activity.sample()
    status = activity.status()
    assert status["news"] == {
        "rates": {"received": 1.0, "published": 0.8},
        "lag": {"feed_seconds": pytest.approx(1.0), "publish_seconds": pytest.approx(0.02)},
        "counts": {"received": 300, "published": 240, "duplicates": 60, "dead_letters": 0, "gaps": 0},
    }
    assert status["transcripts"]["rates"] == {"received": 0.0, "published": 0.0}
    assert status["transcripts"]["lag"] == {"feed_seconds": None, "publish_seconds": None}


def test_a_process_that_has_just_begun_divides_by_nothing(metrics: SourceMetrics) -> None:
    activity = Activity(metrics, ["news", "transcripts"], Clock())
    metrics.messages_received.labels("news", "created").inc(7)
    assert activity.status()["news"]["rates"]["received"] == 7.0
