"""Print headlines as they are committed: a consumer of `benzinga.news` in plain confluent-kafka."""

from __future__ import annotations

import argparse

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext


def main() -> None:
    """Read until `--max` records were printed, or for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap-servers", default="localhost:9092")
    parser.add_argument("--registry", default="http://localhost:8081")
    parser.add_argument("--topic", default="benzinga.news")
    parser.add_argument("--group", default="headlines")
    parser.add_argument("--max", type=int, default=0, help="records to print; 0: no end")
    options = parser.parse_args()

    deserialise = AvroDeserializer(SchemaRegistryClient({"url": options.registry}))
    consumer = Consumer(
        {
            "bootstrap.servers": options.bootstrap_servers,
            "group.id": options.group,
            "isolation.level": "read_committed",  # librdkafka's default; said because everything rests on it
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([options.topic])
    printed = 0
    try:
        while not options.max or printed < options.max:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error() is not None:
                raise SystemExit(str(message.error()))
            record = deserialise(message.value(), SerializationContext(options.topic, MessageField.VALUE))
            content = record["content"]
            # A deletion may come without its article: it has the same record_id, and is behind it in the partition.
            print(record["action"], content["title"] if content else record["record_id"], sep="\t")
            consumer.commit(message)
            printed += 1
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
