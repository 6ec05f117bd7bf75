"""Handshakes that fail: who may not read a stream stops that stream only, and keys get fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import SourceProcess


@pytest.mark.parametrize(("status", "result"), [(401, "unauthorized"), (403, "forbidden")])
def test_a_refused_stream_stops_alone_and_comes_back(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, status: int, result: str
) -> None:
    feed.call(lambda simulator: simulator.faults.refuse("news", status, times=2))
    process = source('["news", "ratings"]', SOURCE__BACKOFF__REFUSED="2s")
    process.start()
    process.until(lambda: process.metric("benzinga_source_connected", stream="ratings") == 1)
    process.until(lambda: f"news: the feed refuses the API key ({status})" in process.get("/readyz")[1])
    assert process.get("/readyz")[0] == 503
    assert process.get("/livez")[0] == 200
    [refused, *_] = process.events("feed.refused")
    assert (refused["stream"], refused["level"]) == ("news", "error")
    process.until_ready()
    process.until(lambda: process.metric("benzinga_source_connected") == 2)
    assert process.metric("benzinga_source_connects_total", stream="news", result=result) == 2
    assert process.metric("benzinga_source_connects_total", stream="ratings", result=result) == 0
    assert TOKEN not in process.log.read_text()


@pytest.mark.parametrize(
    ("status", "result"), [(429, "conflict"), (500, "unavailable"), (502, "unavailable"), (503, "unavailable")]
)
def test_what_passes_is_retried(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, status: int, result: str
) -> None:
    feed.call(lambda simulator: simulator.faults.refuse("news", status, times=3))
    process = source('["news"]')
    process.start()
    feed.wait(lambda simulator: simulator.connected("news"))
    process.until(lambda: process.metric("benzinga_source_connected") == 1)
    assert process.metric("benzinga_source_connects_total", result=result) == 3
    assert process.get("/readyz")[0] == 200
    if status == 502:
        assert "path" in str(process.events("feed.retry"))


def test_a_rotated_key_needs_no_restart(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("bz.production-expired-key-000\n")
    process = source('["news"]', FEED__TOKEN="", FEED__TOKEN_FILE=str(file), SOURCE__BACKOFF__REFUSED="3s")
    process.start()
    process.until(lambda: process.events("feed.refused") != [])
    file.write_text(f"{TOKEN}\n")
    feed.wait(lambda simulator: simulator.connected("news"))
    process.until_ready()
    log = process.log.read_text()
    assert TOKEN not in log
    assert "expired-key" not in log
