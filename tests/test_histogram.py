"""Our histogram says what prometheus-client's own says."""

from __future__ import annotations

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from connector.histogram import Histogram
from connector.metrics import BUCKETS


@given(st.lists(st.floats(0, 100) | st.sampled_from(BUCKETS)))
def test_it_is_served_as_the_librarys(values: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    one = Histogram("a_seconds", "Help.", ["stream"], registry=ours, buckets=BUCKETS)
    other = prometheus_client.Histogram("a_seconds", "Help.", ["stream"], registry=theirs, buckets=BUCKETS)
    one.labels("quiet")
    other.labels("quiet")
    for value in values:
        one.labels("news").observe(value)
        other.labels("news").observe(value)
    assert generate_latest(ours) == generate_latest(theirs)


def test_a_family_without_labels_is_there_from_the_start() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("b_seconds", "Help.", registry=registry, buckets=(1.0,))
    assert registry.get_sample_value("b_seconds_count") == 0
    histogram.observe(0.5)
    histogram.observe(2)
    assert registry.get_sample_value("b_seconds_bucket", {"le": "1.0"}) == 1
    assert registry.get_sample_value("b_seconds_bucket", {"le": "+Inf"}) == 2
    assert registry.get_sample_value("b_seconds_sum") == 2.5


def test_names_and_labels_are_checked() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("c_seconds", "Help.", ["stream"], registry=registry, buckets=(1.0,))
    with pytest.raises(ValueError, match="has the labels stream"):
        histogram.labels()
    with pytest.raises(ValueError, match="Duplicated"):
        Histogram("c_seconds", "Help.", registry=registry, buckets=(1.0,))
