"""`simulate` as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.client import connect

from connector.commands.simulate import simulate
from connector.errors import ConfigurationError
from connector.simulator import DEFAULT_TOKEN, read_record
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Process:
    """A running simulator."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "connector", "simulate", "--port", "0", *options], stdout=subprocess.PIPE, text=True
        )
        self.url = str(self.line()["url"])

    def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line: dict[str, Any] = json.loads(self.process.stdout.readline())
        return line

    def open(self, stream: str, token: str = DEFAULT_TOKEN) -> Any:
        return connect(f"{self.url}{STREAMS[stream].path}?token={token}")


@pytest.fixture
def start() -> Iterator[Any]:
    started: list[Process] = []

    def start(*options: str) -> Process:
        started.append(Process(*options))
        return started[-1]

    yield start
    for simulator in started:
        if simulator.process.poll() is None:
            simulator.process.kill()
        simulator.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_traffic_until_a_signal_and_says_what_it_sent(
    start: Any, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "frames.jsonl"
    monkeypatch.setenv("BENZINGA_FEED__TOKEN", "bz.example0000key")
    simulator = start("--rate", "50", "--stream", "news", "--record", str(record))
    with simulator.open("news", "bz.example0000key") as socket:
        received = [socket.recv(timeout=5) for _ in range(5)]
    simulator.process.send_signal(number)
    ended = simulator.line()
    assert simulator.process.wait(10) == 0
    frames = list(read_record(record))
    assert ended["event"] == "ended"
    assert ended["streams"]["news"]["published"] == len(frames)
    assert ended["streams"]["news"]["most_clients"] == 1
    texts = [frame.payload.decode() for frame in frames]
    assert "\n".join(received) in "\n".join(texts)


def test_prepared_messages_go_to_whoever_connects(start: Any) -> None:
    simulator = start("--prepared", "2000", "--size", "1700", "--stream", "transcripts", "--clean")
    with simulator.open("transcripts") as socket:
        socket.send('{"action":"subscribe","ticker":"*"}')
        frames = [frame for _ in range(2002) if "sentence" in (frame := json.loads(socket.recv(timeout=10)))]
    assert len(frames) == 2000
    sent = simulator.line()
    assert (sent["event"], sent["stream"], sent["sent"]) == ("sent", "transcripts", 2000)


def test_wrong_options_are_named_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        simulate(scenario="party", stream=["newz"], record=tmp_path / "missing" / "file")
    assert [problem.split(" ")[0] for problem in wrong.value.problems] == ["--stream", "--scenario", "--record"]


def test_a_record_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        simulate(port=0, record=tmp_path)


def test_a_taken_port_is_said_in_one_sentence(start: Any) -> None:
    simulator = start()
    port = int(simulator.url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match=f"--port {port}: cannot listen there"):
        simulate(port=port)
