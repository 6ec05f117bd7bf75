"""The shared broker and registry do what a real Kafka and a real registry do."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import fastavro
import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from tests.support.consume import read_topic
from tests.support.topics import create_topics

if TYPE_CHECKING:
    from connector.embedded import EmbeddedKafka, EmbeddedRegistry

SCHEMA = {"type": "record", "name": "Note", "fields": [{"name": "text", "type": "string"}]}


def _transactional(kafka: EmbeddedKafka, prefix: str) -> Producer:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": prefix})
    producer.init_transactions(30)
    return producer


def test_a_committed_record_is_read_with_key_headers_and_avro_value(
    kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str
) -> None:
    topic = f"{prefix}.notes"
    create_topics(kafka.bootstrap_servers, topic, partitions=3)
    client = SchemaRegistryClient({"url": registry.url})
    schema_id = client.register_schema(f"{topic}-value", Schema(json.dumps(SCHEMA), "AVRO"))
    body = io.BytesIO()
    fastavro.schemaless_writer(body, SCHEMA, {"text": "hello"})
    producer = _transactional(kafka, prefix)
    producer.begin_transaction()
    value = b"\0" + schema_id.to_bytes(4, "big") + body.getvalue()
    producer.produce(topic, value, key="k", partition=2, headers={"ce_id": "k"})
    producer.commit_transaction(30)

    (record,) = read_topic(kafka.bootstrap_servers, topic, registry_url=registry.url)

    assert (record.partition, record.key, record.headers) == (2, "k", {"ce_id": "k"})
    assert record.decoded == {"text": "hello"}


def test_an_aborted_record_is_seen_by_uncommitted_readers_only(kafka: EmbeddedKafka, prefix: str) -> None:
    topic = f"{prefix}.notes"
    create_topics(kafka.bootstrap_servers, topic)
    producer = _transactional(kafka, prefix)
    producer.begin_transaction()
    producer.produce(topic, b"never")
    producer.flush(30)
    producer.abort_transaction(30)

    assert read_topic(kafka.bootstrap_servers, topic) == []
    assert [r.value for r in read_topic(kafka.bootstrap_servers, topic, isolation="read_uncommitted")] == [b"never"]


def test_the_older_of_two_producers_with_one_transactional_id_is_fenced(kafka: EmbeddedKafka, prefix: str) -> None:
    topic = f"{prefix}.notes"
    create_topics(kafka.bootstrap_servers, topic)
    older = _transactional(kafka, prefix)
    older.begin_transaction()
    older.produce(topic, b"older")
    older.flush(30)
    _transactional(kafka, prefix)

    with pytest.raises(KafkaException) as caught:
        older.commit_transaction(30)

    assert caught.value.args[0].fatal()
    assert read_topic(kafka.bootstrap_servers, topic) == []


def test_a_topic_is_not_created_by_naming_it(kafka: EmbeddedKafka, prefix: str) -> None:
    assert read_topic(kafka.bootstrap_servers, f"{prefix}.misspelt") == []


def test_an_incompatible_schema_is_refused(registry: EmbeddedRegistry, prefix: str) -> None:
    client = SchemaRegistryClient({"url": registry.url})
    subject = f"{prefix}.notes-value"
    client.register_schema(subject, Schema(json.dumps(SCHEMA), "AVRO"))
    client.set_compatibility(subject, "FULL_TRANSITIVE")
    other = {**SCHEMA, "fields": [{"name": "text", "type": "long"}]}

    assert not client.test_compatibility(subject, Schema(json.dumps(other), "AVRO"))
