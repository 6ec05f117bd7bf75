"""Kafka and the feed as models: a few lines each, in memory, with faults between any two steps."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.kafka.tail import REPLAYED, TailRecord, keep_none

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from connector.kafka.records import Record
    from connector.kafka.tail import KeepValue

START = 1_767_642_156_000_000
"""Microseconds since the epoch."""

REPLAY = 6
"""Messages that a replay brings, instead of 100: so that the edge is met in every run."""


@dataclass
class Sent:
    """One frame of the feed."""

    index: int
    payload: bytes
    name: str
    """The record, or the transcript."""


class ModelKafka:
    """Topics as lists; a transaction is appended as a whole or not at all. Stands in for `TailReader` as well."""

    def __init__(self) -> None:
        self.topics: dict[str, dict[int, list[Record]]] = {}
        self.first: Record | None = None
        """The first that was ever committed."""

    def commit(self, records: Sequence[Record]) -> None:
        self.first = self.first or records[0]
        for record in records:
            self.topics.setdefault(record.topic, {}).setdefault(record.partition, []).append(record)

    def records(self, topic: str) -> list[Record]:
        """Partition by partition, in the order of offsets."""
        return [record for _, records in sorted(self.topics.get(topic, {}).items()) for record in records]

    def read(
        self, topic: str, partitions: Sequence[int], wanted: int, keep_value: KeepValue = keep_none
    ) -> dict[int, list[TailRecord]]:
        """As `TailReader.read`."""
        held = self.topics.get(topic, {})
        return {partition: [_row(r, keep_value) for r in held.get(partition, [])[-wanted:]] for partition in partitions}


def _row(record: Record, keep_value: KeepValue) -> TailRecord:
    headers = dict(record.headers)
    time = headers.get("ce_time")
    return TailRecord(
        record.key.decode(),
        bytes.fromhex(headers.get("benzinga-fingerprint", b"").decode()),
        record.timestamp,
        None if time is None else time.decode(),
        (record.value or b"") if keep_value(record.value or b"", record.timestamp) else b"",
        REPLAYED in headers,
    )


@dataclass
class ModelFeed:
    """Sends on one socket; what is on the way when that ends is gone."""

    dice: random.Random
    envelope: bool = True
    order: str = "old-first"
    new_ids: bool = False
    interleaved: bool = False
    """Whether live messages come in between those of a replay."""
    sent: list[Sent] = field(default_factory=list)
    on_the_way: deque[Sent] = field(default_factory=deque)
    connected: bool = False
    _cache: deque[Sent] = field(default_factory=lambda: deque(maxlen=REPLAY))
    _sequences: dict[str, int] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)

    def publish(self) -> None:
        """Something happens in the world."""
        index = len(self.sent)
        frame = self._message(index) if self.envelope else self._sentence(index)
        self.sent.append(frame)
        self._cache.append(frame)
        if self.connected:
            self.on_the_way.append(frame)

    def repeat(self) -> None:
        """The same message a second time."""
        if self.sent and self.connected:
            self.on_the_way.append(self.dice.choice(self.sent[-3:]))

    def connect(self) -> None:
        self.connected = True
        self.on_the_way.clear()

    def disconnect(self) -> None:
        self.connected = False
        self.on_the_way.clear()

    def replay(self) -> None:
        """Answer `replay`; what happens meanwhile may come in between."""
        frames = list(self._cache)
        if self.order == "new-first":
            frames.reverse()
        elif self.order == "shuffled":
            self.dice.shuffle(frames)
        for frame in frames:
            self.on_the_way.append(self._renamed(frame) if self.new_ids else frame)
            if self.interleaved and self.dice.random() < 0.2:
                self.publish()

    def _message(self, index: int) -> Sent:
        name = f"r{self.dice.randrange(3)}"
        second, milli = divmod(index, 1000)
        data = {
            "action": "Updated",
            "id": f"{name}e",
            "timestamp": f"2026-01-05T19:{42 + second:02}:00.{milli:03}Z",
            "content": {"id": name, "title": f"{index}"},
        }
        body: dict[str, Any] = {"kind": "News/v1", "data": data}
        if self.dice.random() < 0.7:
            body["id"] = f"m{index}"
        return Sent(index, json.dumps(body).encode(), name)

    def _renamed(self, frame: Sent) -> Sent:
        body = json.loads(frame.payload)
        if "id" in body:
            body["id"] = f"again-{self.dice.randrange(10**9)}"
        return Sent(frame.index, json.dumps(body).encode(), frame.name)

    def _sentence(self, index: int) -> Sent:
        name = f"t{self.dice.randrange(2)}-{index // 40}"
        sequence = self._sequences.get(name, -1) + 1
        text = f"Sentence {index}."
        if sequence and self.dice.random() < 0.15:
            sequence = self.dice.randrange(sequence)  # a correction
        else:
            sequence += self.dice.random() < 0.05
            self._sequences[name] = sequence
        body = {"transcript_id": name, "sequence": sequence, "sentence": text, "status": "IN_PROGRESS"}
        return Sent(index, json.dumps(body).encode(), name)
