"""What `provision --print-acls` prints is enough, and each rule of it is needed."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer

from connector.commands.check_kafka import check_kafka
from connector.commands.findings import Level
from connector.commands.print_acls import rules_of
from connector.errors import TopicError
from connector.kafka import clients, topics
from connector.kafka.acls import acls
from connector.settings import FeedSettings, KafkaSettings, Settings, TopicsSettings
from connector.simulator import SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator
from tests.support.command import TOKEN, CommandLine
from tests.support.secured import PASSWORDS, Secured
from tests.support.source import ProcessorProcess, SourceProcess
from tests.support.web import guarded_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connector.embedded import EmbeddedRegistry

REGISTRY_USER = {"connector": "password-of-the-registry"}


@dataclass
class Site:
    """A cluster and registry that are guarded; each role has its user, and its password in a file."""

    secured: Secured
    folder: Path
    env: dict[str, str]
    users: dict[str, str] = field(default_factory=lambda: dict(REGISTRY_USER))

    def environment(self, role: str) -> dict[str, str]:
        """The settings of a role; the only secret in it is Benzinga's."""
        options = self.secured.options("SCRAM", role)
        password = self.secret(f"{role}-password", options.pop("sasl.password"))
        return self.env | {
            "BENZINGA_KAFKA__OPTIONS": json.dumps(options),
            "BENZINGA_KAFKA__OPTIONS_FILES": json.dumps({"sasl.password": password}),
        }

    def command(self, role: str) -> CommandLine:
        return CommandLine(self.environment(role), [TOKEN, *PASSWORDS.values(), *REGISTRY_USER.values()])

    def secret(self, name: str, text: str) -> str:
        (file := self.folder / name).write_text(text + "\n")
        return str(file)

    def rules(self) -> list[dict[str, Any]]:
        users = [
            f"--principal={role}=User:{role}" for role in ("source", "processor", "provision", "operator", "reader")
        ]
        return [
            json.loads(line) for line in self.command("source")("provision", "--print-acls", "--json", *users).lines
        ]


@pytest.fixture
def site(secured: Secured, registry: EmbeddedRegistry, prefix: str, tmp_path: Path) -> Iterator[Site]:
    users = dict(REGISTRY_USER)
    certificate = secured.authority.certificate("registry")
    with guarded_registry(registry.url, certificate, users) as url:
        site = Site(
            secured,
            tmp_path,
            {
                "BENZINGA_KAFKA__BOOTSTRAP_SERVERS": secured.kafka.bootstrap_servers_of("SCRAM"),
                "BENZINGA_SCHEMA_REGISTRY__URL": url,
                "BENZINGA_SCHEMA_REGISTRY__OPTIONS": json.dumps({"ssl.ca.location": str(secured.authority.ca)}),
                "BENZINGA_TOPICS__PREFIX": prefix,
                "BENZINGA_TOPICS__PARTITIONS": "2",
                "BENZINGA_TOPICS__REPLICATION_FACTOR": "1",
                "BENZINGA_FEED__STREAMS": '["news", "transcripts"]',
                "BENZINGA_FEED__TOKEN": TOKEN,
                "BENZINGA_SOURCE__SETTLE": "100ms",
                "BENZINGA_PROCESSOR__GRACE": "500ms",
                "BENZINGA_LOG__LEVEL": "debug",
                "BENZINGA_LOG__FORMAT": "json",
            },
            users,
        )
        info = ":".join(*REGISTRY_USER.items())
        files = {"basic.auth.user.info": site.secret("registry-login", info)}
        site.env["BENZINGA_SCHEMA_REGISTRY__OPTIONS_FILES"] = json.dumps(files)
        yield site


def test_the_printed_rules_are_enough_and_no_secret_is_told(site: Site, prefix: str) -> None:
    rules = site.rules()
    site.secured.allow(rules)
    assert site.command("provision")("provision").code == 0
    with ExitStack() as stack:
        feed = stack.enter_context(ThreadedSimulator(SimulatorSettings(token=TOKEN)))
        source, processor = (
            stack.enter_context(kind(site.folder, **_without_prefix(site.environment(role)), FEED__URL=feed.url))
            for kind, role in ((SourceProcess, "source"), (ProcessorProcess, "processor"))
        )
        source.until_ready()
        processor.until_ready()
        feed.wait(lambda simulator: simulator.subscribed())
        for stream in ("news", "transcripts"):
            feed.wait(lambda simulator, stream=stream: simulator.traffic.start(stream, rate=0, count=60))
        source.until(lambda: source.metric("benzinga_source_records_published_total") > 100)
        processor.until(lambda: processor.metric("benzinga_processor_sentences_total") > 40)
        processor.until(lambda: processor.metric("benzinga_processor_consumer_lag_messages") == 0)
        told = "".join(process.get(path)[1] for process in (source, processor) for path in ("/status", "/metrics", "/"))
        assert source.stop() == processor.stop() == 0
    told += source.log.read_text() + processor.log.read_text()
    for secret in (TOKEN, *PASSWORDS.values(), *REGISTRY_USER.values()):
        assert secret not in told
    for event in ("_AUTHORIZATION_FAILED", "uthorization failed"):
        assert event not in told, "nothing was refused on the way either"
    checked = site.command("source")("check", BENZINGA_FEED__URL="ws://127.0.0.1:1")
    assert [line for line in checked.lines if not line.startswith("ok")] == [
        line for line in checked.lines if "feed" in line
    ], "all is well but for the feed, which is not there"
    operator = site.command("operator")
    assert len(operator("tail", "news", "--from-beginning", "--max", "5").lines) == 5
    assert operator("dead-letters", "redrive").code == 0
    assert _consumed(site.secured, f"{prefix}.news", f"{prefix}.reader.of-a-team") > 0


