"""Servers of these tests' own: several brokers, another listener, failures."""

from __future__ import annotations

import json

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from connector.embedded import EmbeddedKafka, EmbeddedRegistry, running
from connector.errors import EmbeddedError
from tests.support.consume import read_topic
from tests.support.topics import create_topics

pytestmark = pytest.mark.kafka

JAAS = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_reader="pass";'
WITH_PASSWORD = {
    "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.sasl.plain.sasl.jaas.config": JAAS,
}
SASL = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "reader"}


def _produce(bootstrap_servers: str, topic: str, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers, "acks": "all", "message.timeout.ms": 60_000})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(60) == 0


@pytest.mark.timeout(240)
def test_three_brokers_go_on_without_the_leader_and_take_it_back() -> None:
    with EmbeddedKafka(brokers=3) as kafka:
        create_topics(kafka.bootstrap_servers, "notes")
        _produce(kafka.bootstrap_servers, "notes", b"1")
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
        partition = admin.list_topics("notes", timeout=30).topics["notes"].partitions[0]
        assert sorted(partition.replicas) == [0, 1, 2]
        leader = kafka.broker(partition.leader)

        leader.kill()
        _produce(kafka.bootstrap_servers, "notes", b"2")
        port = leader.port
        leader.start()
        _produce(kafka.bootstrap_servers, "notes", b"3")

        assert leader.port == port
        assert [record.value for record in read_topic(kafka.bootstrap_servers, "notes")] == [b"1", b"2", b"3"]


def test_restarts_keep_addresses_records_and_schemas() -> None:
    with running(EmbeddedKafka(config=WITH_PASSWORD, listeners={"SASL": "SASL_PLAINTEXT"}), EmbeddedRegistry()) as both:
        kafka, registry = both
        servers, url = kafka.bootstrap_servers, registry.url
        create_topics(servers, "notes")
        _produce(servers, "notes", b"1")
        client = SchemaRegistryClient({"url": url})
        schema_id = client.register_schema("notes-value", Schema(json.dumps("string"), "AVRO"))

        kafka.broker(0).stop()
        registry.kill()
        assert (kafka.broker(0).running, registry.running) == (False, False)
        registry.start()
        kafka.broker(0).start()

        assert (kafka.bootstrap_servers, registry.url) == (servers, url)
        assert SchemaRegistryClient({"url": url}).get_schema(schema_id).schema_str == '"string"'
        assert [record.value for record in read_topic(servers, "notes")] == [b"1"]

        guarded = kafka.bootstrap_servers_of("SASL")
        (record,) = read_topic(guarded, "notes", options={**SASL, "sasl.password": "pass"})
        assert record.value == b"1"
        with pytest.raises(KafkaException):
            read_topic(guarded, "notes", options={**SASL, "sasl.password": "wrong"}, timeout=2)


def test_a_broker_that_refuses_its_configuration_shows_why_and_leaves_nothing() -> None:
    kafka = EmbeddedKafka(config={"log.retention.ms": "soon"})

    with pytest.raises(EmbeddedError, match=r"kafka-0 ended while it was starting[\s\S]*log\.retention\.ms"):
        kafka.open()

    assert kafka._workspace is None


def test_a_registry_that_was_not_opened_says_so() -> None:
    with pytest.raises(EmbeddedError, match="not open"):
        EmbeddedRegistry().stop()
