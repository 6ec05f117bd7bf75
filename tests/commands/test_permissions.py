"""What is told where Kafka does not let the user do what has to be done: a broker with users and access control."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from connector.embedded import EmbeddedKafka
from tests.support.command import CommandLine, settings_env

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.embedded import EmbeddedRegistry

PASSWORD = "a-kafka-password"
_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


@pytest.fixture(scope="module")
def guarded() -> Iterator[EmbeddedKafka]:
    """Without a login everything is allowed; user `app`, over the listener CLIENT, may do what it was given."""
    config = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.client.plain.sasl.jaas.config": f'{_MODULE} required user_app="{PASSWORD}";',
    }
    with EmbeddedKafka(config=config, listeners={"CLIENT": "SASL_PLAINTEXT"}) as kafka:
        yield kafka


@pytest.fixture
def app(guarded: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str) -> CommandLine:
    """The command line of user `app`."""
    options = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "app",
        "sasl.password": PASSWORD,
    }
    env = settings_env(guarded, registry, prefix) | {
        "BENZINGA_KAFKA__BOOTSTRAP_SERVERS": guarded.bootstrap_servers_of("CLIENT"),
        "BENZINGA_KAFKA__OPTIONS": json.dumps(options),
    }
    command = CommandLine(env)
    command.secrets.append(PASSWORD)
    return command


@pytest.fixture
def superuser(guarded: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str) -> CommandLine:
    return CommandLine(settings_env(guarded, registry, prefix))


def allow(kafka: EmbeddedKafka, prefix: str, kind: ResourceType, *operations: AclOperation) -> None:
    """Let `app` do this with everything that begins with the prefix."""
    bindings = [
        AclBinding(
            kind, f"{prefix}.", ResourcePatternType.PREFIXED, "User:app", "*", operation, AclPermissionType.ALLOW
        )
        for operation in operations
    ]
    client = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for future in client.create_acls(bindings).values():
        future.result(30)


def test_topics_that_may_not_be_created(app: CommandLine) -> None:
    for name in ("source", "provision", "check"):
        result = app(name)
        assert result.code == 1, name
        assert "cannot be created" in result.out + result.err
        assert "allow CREATE on it, or let somebody who may run `benzinga-kafka provision`" in result.out + result.err


def test_topics_that_may_be_read_and_not_written(
    app: CommandLine, superuser: CommandLine, guarded: EmbeddedKafka, prefix: str
) -> None:
    superuser("provision")
    allow(guarded, prefix, ResourceType.TOPIC, AclOperation.READ, AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)
    result = app("check")
    assert result.code == 1
    assert f"{prefix}.news: the user may not WRITE; allow it on the topic" in result.out
    assert f"the transactional id {prefix}.check is forbidden; allow WRITE and DESCRIBE" in result.out


def test_transactional_ids_that_may_not_be_used(
    app: CommandLine, superuser: CommandLine, guarded: EmbeddedKafka, prefix: str
) -> None:
    superuser("provision")
    allow(guarded, prefix, ResourceType.TOPIC, AclOperation.ALL)
    result = app("dead-letters", "redrive")
    assert result.code == 0, "there is nothing to redrive, so that nothing has to be published"
    assert "problem  kafka: the transactional id" in app("check").out


def test_with_all_it_needs_it_is_well(
    app: CommandLine, superuser: CommandLine, guarded: EmbeddedKafka, prefix: str
) -> None:
    superuser("provision")
    allow(guarded, prefix, ResourceType.TOPIC, AclOperation.ALL)
    allow(guarded, prefix, ResourceType.TRANSACTIONAL_ID, AclOperation.WRITE, AclOperation.DESCRIBE)
    result = app("check")
    assert [line for line in result.lines if "kafka" in line and not line.startswith("ok")] == []
    assert app("provision").code == 0


def test_a_password_that_is_wrong(app: CommandLine) -> None:
    options = json.loads(app.env["BENZINGA_KAFKA__OPTIONS"]) | {"sasl.password": "another-password"}
    app.secrets.append("another-password")
    for name in ("source", "check", "tail news", "dead-letters list"):
        result = app(*name.split(), BENZINGA_KAFKA__OPTIONS=json.dumps(options))
        assert result.code == 1, name
        assert "refuses us" in result.out + result.err
        assert "Authentication failed" in result.out + result.err
        assert "sasl.* and ssl.* in kafka.options" in result.out + result.err
