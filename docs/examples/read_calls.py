"""The latest revision of each earnings call: a consumer of the compacted topic `benzinga.calls`."""

from __future__ import annotations

import argparse
from typing import Any

from confluent_kafka import Consumer, KafkaError
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext


def main() -> None:
    """Read the topic to its end, then print a line a call."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap-servers", default="localhost:9092")
    parser.add_argument("--registry", default="http://localhost:8081")
    parser.add_argument("--topic", default="benzinga.calls")
    options = parser.parse_args()

    deserialise = AvroDeserializer(SchemaRegistryClient({"url": options.registry}))
    consumer = Consumer(
        {
            "bootstrap.servers": options.bootstrap_servers,
            "group.id": "calls-report",  # nothing is committed under it: each run reads from the beginning
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    partitions = consumer.list_topics(options.topic, timeout=30).topics[options.topic].partitions
    consumer.subscribe([options.topic])
    latest: dict[str, dict[str, Any]] = {}
    ended: set[int] = set()
    try:
        while len(ended) < len(partitions):
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error() is not None:
                if message.error().code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - a public constant
                    raise SystemExit(str(message.error()))
                ended.add(message.partition())
                continue
            call = deserialise(message.value(), SerializationContext(options.topic, MessageField.VALUE))
            known = latest.get(call["transcript_id"])
            if known is None or call["revision"] > known["revision"]:
                latest[call["transcript_id"]] = call
    finally:
        consumer.close()
    for call in latest.values():
        missing = sum(hole["last"] - hole["first"] + 1 for hole in call["missing"])
        print(
            call["symbol"],
            call["state"],
            call["revision"],
            call["sentence_count"],
            missing,
            call["call_title"],
            sep="\t",
        )


if __name__ == "__main__":
    main()
