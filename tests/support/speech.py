"""Calls as the feed may send them at its worst, and a producer that puts them into `transcripts` without a source."""

from __future__ import annotations

import json
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from connector.kafka import clients
from connector.kafka.topics import TRANSCRIPTS, source_topics
from connector.kafka.transactions import TransactionalProducer
from connector.mapping.decoder import Decoder
from connector.messages import Message
from connector.preflight import prepare
from connector.settings import KafkaSettings, SchemaRegistrySettings, Settings, TopicsSettings
from connector.source.records import RecordBuilder
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.kafka.records import Record

START = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
SPOKEN = (
    "we grew our margins by ten percent this quarter and the guidance is not what you expected thank you good "
    "afternoon to everyone on the call the outlook remains strong with growth in every segment of our business margin"
)
WORDS = SPOKEN.split()
ENDINGS = ("last", "empty", "completed", "again", "none")


def frame(name: str, sequence: int, text: str | None, **fields: Any) -> bytes:
    """A sentence as the feed sends it."""
    shown: dict[str, Any] = {"transcript_id": name, "sequence": sequence, "status": "IN_PROGRESS", "symbol": "ACME"}
    if text is not None:
        shown["sentence"] = text
    return json.dumps(shown | fields).encode()


def one_call(name: str, dice: random.Random, ending: str, sentences: int) -> list[bytes]:
    """Holes, duplicates, corrections and disorder; how it ends is one of ENDINGS."""
    frames: list[bytes] = []
    first = dice.choice((0, 0, 0, 2))
    for sequence in range(first, first + sentences):
        if dice.random() < 0.04 and sequence != first + sentences - 1:
            continue
        made = START + timedelta(seconds=sequence)
        fields: dict[str, Any] = {
            "speaker": dice.choice(("Jane Doe", "John Roe", "")),
            "confidence": dice.choice((0.3, 0.9, None)),
            "created_time": made.isoformat(),
            "start_time": made.isoformat(),
        }
        text = " ".join(dice.choices(WORDS, k=dice.randint(3, 9))) + "."
        if ending == "last" and sequence == first + sentences - 1:
            fields["status"] = "COMPLETE"
        frames.append(frame(name, sequence, text, **fields))
        if dice.random() < 0.05:
            frames.append(frames[-1])
        if dice.random() < 0.05:
            made += timedelta(seconds=dice.choice((-5, 5)))
            frames.append(frame(name, sequence, f"{text} corrected", **fields | {"created_time": made.isoformat()}))
    for at in range(1, len(frames)):
        if dice.random() < 0.08:
            frames[at - 1], frames[at] = frames[at], frames[at - 1]
    if ending in {"empty", "completed"}:
        frames.append(frame(name, first + sentences, None, status="COMPLETE" if ending == "empty" else "COMPLETED"))
    elif ending == "again":
        frames.append(json.dumps(json.loads(frames[-1]) | {"status": "complete"}).encode())
    return frames


def many_calls(seed: int, calls: int = 200, sentences: int = 12, at_once: int = 60) -> list[bytes]:
    """Interleaved at random, each call in its own order, with every ending; `at_once` of them run at any time."""
    dice = random.Random(seed)
    scripts = [
        one_call(f"call-{seed}-{number:03}", dice, ENDINGS[number % len(ENDINGS)], dice.randint(4, 2 * sentences - 4))
        for number in range(calls)
    ]
    frames: list[bytes] = []
    while scripts:
        turn = dice.randrange(min(at_once, len(scripts)))
        frames.append(scripts[turn].pop(0))
        if not scripts[turn]:
            del scripts[turn]
    return frames


class Carrier:
    """Publishes frames as the source does: the same records, one transaction a batch."""

    def __init__(self, bootstrap_servers: str, registry_url: str, prefix: str, partitions: int = 3) -> None:
        settings = Settings(
            kafka=KafkaSettings(bootstrap_servers=bootstrap_servers),
            schema_registry=SchemaRegistrySettings(url=registry_url),
            topics=TopicsSettings(prefix=prefix, partitions=partitions, replication_factor=1),
        )
        specs = source_topics(settings.topics, [TRANSCRIPTS])
        ground = prepare(settings, specs, [TRANSCRIPTS, "gaps"], [], threading.Event())
        self._records = RecordBuilder(STREAMS[TRANSCRIPTS], settings.topics, ground.partitions, ground.schema_ids)
        self._decoder = Decoder(STREAMS[TRANSCRIPTS])
        self._producer = TransactionalProducer(
            lambda: clients.producer(settings.kafka, f"{prefix}.carrier"), f"{prefix}.carrier"
        )
        self._producer.fence()
        self.topic = self._records.topic
        self.carried: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._producer.close()

    def carry(self, *frames: bytes) -> None:
        """Commit them, all in one transaction."""
        self._producer.publish([self.record(payload) for payload in frames])
        self.carried.extend(frames)

    def carry_all(self, frames: Sequence[bytes], *, rate: float, batch: int = 10) -> None:
        """Commit them in batches, about `rate` frames a second; 0 is as fast as it goes."""
        due = time.monotonic()
        for at in range(0, len(frames), batch):
            self.carry(*frames[at : at + batch])
            due += batch / rate if rate else 0.0
            time.sleep(max(0.0, due - time.monotonic()) if rate else 0.0)

    def record(self, payload: bytes, received_at: int | None = None) -> Record:
        """The record of a frame that is received now, or at `received_at` (µs)."""
        message = self._decoder.decode(payload)
        assert isinstance(message, Message)
        now = time.time_ns() // 1000 if received_at is None else received_at
        value = self._decoder.encode(message, now).value
        partition = self._records.partition(message)
        return self._records.message(message, partition, value, now, replayed=False, redriven=False)

    def produce(self, *records: Record) -> None:
        """Commit records as they are."""
        self._producer.publish(records)
