"""The processor: how fast it works off a backlog, how soon an alert is seen, how soon it is back, its memory.

Exactly-once is on and the rules have 1,000 terms, of which ten are said: about every
fortieth sentence has an alert. The backlog stands in
`transcripts` before the process starts: the source's own records, made and published by its code. It is measured from
ready until everything is committed. The group's coordinator is asked for that: every look at the process's own metrics
would be work of the process.
"""

from __future__ import annotations

import io
import itertools
import json
import statistics
import tempfile
import threading
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import fastavro
from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from benchmarks.children import Processor, until
from benchmarks.frames import Frames
from benchmarks.machine import resident, usage
from benchmarks.topics import PARTITIONS
from connector.kafka import clients
from connector.kafka.registry import Registry
from connector.kafka.transactions import TransactionalProducer
from connector.mapping.decoder import Decoder
from connector.mapping.schemas import load_schema
from connector.messages import Message
from connector.settings import KafkaSettings, SchemaRegistrySettings, TopicsSettings
from connector.source.records import RecordBuilder
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.stage import Stage
    from connector.kafka.records import Record

STREAM: Final = "transcripts"
SIZE: Final = 1700
CALLS: Final = 500
"""Open at once while the backlog is worked off."""

RECOVERED: Final = 100
"""Calls open at the kill."""

RATE: Final = 100
ALERTS: Final = 1000
TERMS: Final = 1000
SAID: Final = 10
"""Of the terms; each in one of four hundred sentences."""

_TERMS_A_RULE: Final = 20
_BATCH: Final = 500
_SYLLABLES: Final = ("bar", "cel", "dor", "fen", "gul", "hav", "jor", "kel", "lum", "nor")


def measure(stage: Stage, *, sentences: int, each: int) -> dict[str, dict[str, Any]]:
    """`sentences` of backlog; `each`: sentences of each of the calls that are recovered."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder, "rules.yaml")
        rules.write_text(json.dumps({"rules": _rules()}), encoding="utf-8")
        return {
            f"backlog of {sentences:,} sentences, {CALLS} calls, {TERMS:,} terms": _backlog(stage, rules, sentences),
            f"sentence received → alert seen by a consumer (milliseconds), {RATE} a second": _latency(stage, folder),
            f"recovery after kill -9 of {RECOVERED} open calls of {each} sentences (seconds)": _recovery(stage, each),
        }


def _backlog(stage: Stage, rules: Path, count: int) -> dict[str, Any]:
    prefix = stage.prefix()
    _fill(stage, prefix, count, CALLS)
    with _processor(stage, prefix, PROCESSOR__RULES=str(rules)) as process:
        before = process.metric("sentences_total")
        began, used = time.monotonic(), usage(process.pid)
        with closing(_Position(stage, prefix)) as position:
            until(position.is_at_end, "the backlog worked off")
        seconds, work = time.monotonic() - began, usage(process.pid) - used
        memory, scale = resident(process.pid), 100_000 / (count - before)
        return {
            "sentences a second": (count - before) / seconds,
            "CPU seconds for 100,000": work.total * scale,
            "of it librdkafka": work.librdkafka * scale,
            "alerts": process.metric("alerts_total"),
            "open calls": process.metric("open_calls"),
            "MB": memory["now"],
            "peak MB": memory["peak"],
        }


def _latency(stage: Stage, folder: str) -> dict[str, Any]:
    prefix = stage.prefix()
    rules = Path(folder, "every.yaml")
    terms = [" ".join(pair) for pair in itertools.islice(_invented(), TERMS - 1)]
    rules.write_text(
        json.dumps({"rules": [{"id": "every", "any": terms, "regex": ["^."], "cooldown": "0s"}]}), encoding="utf-8"
    )
    with stage.live_source(STREAM, prefix), _processor(stage, prefix, PROCESSOR__RULES=str(rules)) as process:
        process.ready()
        with closing(_Watch(stage, f"{prefix}.alerts")) as watch:
            stage.prepare(STREAM, ALERTS, SIZE)
            used = usage(process.pid)
            stage.send(STREAM, RATE)
            until(lambda: len(watch.waits) >= ALERTS * 0.98, "the alerts")
            work = usage(process.pid) - used
        cuts = statistics.quantiles(watch.waits[ALERTS // 20 :], n=100, method="inclusive")
        return {"alerts": len(watch.waits), "p50": cuts[49] * 1e3, "p99": cuts[98] * 1e3, "CPU seconds": work.total}


def _recovery(stage: Stage, each: int) -> dict[str, Any]:
    prefix = stage.prefix()
    _fill(stage, prefix, RECOVERED * each, RECOVERED)
    with _processor(stage, prefix) as process:
        until(lambda: process.metric("sentences_total") >= RECOVERED * each, "all sentences", every=0.1)
        process.process.kill()
        process.process.wait()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        with _processor(stage, prefix, log, LOG__LEVEL="info", LOG__FORMAT="json") as process:
            until(lambda: _up(process) and process.metric("open_calls") == RECOVERED, "all calls open again")
            memory = resident(process.pid)["now"]
        log.seek(0)
        lines = [json.loads(line) for line in log if line.startswith("{")]
    assigned = min(_at(line) for line in lines if line["event"] == "processor.assigned" and line["partitions"] != "[]")
    done = [line for line in lines if line["event"] == "processor.partition_restored"]
    return {
        "assigned → all restored": max(map(_at, done)) - assigned,
        "slowest partition": max(line["seconds"] for line in done),
        "records read again": sum(line["records"] for line in done),
        "MB": memory,
    }


def _up(process: Processor) -> bool:
    try:
        return process.is_ready
    except OSError:
        return False


def _at(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["timestamp"]).timestamp()


def _processor(stage: Stage, prefix: str, log: IO[str] | None = None, **settings: str) -> Processor:
    process = Processor({**stage.settings([STREAM], prefix), **settings}, log)
    try:
        process.ready(0.005)
    except BaseException:
        process.__exit__()
        raise
    return process


class _Position:
    """How far the processor's group has committed."""

    def __init__(self, stage: Stage, prefix: str) -> None:
        topic = f"{prefix}.{STREAM}"
        self._consumer = Consumer(
            {"bootstrap.servers": stage.kafka.bootstrap_servers, "group.id": f"{prefix}.processor"}
        )
        self._ends = {
            partition: self._consumer.get_watermark_offsets(TopicPartition(topic, partition))[1]
            for partition in range(PARTITIONS)
        }
        self._asked = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]

    def is_at_end(self) -> bool:
        """Whether nothing is left; the last offset of a partition is the marker of the transaction that filled it."""
        try:
            committed = self._consumer.committed(self._asked)
        except KafkaException:  # the group's coordinator is not there yet: asked again
            return False
        return all(at.offset >= self._ends[at.partition] - 1 for at in committed)

    def close(self) -> None:
        """End."""
        self._consumer.close()


