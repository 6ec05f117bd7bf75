"""Prepared messages: good ones, each another, at the size and in the number asked for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from connector.simulator.prepared import PreparedFrames, saturate
from connector.streams import STREAMS

if TYPE_CHECKING:
    from connector.simulator import Simulator
    from tests.simulator.conftest import Dial

WHEN = b"2026-01-05T14:30:00.123456789Z"


@pytest.mark.parametrize("stream", STREAMS)
def test_every_prepared_message_is_one_of_its_own(stream: str) -> None:
    frames = PreparedFrames(stream, size=3000)
    made = [json.loads(frames.payload(n, WHEN)) for n in range(100)]
    if stream == "transcripts":
        keys = {(frame["transcript_id"], frame["sequence"]) for frame in made}
        assert len({transcript for transcript, _ in keys}) == 24
        assert min(sequence for _, sequence in keys) == 0
        assert {frame["created_time"] for frame in made} == {WHEN.decode()}
    elif stream == "consensus":
        keys = {frame["id"] for frame in made}
        assert {frame["data"]["updated_at"] for frame in made} == {WHEN.decode()}
    else:
        keys = {frame["data"]["id"] for frame in made}
        assert {frame["data"]["content"]["id"] for frame in made} == keys
        assert {frame["data"]["timestamp"] for frame in made} == {WHEN.decode()}
    assert len(keys) == 100
    assert abs(len(frames.payload(5, WHEN)) - 3000) < 100


@pytest.mark.parametrize("size", [1700, 100_000])
async def test_saturation_sends_exactly_so_many(feed: Simulator, dial: Dial, size: int) -> None:
    socket = await dial("news")
    result, texts = await asyncio.gather(
        saturate(feed, "news", 500, size=size), asyncio.gather(*[_take(socket) for _ in range(1)])
    )
    received = texts[0]
    assert result.sent == 500
    assert result.bytes == sum(len(text) for text in received)
    ids = [json.loads(text)["data"]["id"] for text in received]
    assert ids == sorted(set(ids))
    assert len(ids) == 500
    assert len(feed.channels["news"].cache) == 100


async def _take(socket: object, count: int = 500) -> list[str]:
    return [await asyncio.wait_for(socket.recv(), 10) for _ in range(count)]  # type: ignore[attr-defined]


async def test_transcripts_wait_for_a_subscription(feed: Simulator, dial: Dial) -> None:
    socket = await dial("transcripts")
    await feed.connected("transcripts")
    sending = asyncio.ensure_future(saturate(feed, "transcripts", 50))
    await socket.send('{"action":"subscribe","ticker":"*"}')
    assert (await sending).sent == 50


async def test_saturation_ends_where_the_client_goes(feed: Simulator, dial: Dial) -> None:
    await dial("news")
    await feed.connected("news")
    sending = asyncio.ensure_future(saturate(feed, "news", 10_000_000, size=20_000))
    await asyncio.sleep(0.05)
    feed.faults.drop("news")
    assert 0 < (await asyncio.wait_for(sending, 5)).sent < 10_000_000


async def test_a_rate_is_kept(feed: Simulator, dial: Dial) -> None:
    await dial("news")
    result = await saturate(feed, "news", 20, rate=200)
    assert 0.08 < result.seconds < 1