def test_who_may_nothing_or_is_nobody_is_told_so(site: Site) -> None:
    nobody = site.command("app")
    for name in ("source", "provision", "check"):
        result = nobody(name)
        assert result.code == 1, name
        assert "cannot be created" in result.out + result.err
        assert "allow CREATE on it, or let somebody who may run `benzinga-kafka provision`" in result.out + result.err
    site.secret("app-password", "another-password-of-app")
    nobody.secrets.append("another-password-of-app")
    for name in ("source", "check", "tail news", "dead-letters list"):
        result = nobody(*name.split())
        assert result.code == 1, name
        assert "refuses us" in result.out + result.err
        assert "Authentication failed" in result.out + result.err
        assert "sasl.* and ssl.* in kafka.options" in result.out + result.err


@pytest.mark.parametrize(
    ("role", "kind", "name", "operation", "told"),
    [
        ("provision", "TOPIC", "news", "Create", "{}.news: cannot be created: Authorization failed.; allow CREATE"),
        ("provision", "TOPIC", "calls", "AlterConfigs", "{}.calls: its configuration cannot be read"),
        ("source", "TOPIC", "news", "Read", "{}.news: the user may not READ; allow it on the topic"),
        ("source", "TOPIC", "gaps", "Write", "{}.gaps: the user may not WRITE; allow it on the topic"),
        ("source", "TOPIC", "news", "DescribeConfigs", "{}.news: its configuration cannot be read"),
        ("source", "TRANSACTIONAL_ID", "check", "Write", "transactional id {}.check is forbidden; allow WRITE"),
    ],
)
def test_without_a_rule_it_is_told_what_to_allow(
    role: str, kind: str, name: str, operation: str, told: str, secured: Secured, prefix: str
) -> None:
    settings = Settings(
        feed=FeedSettings(streams=["news"]),
        topics=TopicsSettings(prefix=prefix, partitions=1, replication_factor=1),
        kafka=KafkaSettings(
            bootstrap_servers=secured.kafka.bootstrap_servers_of("SCRAM"), options=secured.options("SCRAM", role)
        ),
    )
    specs = topics.all_topics(settings.topics, settings.feed.streams)
    secured.allow(dict(rule) for acl in acls(settings) for rule in rules_of(acl, f"User:{acl.role.value}"))
    if operation != "Create":
        topics.create(secured.superuser, specs)
    assert _until(lambda: _told(settings, role, specs), lambda found: found == "") == ""
    rule = {"principal": f"User:{role}", "host": "*", "permission_type": "ALLOW", "pattern_type": "LITERAL"}
    rule |= {"resource_type": kind, "resource_name": f"{prefix}.{name}", "operations": [operation]}
    assert secured.revoke(rule) == 1, "exactly that had been granted"
    told = told.format(prefix)
    assert told in _until(lambda: _told(settings, role, specs), lambda found: told in found)


def _until(ask: Callable[[], str], is_so: Callable[[str], bool]) -> str:
    """The answer, once it is so or ten seconds have passed: the controller answers first, the broker knows later."""
    deadline = time.monotonic() + 10
    while not is_so(found := ask()) and time.monotonic() < deadline:
        pass
    return found


def _told(settings: Settings, role: str, specs: list[topics.TopicSpec]) -> str:
    """What the role's command finds wrong."""
    if role == "source":
        return "\n".join(
            found.sentence
            for found in check_kafka(settings)
            if found.level is Level.PROBLEM or "cannot be read" in found.sentence
        )
    client = clients.admin(settings.kafka)
    try:
        topics.create(client, specs, validate_only=True)
    except TopicError as error:
        return str(error)
    return "\n".join(found.sentence for found in topics.differences(client, specs) if not found.missing)


def _without_prefix(env: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix("BENZINGA_"): value for name, value in env.items()}


def _consumed(secured: Secured, topic: str, group: str) -> int:
    """How many records user `reader` gets as a member of a group that commits."""
    options = secured.options("SCRAM", "reader") | {
        "bootstrap.servers": secured.kafka.bootstrap_servers_of("SCRAM"),
        "group.id": group,
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(options)
    consumer.subscribe([topic])
    count = 0
    while not count:
        for message in consumer.consume(10, timeout=30):
            assert message.error() is None
            count += 1
    consumer.commit(asynchronous=False)
    consumer.close()
    return count
