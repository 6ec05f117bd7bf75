"""Logs: one place that redacts, whatever writes the line."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
from structlog.contextvars import bound_contextvars

from connector import logs
from connector.logs import BURST, add_secret, configure, get_logger, problems, redact, tell_repeats

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


def test_a_secret_that_begins_with_another_leaves_nothing() -> None:
    for secret in ("correct-horse", "correct-horse-battery"):
        add_secret(secret)
    assert redact("correct-horse-battery, correct-horse") == "***, ***"


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


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_what_repeats_becomes_one_line_with_its_count(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    log = get_logger("connector.test")
    for number in range(BURST + 3):
        log.warning("feed.retry", stream="news", reason="network", detail=f"try {number}")
    log.warning("feed.retry", stream="ratings", reason="network")
    log.warning("feed.retry", stream="news", reason="timeout")
    tell_repeats()
    written = lines(capsys)
    retries = [line for line in written if line["event"] == "feed.retry"]
    assert [line.get("detail") for line in retries[:BURST]] == [f"try {number}" for number in range(BURST)]
    assert [line.get("reason") for line in retries[BURST:]] == ["network", "timeout", "network"]
    last = retries[-1]
    assert (last["repeated"], last["detail"], last["level"]) == (3, f"try {BURST + 2}", "warning")


def test_who_debugs_gets_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("debug", "json")
    for _ in range(BURST + 3):
        get_logger("connector.test").warning("feed.retry", stream="news")
        logging.getLogger("some.exporter").warning("the collector is away")
    assert len(lines(capsys)) == 2 * (BURST + 3)


def test_what_a_library_repeats_is_folded_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    for number in range(BURST + 4):
        logging.getLogger("some.exporter").warning("the collector is away, try %d", number)
    for number in range(BURST + 4):
        logging.getLogger("librdkafka").warning("broker %d is away", number)  # it folds its own
    tell_repeats()
    written = lines(capsys)
    exporter = [line for line in written if "collector" in line["event"]]
    assert len(exporter) == BURST + 1
    assert exporter[-1]["repeated"] == 4
    assert exporter[-1]["event"] == f"the collector is away, try {BURST + 3}"
    assert len(written) == len(exporter) + BURST + 4


def test_the_count_is_told_when_the_window_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "WINDOW", 0.05)
    configure("info", "json")
    for _ in range(BURST + 2):
        get_logger("connector.test").error("kafka.records_refused", stream="news", error=f"for {SECRET}")
    written: list[dict[str, Any]] = []
    deadline = time.monotonic() + 10
    while len(written) <= BURST:
        assert time.monotonic() < deadline
        time.sleep(0.01)
        written += lines(capsys)
    assert written[-1]["repeated"] == 2
    assert SECRET not in str(written)


def test_warnings_are_remembered_with_their_count_and_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    add_secret(SECRET)
    for _ in range(BURST * 2):
        get_logger("connector.test").warning("test.refused", stream="news", error=f"not {SECRET}")
    get_logger("connector.test").info("test.fine", stream="news")
    tell_repeats()
    [problem] = [one for one in problems.latest() if one["event"].startswith("test.")]
    assert (problem["count"], problem["where"], problem["text"]) == (BURST * 2, "news", "not ***")


def test_a_person_reads_the_same_events_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "text")
    with bound_contextvars(connection_id="1f2e3d4c"):
        get_logger("connector.test").warning("feed.retry", stream="news", detail=f"token={SECRET}")
    err = capsys.readouterr().err
    for part in ("feed.retry", "stream=news", "connection_id=1f2e3d4c", "warning"):
        assert part in err
    assert SECRET not in err
