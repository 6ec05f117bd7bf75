"""Outages of Kafka, one after the other, under one source that is never restarted: nothing is lost, nothing is twice.

The tests stand in the order in which they are to run; the last one counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from tests.chaos.evidence import Case, instant
from tests.chaos.obligations import check
from tests.outages.conftest import PREFIX, STREAM
from tests.support.consume import read_topic
from tests.support.quotas import producer_quota

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from tests.outages.conftest import Running

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

TOPIC = f"{PREFIX}.{STREAM}"
TRANSACTIONAL_ID = f"{PREFIX}.{STREAM}"


def leaders(admin: AdminClient, topic: str) -> dict[int, int]:
    return {number: found.leader for number, found in admin.list_topics(timeout=30).topics[topic].partitions.items()}


def coordinator_partition(admin: AdminClient) -> int:
    """The partition of `__transaction_state` whose leader coordinates us: Java's `String.hashCode`, as Kafka has it."""
    code = 0
    for letter in TRANSACTIONAL_ID:
        code = (31 * code + ord(letter)) & 0xFFFFFFFF
    return (code & 0x7FFFFFFF) % len(leaders(admin, "__transaction_state"))


def test_each_of_three_brokers_killed_in_turn_moves_leaders_and_the_coordinator(
    running: Running, cluster: EmbeddedKafka, admin: AdminClient
) -> None:
    partition = coordinator_partition(admin)
    led, coordinated = {leaders(admin, TOPIC)[0]}, {leaders(admin, "__transaction_state")[partition]}
    for broker in cluster.brokers:
        broker.kill()
        running.passes()
        led.add(leaders(admin, TOPIC)[0])
        coordinated.add(leaders(admin, "__transaction_state")[partition])
        broker.start()
        running.catches_up()
    assert len(led) > 1
    assert len(coordinated) > 1
    assert running.process.metric("benzinga_source_reconnects_total") == 0, "the feed was none the wiser"


def test_a_leader_that_hangs_is_left(running: Running, cluster: EmbeddedKafka, admin: AdminClient) -> None:
    broker = cluster.broker(leaders(admin, TOPIC)[0])
    broker.pause()
    try:
        running.passes(timeout=90)
    finally:
        broker.resume()
    running.catches_up()


def test_too_few_replicas_in_sync_hold_the_stream_until_they_are_back(
    running: Running, cluster: EmbeddedKafka, admin: AdminClient
) -> None:
    def need(replicas: int) -> None:
        entry = ConfigEntry("min.insync.replicas", str(replicas), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, TOPIC, incremental_configs=[entry])
        for future in admin.incremental_alter_configs([resource]).values():
            future.result(30)

    need(3)
    broker = cluster.broker((leaders(admin, TOPIC)[0] + 1) % 3)
    broker.stop()
    running.waits()
    broker.start()
    running.catches_up()
    need(2)


def test_a_quota_slows_the_stream_down_and_a_feed_that_is_faster_waits(
    running: Running, cluster: EmbeddedKafka
) -> None:
    producer_quota(cluster.bootstrap_servers, 4_000)
    try:
        flood = running.feed.call(lambda simulator: simulator.traffic.start(STREAM, 0, 400, seed=99))
        running.waits(200)
        running.passes(5)
    finally:
        producer_quota(cluster.bootstrap_servers, None)
    running.feed.wait(lambda _simulator: flood)
    running.catches_up(90)


def test_an_epoch_that_a_stranger_has_bumped_is_taken_back(running: Running, cluster: EmbeddedKafka) -> None:
    before = running.transactions("fenced")
    stranger = Producer(
        {"bootstrap.servers": cluster.bootstrap_servers, "transactional.id": TRANSACTIONAL_ID, "log_level": 0}
    )
    stranger.init_transactions(30)
    running.process.until(lambda: running.transactions("fenced") > before)
    running.catches_up()
    assert running.process.metric("benzinga_source_owned", stream=STREAM) == 1


def test_an_authorisation_that_is_withdrawn_and_given_back(running: Running, admin: AdminClient) -> None:
    denied = (ResourceType.TOPIC, TOPIC, ResourcePatternType.LITERAL, "User:app", "*", AclOperation.WRITE)
    for future in admin.create_acls([AclBinding(*denied, AclPermissionType.DENY)]).values():
        future.result(30)
    try:
        running.waits()
    finally:
        for removed in admin.delete_acls([AclBindingFilter(*denied, AclPermissionType.DENY)]).values():
            removed.result(30)
    running.catches_up(90)


def test_a_feed_that_goes_half_open_is_left_and_what_was_missed_comes_again(running: Running) -> None:
    connections = running.feed.call(lambda simulator: len(simulator.channels[STREAM].attached))
    running.feed.call(lambda simulator: simulator.faults.half_open(STREAM))
    running.feed.wait(lambda simulator: simulator.connected(STREAM, times=connections + 1))
    running.passes()
    assert running.process.metric("benzinga_source_reconnects_total", reason="pong_timeout") > 0


def test_all_brokers_away_together_and_the_journal_keeps_what_comes(running: Running, cluster: EmbeddedKafka) -> None:
    for broker in cluster.brokers:
        broker.pause()
    running.waits(60)
    assert running.process.metric("benzinga_source_journal_bytes", stream=STREAM) > 0
    for broker in cluster.brokers:
        broker.resume()
    running.catches_up(90)


def test_after_all_of_it_nothing_is_missing_and_nothing_is_twice(
    running: Running, cluster: EmbeddedKafka, registry: EmbeddedRegistry
) -> None:
    running.feed.wait(lambda simulator: simulator.traffic.stop())
    running.process.until(lambda: running.pending == 0)
    assert running.process.stop() == 0
    sent, attached = running.feed.call(
        lambda simulator: (simulator.sent(STREAM), list(simulator.channels[STREAM].attached))
    )
    records, gaps = (
        read_topic(cluster.bootstrap_servers, f"{PREFIX}.{name}", registry_url=registry.url)
        for name in (STREAM, "gaps")
    )
    said = [{name: instant(value) for name, value in gap.decoded.items()} for gap in gaps]
    # Only the half-open connection may have cost anything: a slow machine is away for longer than a replay reaches.
    assert len(said) <= 1
    assert check(Case(STREAM, sent, attached, records, (), said)) == []
    assert len(records) > len(sent) * 0.8
