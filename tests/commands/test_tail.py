"""`tail` on a real Kafka and a real registry."""

from __future__ import annotations

import json
import signal
from io import BytesIO
from typing import TYPE_CHECKING, Any

import fastavro
import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from tests.support.command import read_line
from tests.support.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from tests.support.command import CommandLine

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "title", "type": ["null", "string"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    ],
}


@pytest.fixture
def topic(kafka: EmbeddedKafka, prefix: str) -> str:
    name = f"{prefix}.news"
    # The records here are old: with the usual retention the broker deletes them as soon as it looks.
    create_topics(kafka.bootstrap_servers, name, f"{prefix}.dead-letters", config={"retention.ms": "-1"})
    return name


@pytest.fixture
def producer(kafka: EmbeddedKafka, prefix: str) -> Iterator[Producer]:
    made = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": prefix})
    made.init_transactions(30)
    yield made
    made.flush(10)


@pytest.fixture
def avro(registry: EmbeddedRegistry, topic: str) -> bytes:
    """One value, in the Confluent wire format."""
    client = SchemaRegistryClient({"url": registry.url})
    schema_id = client.register_schema(f"{topic}-value", Schema(json.dumps(SCHEMA), "AVRO"))
    body = BytesIO()
    fastavro.schemaless_writer(body, SCHEMA, {"title": "Ünïcode", "at": 1767628057123456})
    return b"\0" + schema_id.to_bytes(4, "big") + body.getvalue()


def publish(producer: Producer, topic: str, *values: bytes | None, headers: Any = None) -> None:
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, key="k", partition=0, headers=headers, timestamp=1767628057123)
    producer.commit_transaction(30)


def records(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("with_prefix", [True, False])
def test_a_record_is_one_json_object(
    command: CommandLine, producer: Producer, topic: str, avro: bytes, *, with_prefix: bool
) -> None:
    publish(producer, topic, avro, headers={"ce_id": "k", "content-type": "application/avro"})
    result = command("tail", topic if with_prefix else "news", "--from-beginning", "--max", "1")
    assert result.code == 0, result
    assert records(result.out) == [
        {
            "topic": topic,
            "partition": 0,
            "offset": 0,
            "timestamp": "2026-01-05T15:47:37.123Z",
            "key": "k",
            "headers": {"ce_id": "k", "content-type": "application/avro"},
            "value": {"title": "Ünïcode", "at": "2026-01-05T15:47:37.123456Z"},
        }
    ]
    assert "Ünïcode" in result.out


def test_only_what_is_committed_is_shown(command: CommandLine, producer: Producer, topic: str, avro: bytes) -> None:
    producer.begin_transaction()
    producer.produce(topic, b"aborted", partition=0)
    producer.flush(10)
    producer.abort_transaction(30)
    publish(producer, topic, avro)
    (record,) = records(command("tail", "news", "--from-beginning", "--max", "1").out)
    assert record["value"]["title"] == "Ünïcode"


def test_what_cannot_be_decoded_is_shown_with_the_error(
    command: CommandLine, producer: Producer, topic: str, avro: bytes
) -> None:
    unknown = b"\0" + (999_999).to_bytes(4, "big") + b"x"
    publish(producer, topic, avro[:-1], unknown, b"\xff", b"plain", None)
    cut, foreign, binary, text, tombstone = records(command("tail", "news", "--from-beginning", "--max", "5").out)
    assert "not what its schema says" in cut["error"]
    assert "999999" in foreign["error"]
    assert (binary["value_base64"], text["value"], tombstone["value"]) == ("/w==", "plain", None)


def test_dead_letters_are_shown_as_the_text_they_are(
    command: CommandLine, producer: Producer, prefix: str, topic: str
) -> None:
    publish(producer, f"{prefix}.dead-letters", b'\0\0\0\0\1{"a": 1', b"\xfe", headers={"content-type": "x"})
    first, second = records(command("tail", "dead-letters", "--from-beginning", "--max", "2").out)
    assert (first["value"], second["value_base64"]) == ('\0\0\0\0\1{"a": 1', "/g==")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_follows_until_a_signal_and_ends_well(
    command: CommandLine, producer: Producer, topic: str, number: signal.Signals
) -> None:
    publish(producer, topic, b"old")
    process = command.start("tail", "news", "--from-beginning")
    assert json.loads(read_line(process))["value"] == "old"
    publish(producer, topic, b"new")
    assert json.loads(read_line(process))["value"] == "new"
    assert command.end(process, number).code == 0


def test_without_from_beginning_only_what_comes_is_shown(command: CommandLine, producer: Producer, topic: str) -> None:
    publish(producer, topic, b"old")
    process = command.start("tail", "news", "--max", "1", BENZINGA_LOG__LEVEL="debug")
    # Nothing says from where on it listens: publish until it has seen one.
    while process.poll() is None:
        publish(producer, topic, b"new")
    assert process.stdout is not None
    assert json.loads(process.stdout.read())["value"] == "new"
    process.communicate()


def test_a_reader_that_leaves_ends_it_quietly(command: CommandLine, producer: Producer, topic: str) -> None:
    publish(producer, topic, *[b"x" * 1000] * 500)
    process = command.start("tail", "news", "--from-beginning")
    read_line(process)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert (process.wait(30), process.stderr.read()) == (0, b"")
    process.stderr.close()


def test_a_topic_that_is_not_there_is_told_with_what_is(command: CommandLine, topic: str) -> None:
    result = command("tail", "nwes", "--max", "1")
    assert result.code == 2
    assert "no topic nwes" in result.err
    assert topic in result.err
