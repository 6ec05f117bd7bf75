"""`provision` on a real Kafka and a real registry."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from confluent_kafka.schema_registry import SchemaRegistryClient

from tests.support.topics import create_topics

if TYPE_CHECKING:
    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from tests.support.command import CommandLine

TOPICS = {
    "news", "transcripts", "gaps", "dead-letters", "calls", "alerts",
    "internal.ownership", "internal.handover", "internal.calls", "internal.redriven",
}  # fmt: skip

RESOURCES = {"--topic", "--group", "--transactional-id"}


def existing(kafka: EmbeddedKafka, prefix: str) -> dict[str, int]:
    """Partitions by name, without the prefix."""
    topics = AdminClient({"bootstrap.servers": kafka.bootstrap_servers}).list_topics(timeout=10).topics
    start = f"{prefix}."
    return {name.removeprefix(start): len(t.partitions) for name, t in topics.items() if name.startswith(start)}


def config_of(kafka: EmbeddedKafka, topic: str) -> dict[str, str | None]:
    client = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    (future,) = client.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    return {name: entry.value for name, entry in future.result().items()}


def test_a_dry_run_says_what_would_be_done_and_does_none_of_it(
    command: CommandLine, kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str
) -> None:
    result = command("provision", "--dry-run")
    assert result.code == 0, result
    assert {line.split()[2].removeprefix(f"{prefix}.") for line in result.lines if line.startswith("would create")} == {
        f"{name}:" for name in TOPICS
    }
    assert f"would register {prefix}.news-value: compatibility FULL_TRANSITIVE" in result.lines
    assert existing(kafka, prefix) == {}
    assert not [name for name in SchemaRegistryClient({"url": registry.url}).get_subjects() if name.startswith(prefix)]


def test_everything_is_made_once_and_found_right_the_second_time(
    command: CommandLine, kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str
) -> None:
    first = command("provision", BENZINGA_SCHEMA_REGISTRY__REGISTER="false", BENZINGA_TOPICS__CREATE="false")
    assert first.code == 0, first
    assert set(existing(kafka, prefix)) == TOPICS
    assert existing(kafka, prefix)["news"] == 2
    assert config_of(kafka, f"{prefix}.news")["max.message.bytes"] == "20971520"
    assert config_of(kafka, f"{prefix}.calls")["cleanup.policy"] == "compact"
    client = SchemaRegistryClient({"url": registry.url})
    assert client.get_compatibility(f"{prefix}.transcripts-value") == "FULL_TRANSITIVE"
    second = command("provision")
    assert second.code == 0
    assert {line.split()[0] for line in second.lines} == {"ok"}


def test_the_open_calls_have_the_partitions_of_the_transcripts_whatever_the_settings_say(
    command: CommandLine, kafka: EmbeddedKafka, prefix: str
) -> None:
    create_topics(
        kafka.bootstrap_servers, f"{prefix}.transcripts", partitions=5, config={"max.message.bytes": "20971520"}
    )
    dry = command("provision", "--dry-run")
    assert any(line.startswith(f"would create {prefix}.internal.calls: 5 partitions") for line in dry.lines)
    command("provision")
    found = existing(kafka, prefix)
    assert (found["transcripts"], found["internal.calls"], found["calls"]) == (5, 5, 2)


def test_what_keeps_more_is_set_and_what_keeps_less_is_told(
    command: CommandLine, kafka: EmbeddedKafka, prefix: str
) -> None:
    config = {"max.message.bytes": "1000000", "retention.ms": "-1", "cleanup.policy": "delete"}
    create_topics(kafka.bootstrap_servers, f"{prefix}.news", config=config)
    dry = command("provision", "--dry-run")
    assert config_of(kafka, f"{prefix}.news")["max.message.bytes"] == "1000000"
    result = command("provision")
    assert dry.code == result.code == 1
    assert f"changed    {prefix}.news: max.message.bytes from 1000000 to 20971520" in result.lines
    told = [line for line in result.lines if line.startswith("differs")]
    assert any(f"{prefix}.news: retention.ms is -1, not 2592000000" in line for line in told)
    assert any(f"{prefix}.news: has 1 partitions, not 2" in line and "topics.partitions" in line for line in told)
    assert len(told) == 2
    after = config_of(kafka, f"{prefix}.news")
    assert (after["max.message.bytes"], after["retention.ms"]) == ("20971520", "-1")
    assert existing(kafka, prefix)["news"] == 1


def test_a_replication_factor_the_cluster_has_not_is_told_with_the_setting(command: CommandLine) -> None:
    result = command("provision", "--dry-run", BENZINGA_TOPICS__REPLICATION_FACTOR="3")
    assert result.code == 1
    assert "topics.replication_factor" in result.out


def test_a_level_of_compatibility_that_is_another_is_set(
    command: CommandLine, registry: EmbeddedRegistry, prefix: str
) -> None:
    command("provision")
    client = SchemaRegistryClient({"url": registry.url})
    client.set_compatibility(f"{prefix}.news-value", "NONE")
    result = command("provision")
    assert result.code == 0
    assert f"changed    {prefix}.news-value: compatibility from NONE to FULL_TRANSITIVE" in result.lines
    assert SchemaRegistryClient({"url": registry.url}).get_compatibility(f"{prefix}.news-value") == "FULL_TRANSITIVE"


def test_a_cluster_and_a_registry_that_are_away_are_told_together(command: CommandLine) -> None:
    result = command(
        "provision",
        BENZINGA_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1",
        BENZINGA_SCHEMA_REGISTRY__URL="http://127.0.0.1:1",
    )
    assert result.code == 1
    assert result.err.startswith("2 errors:\n- kafka.bootstrap_servers: 127.0.0.1:1 did not answer")
    assert "- schema_registry.url: http://127.0.0.1:1 cannot be reached" in result.err


def test_the_rights_that_are_needed_are_printed_without_reaching_anybody(bare: CommandLine) -> None:
    bare = bare.with_env(
        BENZINGA_TOPICS__PREFIX="feed", BENZINGA_KAFKA__BOOTSTRAP_SERVERS="broker-1:9092,broker-2:9092"
    )
    result = bare(
        "provision", "--print-acls", "--principal", "User:CN=all, O=us", "--principal", "reader=User:research"
    )
    assert result.code == 0
    commands = [shlex.split(line) for line in result.lines if line and not line.startswith("#")]
    assert all(
        command[:3] == ["kafka-acls.sh", "--bootstrap-server", "broker-1:9092,broker-2:9092"] for command in commands
    )
    users = {command[command.index("--allow-principal") + 1] for command in commands}
    assert users == {"User:CN=all, O=us", "User:research"}
    names = [command[index + 1] for command in commands for index, word in enumerate(command) if word in RESOURCES]
    assert all(name.startswith("feed.") for name in names), "nothing of anybody else's, and no wildcard"
    assert not any("All" in command for command in commands)
    objects = [json.loads(line) for line in bare("provision", "--print-acls", "--json").lines]
    assert {rule["resource_name"] for rule in objects} == set(names)
    assert {rule["principal"] for rule in objects if rule["role"] == "source"} == {"User:feed-source"}
    read_by_others = {rule["resource_name"] for rule in objects if rule["role"] == "reader"}
    assert not any("internal" in name or "dead-letters" in name for name in read_by_others)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--print-acls", "--principal", "somebody"], "write User:NAME, or ROLE=User:NAME; roles are source"),
        (["--print-acls", "--principal", "source=somebody"], "write User:NAME"),
        (["--json"], "go with --print-acls"),
    ],
)
def test_options_that_make_no_sense(bare: CommandLine, options: list[str], told: str) -> None:
    result = bare("provision", *options)
    assert result.code == 2
    assert told in result.err
