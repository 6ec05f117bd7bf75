"""Fixtures of the whole suite: one real Kafka and one real schema registry a session, started when first asked for."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from connector.embedded import EmbeddedKafka, EmbeddedRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--exhaustive` runs what takes many minutes as well."""
    parser.addoption("--exhaustive", action="store_true", help="run the tests marked `exhaustive` as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Who takes a server is marked `kafka`, without having to say so; what is exhaustive waits to be asked for."""
    for item in items:
        if {"kafka", "registry", "secured"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)
    if not config.getoption("--exhaustive") and (left_out := [i for i in items if i.get_closest_marker("exhaustive")]):
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def _servers() -> Iterator[tuple[Future[EmbeddedKafka], Future[EmbeddedRegistry]]]:
    """Both start at the same time, so that whoever needs both waits for the slower one only."""
    kafka, registry = EmbeddedKafka(), EmbeddedRegistry()
    with ThreadPoolExecutor(2) as pool:
        yield pool.submit(kafka.open), pool.submit(registry.open)
    kafka.close()
    registry.close()


@pytest.fixture(scope="session")
def kafka(_servers: tuple[Future[EmbeddedKafka], Future[EmbeddedRegistry]]) -> EmbeddedKafka:
    """A broker that all tests share: leave it running. A test that kills one starts its own."""
    return _servers[0].result()


@pytest.fixture(scope="session")
def registry(_servers: tuple[Future[EmbeddedKafka], Future[EmbeddedRegistry]]) -> EmbeddedRegistry:
    """A schema registry that all tests share: leave it running. A test that stops one starts its own."""
    return _servers[1].result()


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A `topics.prefix` that no other test has; also fit for transactional ids and consumer groups."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    return f"{name[:60]}-{uuid.uuid4().hex[:8]}"
