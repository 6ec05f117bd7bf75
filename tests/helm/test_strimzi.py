"""Strimzi's resources say what the connector itself would: the same topics, the same rights."""

from __future__ import annotations

from typing import Any

import pytest

from connector.kafka.acls import Role, acls
from connector.kafka.topics import all_topics
from connector.settings import Settings
from tests.helm.chart import Manifest, one, render, settings

OVERRIDES = """
config:
  topics:
    overrides:
      transcripts: {partitions: 12}
      news: {retention: 1.5h, replication_factor: 2, config: {compression.type: zstd}}
      internal.calls: {config: {segment.ms: '1'}}
"""


def _model(manifests: tuple[Manifest, ...]) -> Settings:
    tree: dict[str, Any] = settings(manifests)
    streams = tree["feed"].get("streams", Settings().feed.streams)
    return Settings(topics=tree["topics"], feed={"streams": streams})


@pytest.mark.parametrize(
    "values",
    [
        "",
        "config: {topics: {partitions: 9, replication_factor: 1, retention: 90s}}",
        OVERRIDES,
        "config: {feed: {streams: [transcripts, news]}}",
    ],
    ids=["example", "numbers", "overrides", "streams"],
)
def test_topics_are_those_the_connector_would_make(values: str) -> None:
    manifests = render("strimzi", values)
    model = _model(manifests)
    made = [manifest for manifest in manifests if manifest["kind"] == "KafkaTopic"]
    assert {manifest["metadata"]["labels"]["strimzi.io/cluster"] for manifest in made} == {"events"}
    specs = [manifest["spec"] for manifest in made]
    assert {spec["topicName"]: (spec["partitions"], spec["replicas"], spec["config"]) for spec in specs} == {
        topic.name: (topic.partitions, topic.replication_factor, dict(topic.config))
        for topic in all_topics(model.topics, model.feed.streams)
    }


@pytest.mark.parametrize(
    ("values", "roles"),
    [
        ("", {Role.SOURCE, Role.PROCESSOR, Role.PROVISION}),
        ("config: {feed: {streams: [transcripts, news]}}", {Role.SOURCE, Role.PROCESSOR, Role.PROVISION}),
        ("processor: {enabled: false}", {Role.SOURCE, Role.PROVISION}),
        ("source: {enabled: false}\nprovision: {enabled: false}", {Role.PROCESSOR}),
    ],
    ids=["everything", "streams", "source", "processor"],
)
def test_the_users_rights_are_those_that_are_printed(values: str, roles: set[Role]) -> None:
    manifests = render("strimzi", values)
    user = one(manifests, "KafkaUser")["spec"]
    assert user["authentication"] == {"type": "scram-sha-512"}
    kinds = {"transactional-id": "transactionalId"}
    patterns = {"prefixed": "prefix"}
    wanted = [
        (
            kinds.get(acl.resource, acl.resource),
            name,
            patterns.get(acl.pattern, acl.pattern),
            acl.operations,
        )
        for acl in acls(_model(manifests))
        if acl.role in roles
        for name in acl.names
    ]
    given = [
        (
            rule["resource"]["type"],
            rule["resource"]["name"],
            rule["resource"]["patternType"],
            tuple(rule["operations"]),
        )
        for rule in user["authorization"]["acls"]
    ]
    assert sorted(given) == sorted(wanted)
    assert all(name.startswith("Benzinga_prod.") for _, name, _, _ in given)
