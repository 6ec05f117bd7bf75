"""Which topic configurations may be set right, and which not."""

from __future__ import annotations

import pytest

from connector.kafka.upkeep import objection


@pytest.mark.parametrize(
    ("key", "actual", "wanted"),
    [
        ("retention.ms", "1000", "2000"),
        ("retention.ms", "1000", "-1"),
        ("max.message.bytes", "1048588", "20971520"),
        ("min.insync.replicas", "1", "2"),
        ("compression.type", "producer", "zstd"),
        ("segment.bytes", "2000000", "1000000"),
    ],
)
def test_what_keeps_or_takes_more_is_set(key: str, actual: str, wanted: str) -> None:
    assert objection(key, actual, wanted, replicas=3) is None


@pytest.mark.parametrize(
    ("key", "actual", "wanted", "why"),
    [
        ("retention.ms", "2000", "1000", "lowering"),
        ("retention.ms", "-1", "1000", "lowering"),
        ("retention.bytes", "-1", "1000", "lowering"),
        ("max.message.bytes", "20971520", "1048588", "lowering"),
        ("min.insync.replicas", "3", "2", "lowering"),
        ("min.insync.replicas", "1", "4", "3 replicas"),
        ("cleanup.policy", "delete", "compact", "may delete"),
        ("cleanup.policy", "compact", "delete", "may delete"),
        ("message.timestamp.type", "CreateTime", "LogAppendTime", "may delete"),
        ("retention.ms", None, "1000", "no number"),
    ],
)
def test_what_may_lose_records_is_left_to_a_person(key: str, actual: str | None, wanted: str, why: str) -> None:
    assert why in str(objection(key, actual, wanted, replicas=3))
