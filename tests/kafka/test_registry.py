"""The schema registry client, against a real registry."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from connector.errors import ConfigurationError, RegistryError
from connector.kafka.registry import Registry, RegistryUnavailableError, wire_prefix
from connector.settings import SchemaRegistrySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector.embedded import EmbeddedRegistry


def settings(url: str, *, register: bool = True) -> SchemaRegistrySettings:
    return SchemaRegistrySettings(url=url, register=register)


def test_wire_prefix_is_magic_zero_and_the_id_big_endian() -> None:
    assert wire_prefix(258) == b"\x00\x00\x00\x01\x02"


def test_a_schema_keeps_its_id_and_its_subject_is_fully_transitive(registry: EmbeddedRegistry, prefix: str) -> None:
    ours = Registry(settings(registry.url))
    assert not ours.registered(f"{prefix}.gaps", "gaps")
    first = ours.schema_id(f"{prefix}.gaps", "gaps")
    assert Registry(settings(registry.url)).schema_id(f"{prefix}.gaps", "gaps") == first
    assert ours.compatibility(f"{prefix}.gaps-value") == "FULL_TRANSITIVE"
    assert ours.registered(f"{prefix}.gaps", "gaps")


def test_processes_that_register_at_once_all_succeed(registry: EmbeddedRegistry, prefix: str) -> None:
    start = threading.Barrier(4)

    def register(_number: int) -> int:
        ours = Registry(settings(registry.url))
        start.wait(10)
        return ours.schema_id(f"{prefix}.news", "news")

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(register, range(4)))) == 1


def test_an_incompatible_subject_is_refused_in_a_sentence(registry: EmbeddedRegistry, prefix: str) -> None:
    subject = f"{prefix}.gaps-value"
    theirs = {"type": "record", "name": "Theirs", "fields": [{"name": "foo", "type": "int"}]}
    SchemaRegistryClient({"url": registry.url}).register_schema(subject, Schema(json.dumps(theirs), "AVRO"))
    with pytest.raises(RegistryError, match=rf"{subject}: .* not compatible .* topics\.prefix"):
        Registry(settings(registry.url)).schema_id(f"{prefix}.gaps", "gaps")


def test_without_leave_to_register_a_missing_schema_is_a_sentence(registry: EmbeddedRegistry, prefix: str) -> None:
    with pytest.raises(RegistryError, match="benzinga-kafka provision"):
        Registry(settings(registry.url, register=False)).schema_id(f"{prefix}.gaps", "gaps")


def test_a_registry_that_is_away_is_waited_for_until_stopped() -> None:
    ours, stop = Registry(settings("http://127.0.0.1:1")), threading.Event()
    with pytest.raises(RegistryUnavailableError, match=r"schema_registry\.url: .* cannot be reached"):
        ours.schema_id("t", "gaps")
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(RegistryUnavailableError):
        ours.wait_for_schema_id("t", "gaps", stop)


@pytest.fixture
def answering() -> Iterator[Callable[[int, str], str]]:
    """A server that answers everything with one status and text; returns its URL."""
    servers = []

    def serve(status: int, text: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(text.encode())

            do_POST = do_PUT = do_GET  # noqa: N815 - the base class's names

            def log_message(self, *_args: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("status", "advice"), [(401, "basic.auth.user.info"), (403, "may not")])
def test_what_will_not_pass_is_not_waited_for(answering: Callable[[int, str], str], status: int, advice: str) -> None:
    with pytest.raises(RegistryError, match=advice) as caught:
        Registry(settings(answering(status, "no"))).schema_id("t", "gaps")
    assert not isinstance(caught.value, RegistryUnavailableError)


def test_a_web_page_is_no_registry(answering: Callable[[int, str], str]) -> None:
    with pytest.raises(RegistryError, match=r"schema_registry\.url: .* is no schema registry") as caught:
        Registry(settings(answering(200, "<html>hello</html>"))).schema_id("t", "gaps")
    assert not isinstance(caught.value, RegistryUnavailableError)


def test_a_server_error_is_waited_for(answering: Callable[[int, str], str]) -> None:
    with pytest.raises(RegistryUnavailableError):
        Registry(settings(answering(503, "later"))).schema_id("t", "gaps")


def test_an_option_the_client_does_not_know_is_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match=r"schema_registry\.options"):
        Registry(SchemaRegistrySettings(url="http://localhost:1", options={"no.such": 1}))
