"""Operators' mistakes: one message that lists all problems, names the setting, says what to do; never a traceback."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from tests.support.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from tests.support.command import CommandLine


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], str]:
    """Writes a settings file; its path."""

    def write(text: str) -> str:
        path = tmp_path / "settings.yaml"
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("fead: {}", ["fead: no such setting"]),
        ("feed: {tokn: x}", ["feed.tokn: no such setting"]),
        ("feed: [", ["line 1 is not YAML"]),
        ("- feed", ["must hold a tree of settings"]),
        ("source: {settle: 5}", ["source.settle: '5' is not a duration; write a number and a unit, such as 250ms"]),
        ("source: {settle: soon}", ["source.settle: 'soon' is not a duration"]),
        ("feed: {streams: [news, quotes]}", ["feed.streams: quotes: no such stream; there are insights, ratings"]),
        ("feed: {filters: {news: {isins: X}}}", ["feed.filters: news.isins: the feed has no such filter"]),
        ("feed: {url: https://api.benzinga.com}", ["feed.url:"]),
        ("topics: {partitions: none}", ["topics.partitions:"]),
        (
            "{log: {level: loud}, http: {port: 99999}, source: {backoff: {min: 0s}}}",
            ["log.level:", "http.port:", "source.backoff.min:"],
        ),
    ],
)
def test_a_settings_file_that_is_wrong(
    bare: CommandLine, config: Callable[[str], str], text: str, sentences: list[str]
) -> None:
    result = bare("check", "--config", config(text))
    assert (result.code, result.out) == (2, "")
    assert [sentence for sentence in sentences if sentence not in result.err] == []
    assert len(result.err.splitlines()) == (1 if len(sentences) == 1 else len(sentences) + 1)


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"BENZINGA_FEAD__TOKEN": "x"}, "BENZINGA_FEAD__TOKEN: no such setting"),
        ({"BENZINGA_FEED__TOKN": "x"}, "feed.tokn: no such setting"),
        ({"BENZINGA_FEED__STREAMS": "news"}, "lists and maps in the environment are JSON"),
        ({"BENZINGA_SOURCE__SETTLE": "2"}, "source.settle: '2' is not a duration"),
    ],
)
def test_an_environment_that_is_wrong(bare: CommandLine, env: dict[str, str], sentence: str) -> None:
    result = bare("source", **env)
    assert result.code == 2
    assert sentence in result.err


def test_a_settings_file_that_is_not_there(bare: CommandLine, tmp_path: Path) -> None:
    result = bare("source", "--config", str(tmp_path / "no.yaml"))
    assert result.code == 2
    assert "no.yaml cannot be read: No such file or directory" in result.err


def test_all_that_keeps_source_from_starting_is_told_at_once(bare: CommandLine, tmp_path: Path) -> None:
    result = bare(
        "source",
        BENZINGA_FEED__TOKEN_FILE=str(tmp_path / "no-token"),
        BENZINGA_FEED__URL="ws://exa mple:x",
        BENZINGA_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1",
        BENZINGA_SCHEMA_REGISTRY__URL="http://127.0.0.1:1",
        BENZINGA_HTTP__PORT="0",
    )
    assert result.code == 2
    assert "feed.url" in result.err

    result = bare(
        "source",
        BENZINGA_FEED__TOKEN_FILE=str(tmp_path / "no-token"),
        BENZINGA_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1",
        BENZINGA_SCHEMA_REGISTRY__URL="http://127.0.0.1:1",
        BENZINGA_HTTP__PORT="0",
    )
    assert result.code == 2
    assert "\n3 errors:\n" in result.err
    assert "no-token cannot be read: No such file or directory" in result.err
    assert "- kafka.bootstrap_servers: 127.0.0.1:1 did not answer" in result.err
    assert "- schema_registry.url: http://127.0.0.1:1 cannot be reached" in result.err


def test_without_a_token_it_is_told_where_it_goes(command: CommandLine) -> None:
    del command.env["BENZINGA_FEED__TOKEN"]
    result = command("source")
    assert result.code == 2
    assert "feed.token: no API key; set feed.token_file or the environment variable BENZINGA_FEED__TOKEN" in result.err


def test_kafka_options_that_librdkafka_refuses(command: CommandLine) -> None:
    options = json.dumps({"no.such.option": "1", "sasl.password": "a-kafka-password"})
    command.secrets.append("a-kafka-password")
    for name in ("source", "check", "provision"):
        result = command(name, BENZINGA_KAFKA__OPTIONS=options)
        assert result.code == 2
        assert "kafka.options: No such configuration property" in result.out + result.err


def test_a_port_that_is_taken(command: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = command("source", BENZINGA_HTTP__HOST="127.0.0.1", BENZINGA_HTTP__PORT=port)
    assert result.code == 2
    assert f"http.port: cannot listen on 127.0.0.1:{port}" in result.err


@pytest.fixture
def web_server() -> Iterator[Callable[[int], str]]:
    """A server that answers every request with this status and a web page; returns its URL."""
    servers: list[ThreadingHTTPServer] = []

    def serve(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(status)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(b"<html>hello</html>")

            do_POST = do_PUT = do_GET  # noqa: N815 - the base class's names

            def log_message(self, *_args: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("name", "status", "advice"),
    [
        ("source", 200, "is no schema registry"),
        ("source", 401, "check basic.auth.user.info"),
        ("source", 404, "base of a Confluent-compatible API"),
        ("check", 401, "check basic.auth.user.info"),
        ("provision", 200, "is no schema registry"),
    ],
)
def test_an_address_that_is_no_registry(
    command: CommandLine, web_server: Callable[[int], str], name: str, status: int, advice: str
) -> None:
    command.secrets.append("registry-password")
    result = command(name, BENZINGA_SCHEMA_REGISTRY__URL=f"http://me:registry-password@{web_server(status)}")
    assert result.code == 1
    told = result.out + result.err
    assert told.count(advice) == 1, "once, not once a schema"
    assert "schema_registry.url" in told


def test_schemas_that_are_incompatible(command: CommandLine, registry: EmbeddedRegistry, prefix: str) -> None:
    theirs = Schema('{"type": "record", "name": "T", "fields": [{"name": "foo", "type": "int"}]}', "AVRO")
    client = SchemaRegistryClient({"url": registry.url})
    for name in ("news", "gaps"):
        client.register_schema(f"{prefix}.{name}-value", theirs)
        client.set_compatibility(f"{prefix}.{name}-value", "FULL_TRANSITIVE")
    result = command("source")
    assert result.code == 1
    for name in ("news", "gaps"):
        assert f"- {prefix}.{name}-value: the registry holds an earlier schema" in result.err
    assert "topics.prefix" in result.err


def test_topics_that_nobody_may_create(command: CommandLine, prefix: str) -> None:
    result = command("source", BENZINGA_TOPICS__CREATE="false")
    assert result.code == 1
    for name in ("news", "transcripts", "gaps", "dead-letters", "internal.ownership"):
        assert f"- {prefix}.{name}: there is no such topic; run `benzinga-kafka provision`, or set topics.create" in (
            result.err
        )


def test_a_replication_factor_the_cluster_has_not(command: CommandLine) -> None:
    result = command("source", BENZINGA_TOPICS__REPLICATION_FACTOR="3")
    assert result.code == 1
    assert "set topics.replication_factor to at most the number of brokers" in result.err


def test_an_ownership_topic_with_other_partitions(command: CommandLine, kafka: EmbeddedKafka, prefix: str) -> None:
    create_topics(kafka.bootstrap_servers, f"{prefix}.internal.ownership", partitions=1)
    result = command("source")
    assert result.code == 1
    assert f"{prefix}.internal.ownership: has 1 partitions where it must have 7" in result.err


def test_open_calls_with_other_partitions_than_the_transcripts(
    command: CommandLine, kafka: EmbeddedKafka, prefix: str
) -> None:
    create_topics(kafka.bootstrap_servers, f"{prefix}.internal.calls", partitions=1)
    create_topics(kafka.bootstrap_servers, f"{prefix}.transcripts", partitions=3)
    result = command("processor")
    assert result.code == 1
    assert (
        f"{prefix}.internal.calls has 1 partitions and {prefix}.transcripts has 3: they must have the same number; "
        f"delete {prefix}.internal.calls while no processor runs and no call is open"
    ) in result.err