class _Watch:
    """How long after its sentence was received each alert is seen, in seconds: a thread with a consumer."""

    def __init__(self, stage: Stage, topic: str) -> None:
        self.waits: list[float] = []
        self._schema = fastavro.parse_schema(load_schema("alerts"))
        self._consumer = Consumer({"bootstrap.servers": stage.kafka.bootstrap_servers, "group.id": "benchmarks"})
        self._consumer.assign([TopicPartition(topic, partition, OFFSET_END) for partition in range(PARTITIONS)])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()
        time.sleep(1)  # until it stands at the end everywhere

    def close(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _poll(self) -> None:
        while not self._stop.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error() is not None:
                continue
            now, value = time.time(), message.value()
            alert: Any = fastavro.schemaless_reader(io.BytesIO((value or b"")[5:]), self._schema, None)
            self.waits.append(now - alert["sentence_received_at"].timestamp())


def _rules() -> list[dict[str, Any]]:
    said = _said(SAID)
    terms = said + [" ".join(pair) for pair in itertools.islice(_invented(), TERMS - len(said))]
    # What is said is dealt out evenly: every rule has some.
    dealt = [terms[number :: TERMS // _TERMS_A_RULE] for number in range(TERMS // _TERMS_A_RULE)]
    return [{"id": f"rule-{number}", "any": terms} for number, terms in enumerate(dealt)]


def _said(count: int) -> list[str]:
    """The rarest pairs of words of the sentences: they are said now and then."""
    seen: dict[str, int] = {}
    frames = Frames(STREAM, SIZE)
    for number in range(400):
        words = [word.strip(".,?!\"'").lower() for word in json.loads(frames.payload(number))["sentence"].split()]
        for pair in itertools.pairwise(words):
            if all(word.isalpha() for word in pair):
                seen[" ".join(pair)] = seen.get(" ".join(pair), 0) + 1
    return sorted(seen, key=lambda pair: (seen[pair], pair))[:count]


def _invented() -> Iterator[tuple[str, str]]:
    words = ["".join(parts) for parts in itertools.product(_SYLLABLES, repeat=2)]
    return itertools.permutations(words, 2)


def _fill(stage: Stage, prefix: str, count: int, calls: int) -> None:
    settings = TopicsSettings(prefix=prefix)
    stage.topics.create(f"{prefix}.{STREAM}")
    servers, registry = stage.kafka.bootstrap_servers, Registry(SchemaRegistrySettings(url=stage.registry.url))
    schema_id = registry.schema_id(f"{prefix}.{STREAM}", STREAM)
    names = (STREAM, "gaps", "dead-letters")
    builder = RecordBuilder(
        STREAMS[STREAM],
        settings,
        {f"{prefix}.{name}": PARTITIONS for name in names},
        {STREAM: schema_id, "gaps": 1},
    )
    kafka, transactional_id = KafkaSettings(bootstrap_servers=servers), f"{prefix}.fill"
    producer = TransactionalProducer(lambda: clients.producer(kafka, transactional_id), transactional_id)
    producer.fence()
    decoder, frames = Decoder(STREAMS[STREAM]), Frames(STREAM, SIZE, calls=calls)
    for first in range(0, count, _BATCH):
        producer.publish(
            [_record(builder, decoder, frames.payload(n)) for n in range(first, min(first + _BATCH, count))]
        )
    producer.close()


def _record(builder: RecordBuilder, decoder: Decoder, payload: bytes) -> Record:
    now = time.time_ns() // 1000
    message = decoder.decode(payload)
    if not isinstance(message, Message):
        raise TypeError(f"{message}")
    value = decoder.encode(message, now).value
    return builder.message(message, builder.partition(message), value, now, replayed=False, redriven=False)
