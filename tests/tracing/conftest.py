"""A collector, and spans that go to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.settings import TracingSettings
from connector.tracing import Spans, open_spans
from tests.support.collector import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture
def spans(collector: Collector) -> Iterator[Spans]:
    spans = open_spans(TracingSettings(endpoint=collector.endpoint), "test", "pod-0")
    assert spans is not None
    yield spans
    spans.close()
