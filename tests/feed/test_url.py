"""The URL a socket is opened with, and the one people see."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from connector.errors import ConfigurationError
from connector.feed import Feed
from connector.feed.dial import _SILENT
from connector.feed.url import stream_url
from connector.logs import redact
from connector.metrics import SourceMetrics
from connector.settings import FeedSettings
from connector.streams import STREAMS
from tests.support.feeds import TOKEN, RecordingSink, make_settings


@pytest.mark.parametrize(
    ("name", "filters", "query"),
    [
        ("ratings", {}, ""),
        ("ratings", {"tickers": ["AAPL", "MSFT"], "isins": "US0378331005"}, "&tickers=AAPL,MSFT&isins=US0378331005"),
        ("ratings", {"tickers": []}, ""),
        ("consensus", {"simplify": "true", "aggregate_type": "a&b"}, "&simplify=true&aggregate_type=a%26b"),
        ("news", {"channels": ["Price Target", "M&A"]}, "&channels=Price%20Target,M%26A"),
    ],
)
def test_filters_become_the_query(name: str, filters: dict[str, Any], query: str) -> None:
    settings = FeedSettings(url="wss://feed.example:8443/", filters={name: filters})
    url = stream_url(STREAMS[name], settings, TOKEN)
    path = STREAMS[name].path
    assert url.reveal() == f"wss://feed.example:8443{path}?token={TOKEN}{query}"
    assert str(url) == f"wss://feed.example:8443{path}?token=***{query}"


def test_neither_key_nor_password_shows() -> None:
    key = "k&y/with+odd=characters"
    url = stream_url(STREAMS["news"], FeedSettings(url="wss://me:hunter22@feed.example"), key)
    assert url.reveal().startswith("wss://me:hunter22@feed.example/api/v1/news/stream?token=k%26y%2Fwith%2Bodd%3D")
    for shown in (str(url), repr(url), f"{url}", str([url])):
        assert "k&y" not in shown
        assert "k%26y" not in shown
        assert "hunter22" not in shown
    # Whoever prints the revealed form none the less, or a library does, prints the mask.
    assert "odd" not in redact(f"GET {url.reveal()}")
    assert "odd" not in redact(f"the key is {key}")


def test_the_loggers_of_websockets_say_nothing(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    assert not _SILENT.isEnabledFor(logging.CRITICAL)
    _SILENT.critical("never seen")
    assert caplog.text == ""


@pytest.mark.parametrize("url", ["wss://host:port", "wss://host:99999", "ws://:80", "ws://me@host", f"ws://{'a' * 64}"])
def test_an_address_that_is_none_is_said_before_anything_starts(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^feed\.url: .* is not an address"):
        Feed(STREAMS["news"], make_settings(url), RecordingSink(), SourceMetrics(CollectorRegistry(), STREAMS))
