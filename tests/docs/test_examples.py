"""The example consumers, run as they stand against a real Kafka and a real registry."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from connector.mapping.decoder import Decoder
from connector.mapping.schemas import load_schema, schema_text
from connector.messages import Message
from connector.streams import STREAMS
from tests.support.topics import create_topics

if TYPE_CHECKING:
    from connector.embedded import EmbeddedKafka, EmbeddedRegistry

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def publish(kafka: EmbeddedKafka, registry: EmbeddedRegistry, topic: str, schema: str, values: list[bytes]) -> None:
    create_topics(kafka.bootstrap_servers, topic)
    client = SchemaRegistryClient({"url": registry.url})
    schema_id = client.register_schema(f"{topic}-value", Schema(schema_text(schema), "AVRO"))
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    for value in values:
        producer.produce(topic, b"\0" + schema_id.to_bytes(4, "big") + value, "key")
    assert producer.flush(30) == 0


def lines_of(name: str, *arguments: str) -> list[str]:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def article(title: str | None) -> bytes:
    content = {"id": 7, "title": title} if title else None
    frame = {"id": "m", "data": {"action": "Created" if title else "Removed", "id": 9, "content": content}}
    decoder = Decoder(STREAMS["news"])
    message = decoder.decode(json.dumps(frame).encode())
    assert isinstance(message, Message)
    return decoder.encode(message, time.time_ns() // 1000).value


def call(revision: int, count: int) -> bytes:
    datum: dict[str, Any] = {
        "transcript_id": "t",
        "symbol": "AAPL",
        "call_title": "Q4",
        "revision": revision,
        "state": "complete",
        "published_at": 0,
        "sentence_count": count,
        "missing": [{"first": 3, "last": 4}],
        "speakers": [],
        "text": "",
        "sentences": [],
        "source_partition": 0,
        "first_offset": 0,
        "last_offset": 0,
    }
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(load_schema("calls")), datum)
    return out.getvalue()


def test_read_news(kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str) -> None:
    topic = f"{prefix}.news"
    publish(kafka, registry, topic, "news", [article("Rates hold"), article(None)])
    addresses = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry", registry.url)
    found = lines_of("read_news.py", *addresses, "--topic", topic, "--group", prefix, "--max", "2")
    assert found == ["created\tRates hold", "deleted\t9"]


def test_read_calls(kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str) -> None:
    topic = f"{prefix}.calls"
    publish(kafka, registry, topic, "calls", [call(1, 10), call(2, 11)])
    addresses = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry", registry.url)
    assert lines_of("read_calls.py", *addresses, "--topic", topic) == ["AAPL\tcomplete\t2\t11\t2\tQ4"]
