"""Health of the real processes where nothing they need is there: alive, not started, not ready, and they say why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.source import ProcessorProcess, SourceProcess, free_port

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", [SourceProcess, ProcessorProcess])
def test_without_feed_broker_and_registry_a_process_is_alive_and_says_what_it_waits_for(
    kind: type[SourceProcess], tmp_path: Path
) -> None:
    nobody = free_port()
    settings = {
        "FEED__URL": f"ws://127.0.0.1:{nobody}",
        "FEED__TOKEN": "bz.production0123456789abcdef",
        "KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{nobody}",
        "SCHEMA_REGISTRY__URL": f"http://127.0.0.1:{nobody}",
        "LOG__FORMAT": "json",
    }
    with kind(tmp_path, **settings) as process:
        process.until(lambda: process.get("/livez") == (200, "ok\n"))
        reason = "starting: broker, topics and schemas are being checked"
        assert process.get("/readyz") == (503, f"{reason}\n")
        assert process.get("/startupz") == (503, f"{reason}\n")
        status = json.loads(process.get("/status")[1])
        assert (status["alive"], status["started"], status["ready"], status["reasons"]) == (
            True, False, False, [reason],
        )  # fmt: skip
        code, page = process.get("/")
        assert code == 200
        assert f"benzinga-kafka <b>{kind.command}</b>" in page
        assert "not ready" in page
        assert reason in page
        assert "bz.production" not in page
