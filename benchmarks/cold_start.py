"""From the start of the process until `/readyz` is 200, with 100,000 records in the topics.

The records are the source's own: decoded, encoded and published in transactions by its code. Its log then tells where
the time went: until it listens (interpreter, imports, settings), until it has checked broker, topics and schemas, until
the last stream is fenced, until the last tail is read.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Final

from benchmarks.children import Source
from benchmarks.frames import Frames
from connector.kafka import clients
from connector.kafka.transactions import TransactionalProducer
from connector.mapping.decoder import Decoder
from connector.messages import Message
from connector.settings import KafkaSettings, TopicsSettings
from connector.source.records import RecordBuilder
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.stage import Stage
    from connector.kafka.records import Record

SETS: Final[dict[str, Sequence[str]]] = {"all seven streams": tuple(STREAMS), "news alone": ("news",)}
_SIZES: Final = {"transcripts": 1700, "news": 5000}
_BATCH: Final = 20
"""Records a transaction: each leaves a marker that the tail has to step over."""


def measure(stage: Stage, *, records: int, rounds: int) -> list[dict[str, Any]]:
    """One row a set of streams: the medians of `rounds` starts, in seconds, each part after the one before."""
    return [_row(stage, name, streams, records, rounds) for name, streams in SETS.items()]


def _row(stage: Stage, name: str, streams: Sequence[str], records: int, rounds: int) -> dict[str, Any]:
    prefix = stage.prefix()
    with Source(stage.settings(streams, prefix)) as source:  # makes the topics
        source.ready()
    share = records // len(streams)
    for stream in streams:
        _fill(stage, stream, prefix, share)
    starts = [_start(stage, streams, prefix) for _ in range(rounds)]
    medians = {part: statistics.median(start[part] for start in starts) for part in starts[0]}
    return {"streams": name, "records": share * len(streams), **medians}


def _fill(stage: Stage, stream: str, prefix: str, count: int) -> None:
    records = list(_records(stream, prefix, count))
    settings = KafkaSettings(bootstrap_servers=stage.kafka.bootstrap_servers, options={"linger.ms": 0})
    transactional_id = f"{prefix}.fill.{stream}"
    producer = TransactionalProducer(lambda: clients.producer(settings, transactional_id), transactional_id)
    producer.fence()
    for first in range(0, count, _BATCH):
        producer.publish(records[first : first + _BATCH])
    producer.close()


def _records(stream: str, prefix: str, count: int) -> Iterator[Record]:
    topics = TopicsSettings(prefix=prefix)
    names = (stream, "gaps", "dead-letters")
    builder = RecordBuilder(
        STREAMS[stream], topics, {f"{prefix}.{name}": topics.partitions for name in names}, {stream: 1, "gaps": 1}
    )
    decoder, frames = Decoder(STREAMS[stream]), Frames(stream, _SIZES.get(stream))
    for n in range(count):
        now = time.time_ns() // 1000
        message = decoder.decode(frames.payload(n))
        if not isinstance(message, Message):
            raise TypeError(f"{stream}: {message}")
        value = decoder.encode(message, now).value
        yield builder.message(message, builder.partition(message), value, now, replayed=False, redriven=False)


def _start(stage: Stage, streams: Sequence[str], prefix: str) -> dict[str, float]:
    """Start once; how long each part took."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        began = time.time()
        settings = {**stage.settings(streams, prefix), "LOG__LEVEL": "info", "LOG__FORMAT": "json"}
        with Source(settings, log) as source:
            ready = source.ready(0.005)
        return {"ready": ready, **_parts(log, began)}


def _parts(log: IO[str], began: float) -> dict[str, float]:
    log.seek(0)
    lines = [json.loads(line) for line in log if line.startswith("{")]

    def last(event: str, state: str | None = None) -> float:
        found = (line for line in lines if line["event"] == event and state in {None, line.get("state")})
        return max(datetime.fromisoformat(line["timestamp"]).timestamp() for line in found)

    instants = {
        "imports": last("http.listening"),
        "checks": last("source.started"),
        "fence": last("stream.state", "reading_tail"),
        "tail": last("stream.state", "publishing"),
    }
    parts, before = {}, began
    for name, at in instants.items():
        parts[name], before = at - before, at
    return parts
