"""Reads a topic as somebody else's consumer would: no code of the connector's, only what the contract promises."""

from __future__ import annotations

import io
import json
import time
import urllib.request
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Record:
    """One record. `value` is the bytes; `decoded` the Avro value where a registry was given."""

    partition: int
    offset: int
    key: str | None
    headers: dict[str, str]
    value: bytes | None
    decoded: Any
    timestamp_ms: int


def read_topic(
    bootstrap_servers: str,
    topic: str,
    *,
    registry_url: str | None = None,
    isolation: str = "read_committed",
    options: Mapping[str, str] | None = None,
    timeout: float = _TIMEOUT_SECONDS,
) -> list[Record]:
    """Everything the topic holds now, partition by partition in order of offset; `[]` where there is no such topic.

    `registry_url` (with its path, such as `…/apis/ccompat/v7`) makes it decode the values as Avro in the Confluent wire
    format. Under `read_committed`, "now" ends at the first open transaction.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "foreign",
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,  # how long the broker waits for more before it says that this is the end
            **(options or {}),
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=timeout).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        records, open_, deadline = [], set(partitions), time.monotonic() + timeout
        while open_:
            message = consumer.poll(1.0)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{topic}: partitions {sorted(open_)} were not read to their end in {timeout:g} s")
            if message is None:
                continue
            if (error := message.error()) is None:
                records.append(_record(message, registry_url))
            elif error.code() == KafkaError._PARTITION_EOF:
                open_.discard(message.partition())
            else:
                raise KafkaException(error)
    finally:
        consumer.close()
    return sorted(records, key=lambda record: (record.partition, record.offset))


def wait_for_records(
    bootstrap_servers: str,
    topic: str,
    enough: int | Callable[[list[Record]], bool],
    *,
    timeout: float = _TIMEOUT_SECONDS,
    **how: Any,
) -> list[Record]:
    """`read_topic` again and again until there are at least `enough` records, or until `enough(records)`."""
    deadline = time.monotonic() + timeout
    while True:
        records = read_topic(bootstrap_servers, topic, **how)
        if enough(records) if callable(enough) else len(records) >= enough:
            return records
        if time.monotonic() > deadline:
            wanted = "enough" if callable(enough) else enough
            raise TimeoutError(f"{topic}: {len(records)} records after {timeout:g} s, wanted {wanted}")
        time.sleep(0.05)


def _record(message: Any, registry_url: str | None) -> Record:
    key, value = message.key(), message.value()
    return Record(
        partition=message.partition(),
        offset=message.offset(),
        key=None if key is None else key.decode(),
        headers={name: (text or b"").decode() for name, text in message.headers() or ()},
        value=value,
        decoded=None if registry_url is None or value is None else decode(value, registry_url),
        timestamp_ms=message.timestamp()[1],
    )


def decode(value: bytes, registry_url: str) -> Any:
    """The Avro value of `value`: a zero byte, the schema's id in four bytes, the datum."""
    if value[:1] != b"\0":
        raise ValueError(f"not in the Confluent wire format: it begins with {value[:5]!r}")
    schema = _schema(registry_url, int.from_bytes(value[1:5], "big"))
    body = io.BytesIO(value[5:])
    decoded = fastavro.schemaless_reader(body, schema, None)
    if rest := body.read():
        raise ValueError(f"{len(rest)} bytes follow the datum")
    return decoded


@cache
def _schema(registry_url: str, schema_id: int) -> Any:
    with urllib.request.urlopen(f"{registry_url}/schemas/ids/{schema_id}", timeout=10) as response:
        return fastavro.parse_schema(json.loads(json.load(response)["schema"]))
