"""`dead-letters` on a real Kafka and a real registry."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Producer

from connector.mapping.decoder import Decoder
from connector.settings import Settings
from connector.source.records import RecordBuilder
from connector.streams import STREAMS
from tests.support.command import read_line
from tests.support.consume import Record, read_topic

if TYPE_CHECKING:
    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from connector.messages import DeadLetterReason
    from tests.support.command import CommandLine, Result

NOW = time.time_ns() // 1000
PARTITIONS = 2


def frame(number: int, **data: Any) -> bytes:
    """A message that today's decoder reads."""
    data = {
        "action": "created",
        "id": number,
        "timestamp": f"2026-01-05T15:{number // 60 % 60:02}:{number % 60:02}Z",
        "content": {"id": number, "title": f"News {number}"},
    } | data
    return json.dumps({"id": f"m{number}", "api_version": "websocket/v1", "kind": "news", "data": data}).encode()


class Topics:
    """The connector's topics of one test: writes dead letters as an older version would, reads what became of them."""

    def __init__(self, kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str) -> None:
        self.kafka, self.registry, self.prefix = kafka, registry, prefix
        settings = Settings.model_validate({"topics": {"prefix": prefix}})
        names = [f"{prefix}.{name}" for name in ("news", "gaps", "dead-letters")]
        partitions = dict.fromkeys(names, PARTITIONS)
        self._builder = RecordBuilder(STREAMS["news"], settings.topics, partitions, {"news": 0, "gaps": 0})

    def add(self, *frames: bytes, reason: DeadLetterReason = "schema") -> None:
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap_servers, "linger.ms": 20})
        for payload in frames:
            letter = Decoder.dead_letter(reason, "an older version could not", payload)
            record = self._builder.dead_letter(letter, NOW)
            producer.produce(record.topic, record.value, record.key, record.partition, headers=record.headers)
        assert producer.flush(30) == 0

    def read(self, name: str, *, isolation: str = "read_committed") -> list[Record]:
        url = self.registry.url if name == "news" else None
        servers = self.kafka.bootstrap_servers
        return read_topic(servers, f"{self.prefix}.{name}", registry_url=url, isolation=isolation)

    def keys(self) -> list[str | None]:
        """Of the news topic."""
        return sorted(record.key or "" for record in self.read("news"))


@pytest.fixture
def topics(command: CommandLine, kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str) -> Topics:
    assert command("provision").code == 0
    return Topics(kafka, registry, prefix)


def places(result: Result) -> list[str]:
    return [json.loads(line)["place"] for line in result.lines]


def test_what_can_be_decoded_today_is_published_once(command: CommandLine, topics: Topics) -> None:
    topics.add(frame(1), b"\xff", frame(2), frame(1) + b" ", frame(3, link="https://x/?token=abcdefghij"))
    first = command("dead-letters", "redrive")
    assert first.code == 0, first
    assert "news: 2 published, 1 still failing, 1 duplicate, 1 redacted" in first.lines
    assert topics.keys() == ["m1", "m2"]
    (record, _) = sorted(topics.read("news"), key=lambda record: record.key or "")
    assert record.headers["benzinga-redriven"] == "true"
    assert record.decoded["content"]["title"] == "News 1"
    assert record.decoded["received_at"].timestamp() == pytest.approx(NOW / 1e6, abs=1e-5)
    assert record.timestamp_ms == NOW // 1000

    second = command("dead-letters", "redrive")
    assert second.code == 0
    assert "news: 3 redriven before, 1 still failing, 1 redacted" in second.lines
    assert topics.keys() == ["m1", "m2"]
    marks = {record.key: json.loads(record.value or b"") for record in topics.read("internal.redriven")}
    assert [mark["outcome"] for mark in marks.values()] == ["published", "published", "duplicate"]


def test_a_dry_run_decides_the_same_and_changes_nothing(command: CommandLine, topics: Topics) -> None:
    topics.add(frame(1), frame(1) + b" ")
    result = command("dead-letters", "redrive", "--dry-run")
    assert result.code == 0
    assert "news: would be: 1 published, 1 duplicate" in result.lines
    assert (topics.read("news", isolation="read_uncommitted"), topics.read("internal.redriven")) == ([], [])
    assert "news: 1 published, 1 duplicate" in command("dead-letters", "redrive").lines


def test_what_is_on_the_topic_already_is_not_published_again(command: CommandLine, topics: Topics) -> None:
    topics.add(frame(1))
    command("dead-letters", "redrive")
    topics.add(frame(1) + b"\n")
    assert "news: 1 redriven before, 1 duplicate" in command("dead-letters", "redrive").lines
    assert topics.keys() == ["m1"]


