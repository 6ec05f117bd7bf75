"""What an oracle in another process, or in another thread, can rely on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import connect

from connector.simulator import Simulator, SimulatorSettings, read_record
from connector.simulator.threaded import ThreadedSimulator
from connector.streams import STREAMS

if TYPE_CHECKING:
    from pathlib import Path


async def test_the_record_holds_every_published_frame(tmp_path: Path) -> None:
    record = tmp_path / "frames.jsonl"
    async with Simulator(SimulatorSettings(record=record)) as feed:
        await feed.traffic.start("news", rate=0, count=50)
        await feed.traffic.start("transcripts", rate=0, count=50)
        feed.faults.garbage("news", b"\x00\xff")
        feed.publish("transcripts", "{}", mock=True)
        expected = [*feed.sent("news"), *feed.sent("transcripts")]
        during = list(read_record(record))  # complete while the simulator still runs
    by_place = {(frame.stream, frame.index): frame for frame in during}
    assert [by_place[frame.stream, frame.index] for frame in expected] == expected
    assert len(during) == 102


async def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    record = tmp_path / "frames.jsonl"
    async with Simulator(SimulatorSettings(record=record)) as feed:
        feed.publish("news", "{}")
    record.write_text(record.read_text() + '{"stream":"ne')
    assert [frame.payload for frame in read_record(record)] == [b"{}"]


async def test_history_bounds_what_is_kept_in_memory() -> None:
    async with Simulator(SimulatorSettings(history=3)) as feed:
        await feed.traffic.start("news", rate=0, count=10)
        assert [frame.index for frame in feed.sent("news")] == [7, 8, 9]
        assert feed.channels["news"].published == 10


async def test_a_script_is_published_as_it_is() -> None:
    async with Simulator() as feed:
        assert await feed.traffic.script("news", ["{}", b"[]"]) == 2
        assert [frame.payload for frame in feed.sent("news")] == [b"{}", b"[]"]


async def test_traffic_keeps_its_rate_and_is_reproducible() -> None:
    texts = []
    for _ in range(2):
        async with Simulator(SimulatorSettings(seed=9)) as feed:
            began = asyncio.get_running_loop().time()
            await feed.traffic.start("ratings", rate=200, count=20)
            assert 0.08 < asyncio.get_running_loop().time() - began < 2
            texts.append([frame.kind for frame in feed.sent("ratings")])
    assert texts[0] == texts[1]


async def test_traffic_without_a_rate_waits_for_the_client() -> None:
    async with Simulator() as feed:
        url = f"{feed.url}{STREAMS['news'].path}?token={feed.settings.token}"
        async with connect_async(url, max_queue=1) as socket:
            await feed.connected("news")
            script = feed.traffic.script("news", ["x" * 100_000] * 300)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(script), 0.1)
            for _ in range(300):
                await asyncio.wait_for(socket.recv(), 5)
            assert await script == 300


def test_a_thread_that_cannot_start_says_why() -> None:
    with ThreadedSimulator() as feed:
        port = int(feed.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            ThreadedSimulator(SimulatorSettings(port=port)).__enter__()


def test_a_simulator_in_a_thread_serves_code_that_blocks() -> None:
    with ThreadedSimulator() as feed:
        token = feed.call(lambda simulator: simulator.settings.token)
        with connect(f"{feed.url}{STREAMS['news'].path}?token={token}") as socket:
            feed.wait(lambda simulator: simulator.connected("news"))
            assert feed.call(lambda simulator: simulator.publish("news", "{}")).delivered
            assert socket.recv(timeout=5) == "{}"
            assert feed.wait(lambda simulator: simulator.traffic.start("news", rate=0, count=3)) == 3
