"""The command line, with nothing set, and led to the embedded servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import CommandLine, settings_env

if TYPE_CHECKING:
    from connector.embedded import EmbeddedKafka, EmbeddedRegistry


@pytest.fixture
def bare() -> CommandLine:
    """Without any settings."""
    return CommandLine()


@pytest.fixture
def command(kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str) -> CommandLine:
    """With a real Kafka and registry, and topics of its own."""
    return CommandLine(settings_env(kafka, registry, prefix))
