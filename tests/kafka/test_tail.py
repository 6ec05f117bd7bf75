"""Reading back a topic's end, on a real broker."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from connector.kafka import clients
from connector.kafka.records import Record
from connector.kafka.tail import TailReader, TailRecord, _record, keep_none
from connector.kafka.transactions import StoppedError, TransactionalProducer
from connector.settings import KafkaSettings
from tests.support.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.embedded import EmbeddedKafka


@pytest.fixture
def settings(kafka: EmbeddedKafka) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)


@pytest.fixture
def topic(settings: KafkaSettings, prefix: str) -> str:
    create_topics(settings.bootstrap_servers, prefix, partitions=2)
    return prefix


@pytest.fixture
def producer(settings: KafkaSettings, topic: str) -> Iterator[TransactionalProducer]:
    made = TransactionalProducer(lambda: clients.producer(settings, topic), topic)
    made.fence()
    yield made
    made.close()


@pytest.fixture
def tail(settings: KafkaSettings, topic: str) -> Iterator[TailReader]:
    with TailReader(settings, topic) as reader:
        yield reader


def record(topic: str, number: int, partition: int = 0) -> Record:
    headers = [("benzinga-fingerprint", f"{number:032x}".encode()), ("ce_time", b"2026-01-05T19:42:36Z")]
    return Record(topic, partition, b"key-%d" % number, b"value", headers, int(time.time() * 1000))


def numbers(rows: list[TailRecord]) -> list[int]:
    return [int.from_bytes(row.fingerprint, "big") for row in rows]


def test_the_last_records_are_found_behind_markers(
    topic: str, producer: TransactionalProducer, tail: TailReader
) -> None:
    for number in range(30):
        producer.publish([record(topic, number)])
    rows = tail.read(topic, [0, 1], 20)
    assert numbers(rows[0]) == list(range(10, 30))
    assert rows[1] == []
    assert (rows[0][-1].key, rows[0][-1].event_time_text) == ("key-29", "2026-01-05T19:42:36Z")


def test_aborted_records_are_not_known_however_many_there_are(
    topic: str, producer: TransactionalProducer, tail: TailReader
) -> None:
    producer.publish([record(topic, number) for number in range(5)])
    raw = producer._producer
    raw.begin_transaction()
    for number in range(1000, 1100):
        raw.produce(topic, b"aborted", b"key", 0, headers=[("benzinga-fingerprint", f"{number:032x}".encode())])
    raw.flush()
    raw.abort_transaction()
    assert numbers(tail.read(topic, [0], 5)[0]) == [0, 1, 2, 3, 4]


def test_a_transaction_that_is_still_open_is_waited_for(
    settings: KafkaSettings, topic: str, producer: TransactionalProducer, tail: TailReader
) -> None:
    producer.publish([record(topic, 1)])
    other = TransactionalProducer(lambda: clients.producer(settings, f"{topic}-other"), f"{topic}-other")
    other.fence()
    other._producer.begin_transaction()
    other._producer.produce(topic, b"late", b"key", 0, headers=[("benzinga-fingerprint", f"{2:032x}".encode())])
    other._producer.flush()
    found: list[int] = []
    reading = threading.Thread(target=lambda: found.extend(numbers(tail.read(topic, [0], 10)[0])))
    reading.start()
    reading.join(timeout=1)
    assert reading.is_alive()
    other._producer.commit_transaction()
    reading.join(timeout=20)
    assert found == [1, 2]


def test_values_are_kept_only_where_they_are_asked_for(
    topic: str, producer: TransactionalProducer, tail: TailReader
) -> None:
    producer.publish([record(topic, 1)])
    assert tail.read(topic, [0], 10)[0][0].value == b""
    kept = tail.read(topic, [0], 10, lambda value, _timestamp: value == b"value")
    assert kept[0][0].value == b"value"


def test_a_stop_ends_the_reading(settings: KafkaSettings, topic: str, producer: TransactionalProducer) -> None:
    producer.publish([record(topic, 1)])
    stop = threading.Event()
    stop.set()
    with TailReader(settings, topic, stop) as tail, pytest.raises(StoppedError):
        tail.read(topic, [0], 10)


def test_a_key_that_is_no_text_is_somebody_elses_and_stops_nothing() -> None:
    fields = {"key": b"\xff\x00", "value": b"x", "timestamp": (1, 5), "headers": None}
    message: Any = SimpleNamespace(**{name: lambda value=value: value for name, value in fields.items()})
    assert _record(message, keep_none) == TailRecord("\\xff\x00", b"", 5, None, b"")


@pytest.mark.parametrize("header", ["benzinga-replayed", "benzinga-redriven"])
def test_what_did_not_arrive_live_proves_no_replay_to_be_whole(header: str) -> None:
    fields = {"key": b"k", "value": b"x", "timestamp": (1, 5), "headers": [(header, b"true")]}
    message: Any = SimpleNamespace(**{name: lambda value=value: value for name, value in fields.items()})
    assert _record(message, keep_none).replayed
