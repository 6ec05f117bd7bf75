"""`check` against a simulated feed, a real Kafka and a real registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from connector.commands.check_feed import check_feed
from connector.settings import Settings
from connector.simulator import SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator
from tests.support.command import TOKEN, CommandLine
from tests.support.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from tests.support.command import Result


@pytest.fixture
def feed() -> Iterator[ThreadedSimulator]:
    with ThreadedSimulator(SimulatorSettings(token=TOKEN)) as simulator:
        yield simulator


@pytest.fixture
def command(command: CommandLine, feed: ThreadedSimulator, tmp_path: Path) -> CommandLine:
    return command.with_env(BENZINGA_FEED__URL=feed.url, BENZINGA_SOURCE__JOURNAL__DIR=str(tmp_path / "journal"))


def of(level: str, result: Result) -> list[str]:
    return [line.removeprefix(level).strip() for line in result.lines if line.startswith(level)]


def test_where_all_is_well_every_line_is_ok(command: CommandLine) -> None:
    command("provision")
    for _ in range(2):  # the second finds the feed's slots free again
        result = command("check")
        assert result.code == 0, result
        assert {line.split()[0] for line in result.lines} == {"ok"}
        assert any("feed, news, transcripts: connected" in line for line in result.lines)


def test_what_source_would_make_is_a_note_and_is_not_made(
    command: CommandLine, kafka: EmbeddedKafka, prefix: str
) -> None:
    result = command("check")
    assert result.code == 0, result
    topics, schemas = of("note", result)
    assert f"{prefix}.news" in topics
    assert f"{prefix}.gaps-value" in schemas
    assert not any(
        name.startswith(prefix)
        for name in AdminClient({"bootstrap.servers": kafka.bootstrap_servers}).list_topics(timeout=10).topics
    )


def test_what_source_may_not_make_is_a_problem(command: CommandLine) -> None:
    result = command("check", BENZINGA_TOPICS__CREATE="false", BENZINGA_SCHEMA_REGISTRY__REGISTER="false")
    assert result.code == 1
    topics, *schemas = of("problem", result)
    assert "topics.create is false" in topics
    assert len(schemas) == 3
    assert all("benzinga-kafka provision" in line for line in [topics, *schemas])


def test_every_problem_at_once(command: CommandLine, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [{id: dividend, any: [dividend], window: -1}]")
    result = command(
        "check",
        BENZINGA_FEED__URL="ws://127.0.0.1:1",
        BENZINGA_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1",
        BENZINGA_SCHEMA_REGISTRY__URL="http://127.0.0.1:1",
        BENZINGA_SOURCE__JOURNAL__DIR="/dev/null/journal",
        BENZINGA_PROCESSOR__RULES=str(rules),
    )
    assert result.code == 2
    feed, kafka, registry, journal, rule = of("problem", result)
    assert "news, transcripts" in feed
    assert "check feed.url" in feed
    assert kafka.startswith("kafka.bootstrap_servers: 127.0.0.1:1 did not answer")
    assert registry.startswith("schema_registry.url: http://127.0.0.1:1 cannot be reached")
    assert journal.startswith("source.journal.dir: /dev/null is not a folder")
    assert "rules[0] (dividend): window" in rule


async def test_a_bad_address_and_a_missing_key_are_told_together() -> None:
    found = await check_feed(Settings(feed={"url": "wss://feed:99999", "token": None, "token_file": None}))
    url, token = map(str, found)
    assert "feed.url" in url
    assert "feed.token" in token


def test_a_key_that_is_not_accepted_and_a_stream_that_is_not_licensed(command: CommandLine, feed: object) -> None:
    with ThreadedSimulator(SimulatorSettings(token=TOKEN, unlicensed=frozenset({"news"}))) as other:
        result = command("check", BENZINGA_FEED__URL=other.url)
        assert result.code == 1
        (problem,) = of("problem", result)
        assert "feed, news:" in problem
        assert "not licensed" in problem
        result = command("check", BENZINGA_FEED__URL=other.url, BENZINGA_FEED__TOKEN="bz.productionWRONGWRONG")
        assert any("check feed.token_file or feed.token" in line for line in of("problem", result))


def test_a_connection_that_is_open_already_is_a_note(command: CommandLine) -> None:
    command("provision")
    source = command.start("source", BENZINGA_LOG__FORMAT="json")
    assert source.stderr is not None
    connected = 0
    while connected < 2:
        connected += json.loads(source.stderr.readline())["event"] == "feed.connected"
    try:
        result = command("check")
    finally:
        ended = command.end(source)
    assert result.code == 0, result
    assert "429" in of("note", result)[0]
    assert "fine if `source` runs" in of("note", result)[0]
    assert ended.code == 0, "the source was not disturbed"
    assert "fenced" not in ended.err


def test_a_transactional_id_of_a_stream_is_never_taken(command: CommandLine, kafka: EmbeddedKafka, prefix: str) -> None:
    command("provision")
    source = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": f"{prefix}.news"})
    source.init_transactions(30)
    command("check")
    source.begin_transaction()
    source.produce(f"{prefix}.news", b"still here")
    source.commit_transaction(30)


def test_topics_and_schemas_that_differ(
    command: CommandLine, kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str
) -> None:
    create_topics(kafka.bootstrap_servers, f"{prefix}.news", config={"retention.ms": "1000"})
    theirs = {"type": "record", "name": "Theirs", "fields": [{"name": "foo", "type": "int"}]}
    client = SchemaRegistryClient({"url": registry.url})
    client.register_schema(f"{prefix}.news-value", Schema(json.dumps(theirs), "AVRO"))
    client.set_compatibility(f"{prefix}.news-value", "FULL_TRANSITIVE")
    result = command("check")
    assert result.code == 1
    problems = "\n".join(of("problem", result))
    assert f"{prefix}.news: has 1 partitions, not 2" in problems
    assert f"{prefix}.news: max.message.bytes is 1048588, not 20971520" in problems
    assert f"{prefix}.news-value: holds an earlier schema" in problems
    assert f"{prefix}.news: retention.ms is 1000" in "\n".join(of("note", result))
