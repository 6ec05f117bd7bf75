"""One broker with every way in, for all tests of this folder, and the settings that lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector.settings import KafkaSettings
from tests.support.secured import Secured, secured_kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Nothing is granted to anybody; a test grants what it needs under its own prefix."""
    with secured_kafka(tmp_path_factory.mktemp("secured")) as broker:
        yield broker


@pytest.fixture
def kafka_settings(secured: Secured) -> Callable[..., KafkaSettings]:
    """`kafka` of a client that comes in by a listener, with some options changed."""

    def make(listener: str, user: str = "app", **changed: Any) -> KafkaSettings:
        options = secured.options(listener, user) | {key.replace("_", "."): value for key, value in changed.items()}
        return KafkaSettings(
            bootstrap_servers=secured.kafka.bootstrap_servers_of(listener),
            options={key: value for key, value in options.items() if value is not None},
        )

    return make
