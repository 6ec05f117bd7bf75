"""Logs: one place that redacts, whatever writes the line."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from connector.logs import add_secret, configure, get_logger, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "bz.production77f0secret"


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        f"GET /api/v1/news/stream?token={SECRET}&tickers=AAPL",
        f"wss://x/?tickers=AAPL&token={SECRET}",
        f'{{"token": "{SECRET}"}}',
        "https://x/hls?Key-Pair-Id=KABC&Policy=eyJhb&Signature=Zm9v",
        "token%3DbzEncoded77f0secret",
    ],
)
def test_parameters_that_are_secret_are_masked(text: str) -> None:
    masked = redact(text)
    assert "***" in masked
    for secret in ("secret", "KABC", "eyJhb", "Zm9v"):
        assert secret not in masked


def test_a_known_secret_is_masked_wherever_it_stands() -> None:
    add_secret("hunter2hunter2")
    assert redact("sasl failed for hunter2hunter2!") == "sasl failed for ***!"


def test_ordinary_text_stays_as_it_is() -> None:
    text = "The policy of the central bank: a token gesture, signature move."
    assert redact(text) == text


def test_every_line_is_json_and_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    configure("debug", "json")
    add_secret(SECRET)
    get_logger("connector.test").info("feed.connected", stream="news", url=f"wss://x?token={SECRET}", detail=SECRET)
    logging.getLogger("some.library").warning("GET /?token=%s", SECRET)
    try:
        int(f"wss://x?token={SECRET}")
    except ValueError:
        get_logger("connector.test").exception("feed.failed")
    out, err = capsys.readouterr()
    assert out == ""
    assert SECRET not in err
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["event"] for line in lines][0::2] == ["feed.connected", "feed.failed"]
    assert lines[0]["stream"] == "news"
    assert all({"level", "timestamp"} <= line.keys() for line in lines)


@pytest.fixture
def talkative() -> Iterator[logging.Logger]:
    """A library's logger that somebody has opened: a level of its own beats the one of its parent."""
    logger = logging.getLogger("websockets.client")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.setLevel(level)


def test_libraries_that_print_the_request_line_stay_silent_at_debug(
    talkative: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("debug", "json")
    talkative.debug("> GET /?token=%s HTTP/1.1", SECRET)
    assert capsys.readouterr().err == ""
    talkative.warning("something is wrong")
    assert json.loads(capsys.readouterr().err)["event"] == "something is wrong"
