"""Each fault, as the client meets it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from connector.simulator import SCENARIOS, Simulator, SimulatorSettings
from connector.streams import STREAMS

if TYPE_CHECKING:
    from tests.simulator.conftest import Dial

MESSAGE = '{"id":"a","data":{"id":"r","timestamp":"2026-01-05T14:30:00Z"}}'


async def read(socket: object, seconds: float = 5) -> str | bytes:
    return await asyncio.wait_for(socket.recv(), seconds)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("how", "code"), [("reset", 1006), ("fin", 1006), ("clean", 1001)])
async def test_drop(feed: Simulator, dial: Dial, how: str, code: int) -> None:
    socket = await dial("news")
    await feed.connected("news")
    assert feed.faults.drop("news", how) == 1  # type: ignore[arg-type]
    with pytest.raises(ConnectionClosed):
        await read(socket)
    assert socket.close_code == code
    await feed.disconnected("news")
    again = await dial("news")
    await feed.connected("news", times=2)
    feed.publish("news", MESSAGE)
    assert await read(again) == MESSAGE


async def test_close_with_a_code(feed: Simulator, dial: Dial) -> None:
    socket = await dial("news")
    await feed.connected("news")
    feed.faults.close("news", 4001, "key expired")
    with pytest.raises(ConnectionClosedError):
        await read(socket)
    assert (socket.close_code, socket.close_reason) == (4001, "key expired")


async def test_a_stalled_connection_says_nothing_until_it_resumes(feed: Simulator, dial: Dial) -> None:
    socket = await dial("news")
    await feed.connected("news")
    feed.faults.stall("news")
    assert not feed.publish("news", MESSAGE).delivered
    await socket.send("ping")
    pong = asyncio.ensure_future(await socket.ping())
    with pytest.raises(TimeoutError):
        await read(socket, 0.05)
    assert not pong.done()
    assert feed.connection_count("news") == 1
    assert feed.faults.resume("news") == 1
    assert [await read(socket), await read(socket)] == [MESSAGE, "pong"]
    await asyncio.wait_for(pong, 2)


async def test_a_half_open_connection_is_forgotten_by_the_feed_alone(feed: Simulator, dial: Dial) -> None:
    socket = await dial("news")
    await feed.connected("news")
    assert feed.faults.half_open("news") == 1
    assert feed.connection_count("news") == 0
    again = await dial("news")  # the slot is free
    await feed.connected("news", times=2)
    feed.publish("news", MESSAGE)
    assert await read(again) == MESSAGE
    with pytest.raises(TimeoutError):
        await read(socket, 0.05)
    assert feed.channels["news"].most_clients == 1


async def test_the_simulator_ends_although_clients_are_stalled() -> None:
    async with asyncio.timeout(3):
        async with Simulator() as feed:
            sockets = [
                await connect(f"{feed.url}{STREAMS[stream].path}?token={feed.settings.token}", close_timeout=0.1)
                for stream in ("news", "ratings")
            ]
            await feed.connected("news")
            await feed.connected("ratings")
            feed.faults.stall("news")
            feed.faults.half_open("ratings")
        for socket in sockets:
            await socket.wait_closed()


async def test_accept_then_close(feed: Simulator, dial: Dial) -> None:
    feed.faults.accept_then_close("news", times=2)
    for _ in range(2):
        socket = await dial("news")
        with pytest.raises(ConnectionClosedError):
            await read(socket)
    socket = await dial("news")
    await socket.send("ping")
    assert await read(socket) == "pong"
    assert [handshake.status for handshake in feed.handshakes("news")] == [101] * 3


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503])
async def test_refuse(feed: Simulator, dial: Dial, status: int) -> None:
    feed.faults.refuse("news", status, times=2)
    for _ in range(2):
        with pytest.raises(InvalidStatus) as refused:
            await dial("news")
        assert refused.value.response.status_code == status
    assert (b"ring-balancer" in (refused.value.response.body or b"")) is (status == 503)
    await dial("news")


async def test_mute_pong(feed: Simulator, dial: Dial) -> None:
    socket, calls = await dial("news"), await dial("transcripts")
    await read(calls)
    for stream in ("news", "transcripts"):
        feed.faults.mute_pong(stream)
    await socket.send("ping")
    await calls.send('{"action":"ping"}')
    await calls.send('{"action":"subscribe","ticker":"*"}')
    assert await read(calls) == '"Subscribed to *"'
    feed.publish("news", MESSAGE)
    assert await read(socket) == MESSAGE
    feed.faults.mute_pong("news", mute=False)
    await socket.send("ping")
    assert await read(socket) == "pong"


async def test_garbage_goes_out_byte_for_byte(feed: Simulator, dial: Dial) -> None:
    socket = await dial("news")
    await feed.connected("news")
    feed.faults.garbage("news", "{torn")
    feed.faults.garbage("news", b"\x00\xff\x01")
    assert [await read(socket), await read(socket)] == ["{torn", b"\x00\xff\x01"]
    assert [frame.kind for frame in feed.sent("news")] == ["garbage"] * 2
    assert not feed.channels["news"].cache


async def test_text_that_is_not_utf8_ends_the_connection(feed: Simulator, dial: Dial) -> None:
    socket = await dial("news")
    await feed.connected("news")
    feed.faults.garbage("news", b"\xff\xfe", text=True)
    with pytest.raises(ConnectionClosedError) as closed:
        await read(socket)
    assert closed.value.sent is not None
    assert closed.value.sent.code == 1007


async def test_duplicate(feed: Simulator, dial: Dial) -> None:
    socket = await dial("news")
    await feed.connected("news")
    feed.publish("news", MESSAGE)
    feed.faults.duplicate("news")
    feed.faults.duplicate("news", 0, new_id=True)
    texts = [str(await read(socket)) for _ in range(3)]
    assert texts[0] == texts[1] == MESSAGE
    assert texts[2] != MESSAGE
    assert texts[2].endswith(MESSAGE.partition('"data"')[2])
    assert [frame.kind for frame in feed.sent("news")] == ["message", "duplicate", "duplicate"]


async def test_an_oversized_message_comes_again_with_the_replay(feed: Simulator, dial: Dial) -> None:
    feed.publish("news", MESSAGE)
    frame = feed.faults.oversized("news", 2_000_000)
    assert len(frame.payload) == 2_000_000
    socket = await dial("news")
    await socket.send("replay")
    assert [len(await read(socket)) for _ in range(2)] == [len(MESSAGE), 2_000_000]


async def test_an_empty_replay_and_an_empty_cache(feed: Simulator, dial: Dial) -> None:
    feed.publish("news", MESSAGE)
    socket = await dial("news")
    feed.faults.replay(limit=0)
    await socket.send("replay")
    feed.faults.replay(limit=100)
    feed.faults.forget("news")
    await socket.send("replay")
    await socket.send("ping")
    assert await read(socket) == "pong"


async def test_drop_every(feed: Simulator, dial: Dial) -> None:
    socket = await dial("news")
    await feed.connected("news")
    dropping = asyncio.ensure_future(feed.faults.drop_every("news", 0.01))
    with pytest.raises(ConnectionClosedError):
        await read(socket)
    dropping.cancel()


async def test_chaos_harms_only_connections_and_not_the_simulator() -> None:
    settings = SimulatorSettings(seed=7)
    async with Simulator(settings) as feed:
        chaos = SCENARIOS["chaos"]
        feed.traffic.start_scenario(
            type(chaos)(chaos.about, chaos.rates, oddities=chaos.oddities, fault_every=0.01), ["news"], speed=50
        )
        await asyncio.wait_for(feed.until(lambda: feed.channels["news"].published > 60), 10)