def test_a_second_run_beyond_the_dedup_window_publishes_nothing(command: CommandLine, topics: Topics) -> None:
    topics.add(*(frame(number) for number in range(20)))
    narrow = command.with_env(BENZINGA_SOURCE__DEDUP_WINDOW="1")
    assert "news: 20 published" in narrow("dead-letters", "redrive").lines
    assert "news: 20 redriven before" in narrow("dead-letters", "redrive").lines
    assert len(topics.keys()) == 20


def test_killed_at_any_moment_each_is_published_once(command: CommandLine, topics: Topics) -> None:
    count = 1500
    topics.add(*(frame(number) for number in range(count)))
    process = command.start("dead-letters", "redrive")
    read_line(process)  # the first transaction is committed, the next ones are on their way
    process.kill()
    process.communicate()
    assert 0 < len(topics.read("news")) < count
    again = command("dead-letters", "redrive")
    assert again.code == 0, again
    assert topics.keys() == sorted(f"m{number}" for number in range(count))


def test_a_record_that_kafka_refuses_stays_and_the_others_are_published(
    command: CommandLine, kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str
) -> None:
    small = command.with_env(BENZINGA_TOPICS__OVERRIDES='{"news": {"config": {"max.message.bytes": "4000"}}}')
    assert small("provision").code == 0
    topics = Topics(kafka, registry, prefix)
    noise = random.Random(7).randbytes(20_000).hex()  # so that compressing does not help
    topics.add(frame(1), frame(2, content={"title": noise}), frame(3), frame(2, content={"title": noise}, foo=1))
    for told in ("2 published, 2 still failing", "2 redriven before, 2 still failing"):
        result = small("dead-letters", "redrive")
        assert result.code == 0, result
        assert f"news: {told}" in result.lines
        assert sum("Kafka refuses its record" in line for line in result.lines) == 2
        assert topics.keys() == ["m1", "m3"]


def test_a_source_that_runs_is_not_fenced(command: CommandLine, topics: Topics, prefix: str) -> None:
    options = {"bootstrap.servers": topics.kafka.bootstrap_servers, "transactional.id": f"{prefix}.news"}
    source = Producer(options)
    source.init_transactions(30)
    topics.add(frame(1))
    assert command("dead-letters", "redrive", "--stream", "news").code == 0
    source.begin_transaction()
    source.produce(f"{prefix}.gaps", b"still here")
    source.commit_transaction(30)


def test_only_the_stream_that_is_named_is_redriven(command: CommandLine, topics: Topics) -> None:
    topics.add(frame(1))
    assert command("dead-letters", "redrive", "--stream", "ratings").lines == ["no dead letters"]
    assert topics.keys() == []


def test_list_and_show(command: CommandLine, topics: Topics) -> None:
    topics.add(b"\xfe\x00", reason="not_json")
    topics.add(frame(1), frame(2))
    command("dead-letters", "redrive")
    everything = [json.loads(line) for line in command("dead-letters", "list").lines]
    assert [row["redriven"] for row in everything] == [None, "published", "published"]
    assert {row["stream"] for row in everything} == {"news"}
    assert places(command("dead-letters", "list", "--max", "2")) == [row["place"] for row in everything[1:]]
    assert places(command("dead-letters", "list", "--reason", "not_json")) == [everything[0]["place"]]
    assert command("dead-letters", "list", "--stream", "ratings").out == ""
    table = command("dead-letters", "list", "--format", "table").lines
    assert table[0].split() == ["PLACE", "RECEIVED_AT", "STREAM", "REASON", "BYTES", "REDRIVEN", "DETAIL"]
    assert len(table) == 4

    place = everything[1]["place"]
    shown = command("dead-letters", "show", place).out
    headers, _, payload = shown.partition("\n\n")
    assert "reason: schema" in headers.splitlines()
    assert payload == frame(1).decode() + "\n"
    process = command.start("dead-letters", "show", everything[0]["place"], "--raw")
    assert process.communicate()[0] == b"\xfe\x00"


@pytest.mark.parametrize(
    ("place", "sentence"), [("0:99999", "no record at 0:99999"), ("99:0", "no record at 99:0"), ("x", "such as 0:42")]
)
def test_a_place_where_nothing_is(command: CommandLine, topics: Topics, place: str, sentence: str) -> None:
    result = command("dead-letters", "show", place)
    assert result.code == 2
    assert sentence in result.err


def test_without_the_topic_it_is_told_what_makes_it(command: CommandLine) -> None:
    result = command("dead-letters", "list")
    assert result.code == 1
    assert "run `benzinga-kafka provision`" in result.err
