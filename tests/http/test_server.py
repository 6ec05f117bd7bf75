"""The HTTP pages as a scraper, a probe and an operator see them."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, Counter

from connector.errors import ConfigurationError
from connector.http import Health, HttpServer
from connector.logs import add_secret
from connector.metrics import new_registry
from connector.settings import HttpSettings
from tests.http import sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@contextlib.contextmanager
def serving(
    health: Health | None = None,
    status: Callable[[], Mapping[str, Any]] | None = None,
    *,
    registry: CollectorRegistry | None = None,
    host: str = "127.0.0.1",
) -> Iterator[HttpServer]:
    server = HttpServer(HttpSettings(host=host, port=0), registry or new_registry(), health or Health(), status)
    server.start()
    try:
        yield server
    finally:
        server.close()


def get(
    server: HttpServer, path: str, *, method: str = "GET", host: str = "127.0.0.1", **headers: str
) -> tuple[int, str, str]:
    """Status, content type and body."""
    connection = http.client.HTTPConnection(host, server.port, timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, response.headers["Content-Type"], body


def test_metrics_are_in_prometheus_text() -> None:
    registry = new_registry()
    Counter("benzinga_things", "Things.", registry=registry).inc(3)
    with serving(registry=registry) as server:
        status, content_type, body = get(server, "/metrics")
        assert status == 200
        assert content_type.startswith("text/plain; version=0.0.4")
        assert "benzinga_things_total 3.0" in body
        assert "benzinga_build_info" in body
        _, content_type, body = get(server, "/metrics?name=x", Accept="application/openmetrics-text; version=1.0.0")
        assert content_type.startswith("application/openmetrics-text")
        assert body.endswith("# EOF\n")


def test_alive_means_that_the_loop_beats() -> None:
    clock = Clock()
    health = Health(clock=clock)
    with serving(health) as server:
        assert get(server, "/livez")[::2] == (200, "ok\n")
        clock.now = 29.9
        assert get(server, "/livez")[0] == 200
        clock.now = 42.0
        assert get(server, "/livez")[::2] == (503, "the event loop has not run for 42 s\n")
        health.beat()
        assert get(server, "/livez")[0] == 200


async def test_a_stuck_event_loop_is_seen_from_outside() -> None:
    health = Health(stale_after=0.2)
    beating = asyncio.create_task(health.run())
    await asyncio.sleep(0)
    with serving(health) as server:
        assert get(server, "/livez")[0] == 200
        time.sleep(0.3)  # noqa: ASYNC251 - this is the stuck loop
        assert get(server, "/livez")[0] == 503
        async with asyncio.timeout(10):
            while not health.alive:  # noqa: ASYNC110 - the beat has no event
                await asyncio.sleep(0.01)
        assert get(server, "/livez")[0] == 200
    beating.cancel()


def test_not_ready_says_why_and_does_not_touch_liveness() -> None:
    reasons: Sequence[str] = ["news: the feed answers 403", "ratings: reading back the topic"]
    with serving(Health(lambda: reasons)) as server:
        assert get(server, "/readyz") == (
            503,
            "text/plain; charset=utf-8",
            "news: the feed answers 403\nratings: reading back the topic\n",
        )
        assert get(server, "/livez")[0] == 200
        reasons = []
        assert get(server, "/readyz")[::2] == (200, "ok\n")


def test_started_is_said_once_and_for_all() -> None:
    restoring: Sequence[str] = ["news: reading tail"]
    with serving(Health(lambda: ["the feed refuses the API key"], starting=lambda: restoring)) as server:
        assert get(server, "/startupz")[::2] == (503, "news: reading tail\n")
        assert json.loads(get(server, "/status")[2])["started"] is False
        assert get(server, "/livez")[0] == 200
        restoring = []
        assert get(server, "/startupz")[::2] == (200, "ok\n")
        restoring = ["news: fencing"]  # a producer is rebuilt: that is not a start
        assert get(server, "/startupz")[0] == 200
        assert get(server, "/readyz")[0] == 503


def test_health_is_asked_without_the_status_of_anything() -> None:
    def stuck() -> Any:
        raise TimeoutError("Kafka is away")

    with serving(Health(stuck, starting=stuck), stuck) as server:
        assert get(server, "/livez")[::2] == (200, "ok\n")


def test_a_browser_may_run_this_page_only_and_keep_nothing() -> None:
    with serving(status=lambda: {"process": "source"}) as server:
        for path in ("/", "/status", "/metrics", "/livez", "/nothing"):
            with urllib.request.build_opener(_Forgiving).open(f"http://127.0.0.1:{server.port}{path}") as answer:
                headers = answer.headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"] == "no-store"
            policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
            assert policy["default-src"] == "'none'"
            assert policy["frame-ancestors"] == "'none'"
            assert "unsafe" not in str(policy)


class _Forgiving(urllib.request.HTTPErrorProcessor):
    def http_response(self, request: Any, response: Any) -> Any:
        return response


def test_the_page_shows_what_is_told_and_a_dash_for_the_rest() -> None:
    add_secret("hunter2222")
    streams = {"news": {"state": "publishing", "owner": {"instance": "hunter2222"}}, "ratings": {}}
    with serving(Health(lambda: ["news: so"]), lambda: {"process": "source", "streams": streams}) as server:
        status, content_type, body = get(server, "/")
        assert (status, content_type) == (200, "text/html; charset=utf-8")
        for part in ("benzinga-kafka <b>source</b>", "not ready", "news: so", "publishing", "unknown", "***"):
            assert part in body
        assert "hunter2222" not in body
        assert "None" not in body.replace("None since", "")


@pytest.mark.parametrize("process", ["source", "processor"])
def test_what_the_feed_says_is_text(process: str) -> None:
    with serving(status=getattr(sample, process)) as server:
        body = get(server, "/")[2]
    assert "&lt;script&gt;document.title=&#39;owned&#39;" in body
    assert sample.HOSTILE not in body
    assert body.count("<script") == 1


def test_status_is_json_and_without_secrets() -> None:
    add_secret("hunter2222")
    with serving(Health(lambda: ["so"]), lambda: {"streams": {"news": "token=hunter2222"}}) as server:
        status, content_type, body = get(server, "/status")
        assert (status, content_type) == (200, "application/json")
        page = json.loads(body)
        assert (page["alive"], page["ready"], page["reasons"]) == (True, False, ["so"])
        assert page["streams"] == {"news": "token=***"}
    with serving() as server:
        assert json.loads(get(server, "/status")[2])["ready"] is True


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/", "GET", 200), ("/nothing", "GET", 404), ("/livez", "HEAD", 200), ("/livez", "POST", 501)],
)
def test_other_requests(path: str, method: str, status: int) -> None:
    with serving() as server:
        code, _, body = get(server, path, method=method)
        assert code == status
        if method == "HEAD":
            assert body == ""
        if status == 404:
            assert "/metrics" in body


def test_a_page_that_fails_says_so_and_nothing_else() -> None:
    def broken() -> Mapping[str, Any]:
        raise RuntimeError("the details are for the log")

    with serving(status=broken) as server:
        assert get(server, "/status")[::2] == (500, "this page failed; the log says why\n")
        assert get(server, "/livez")[0] == 200


def test_a_client_that_says_nothing_keeps_nobody_waiting() -> None:
    with serving() as server, socket.create_connection(("127.0.0.1", server.port)):
        assert get(server, "/livez")[0] == 200


def test_a_taken_port_is_one_sentence() -> None:
    with serving() as server:
        other = HttpServer(HttpSettings(host="127.0.0.1", port=server.port), new_registry(), Health())
        with pytest.raises(
            ConfigurationError, match=rf"^http\.port: .*127\.0\.0\.1:{server.port}.*in use.*http\.host and http\.port"
        ):
            other.start()
        other.close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 64, "192.0.2.1"])
def test_a_host_that_is_not_ours_is_one_sentence(host: str) -> None:
    server = HttpServer(HttpSettings(host=host, port=0), new_registry(), Health())
    with pytest.raises(ConfigurationError, match=r"^http\.(host|port): "):
        server.start()


def test_closing_frees_the_port() -> None:
    with serving() as server:
        port = server.port
        server.close()
        server.close()
        again = HttpServer(HttpSettings(host="127.0.0.1", port=port), new_registry(), Health())
        again.start()
        assert get(again, "/livez")[0] == 200
        again.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6() -> None:
    try:
        with serving(host="::1") as server:
            assert get(server, "/livez", host="::1")[0] == 200
    except ConfigurationError as error:
        pytest.skip(str(error))
