"""The enveloped streams, seen by a plain WebSocket client."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from connector.simulator import ReplayBehaviour, Simulator, SimulatorSettings
from connector.streams import STREAMS, Protocol

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from tests.simulator.conftest import Dial

ENVELOPED = [name for name, stream in STREAMS.items() if stream.protocol is Protocol.ENVELOPE]


async def take(socket: ClientConnection, count: int) -> list[str]:
    return [str(await asyncio.wait_for(socket.recv(), 5)) for _ in range(count)]


async def silent(socket: ClientConnection) -> bool:
    """Whether nothing but the answer to our own ping is waiting."""
    await socket.send("ping")
    return await take(socket, 1) == ["pong"]


async def status_of(url: str) -> InvalidStatus:
    with pytest.raises(InvalidStatus) as refused:
        await connect(url)
    return refused.value


@pytest.mark.parametrize("stream", ENVELOPED)
async def test_every_stream_sends_what_is_published_in_order(feed: Simulator, dial: Dial, stream: str) -> None:
    socket = await dial(stream)
    await feed.connected(stream)
    assert await feed.traffic.start(stream, rate=0, count=60) == 60
    frames = feed.sent(stream)
    assert [text.encode() for text in await take(socket, 60)] == [frame.payload for frame in frames]
    assert [frame.index for frame in frames] == list(range(60))
    assert all(frame.delivered for frame in frames)


async def test_text_ping_is_answered_with_text_pong(feed: Simulator, dial: Dial) -> None:
    socket = await dial("ratings")
    assert await silent(socket)
    assert feed.commands("ratings") == ["ping"]


async def test_a_frame_published_while_nobody_is_connected_comes_with_the_replay(feed: Simulator, dial: Dial) -> None:
    frame = feed.publish("news", '{"data":{"id":1}}')
    assert not frame.delivered
    socket = await dial("news")
    assert await silent(socket)
    await socket.send("replay")
    assert await take(socket, 1) == ['{"data":{"id":1}}']


async def test_replay_brings_the_last_hundred_messages_and_nothing_else(feed: Simulator, dial: Dial) -> None:
    for number in range(120):
        feed.publish("news", f'{{"data":{{"id":{number}}}}}')
        feed.publish("news", str(number), kind="control")
    socket = await dial("news")
    await socket.send("replay")
    assert [json.loads(text)["data"]["id"] for text in await take(socket, 100)] == list(range(20, 120))
    assert await silent(socket)
    assert feed.channels["news"].replayed == 100


@pytest.mark.parametrize(("order", "expected"), [("old-first", [0, 1, 2]), ("new-first", [2, 1, 0])])
async def test_replay_order_can_be_chosen(feed: Simulator, dial: Dial, order: str, expected: list[int]) -> None:
    feed.faults.replay(order=order)  # type: ignore[arg-type]
    for number in range(3):
        feed.publish("news", f'{{"data":{{"id":{number}}}}}')
    socket = await dial("news")
    await socket.send("replay")
    assert [json.loads(text)["data"]["id"] for text in await take(socket, 3)] == expected


async def test_replayed_ids_can_change_while_the_data_stays(feed: Simulator, dial: Dial) -> None:
    feed.faults.replay(new_ids=True)
    feed.publish("ratings", '{"id":"one","data":{"id":"r"}}')
    feed.publish("ratings", '{"data":{"id":"without"}}')
    socket = await dial("ratings")
    await socket.send("replay")
    first, second = (json.loads(text) for text in await take(socket, 2))
    assert first["id"] != "one"
    assert first["data"] == {"id": "r"}
    assert second == {"data": {"id": "without"}}


async def test_live_frames_can_come_between_replayed_ones(feed: Simulator, dial: Dial) -> None:
    feed.faults.replay(pause=0.02)
    feed.publish("news", '{"data":{"id":1}}')
    feed.publish("news", '{"data":{"id":2}}')
    socket = await dial("news")
    await socket.send("replay")
    first = await take(socket, 1)
    feed.publish("news", '{"data":{"id":3}}')
    ids = [json.loads(text)["data"]["id"] for text in [*first, *await take(socket, 2)]]
    assert ids == [1, 3, 2]


async def test_a_wrong_key_is_refused_with_401(feed: Simulator, dial: Dial) -> None:
    for token in ("wrong", ""):
        with pytest.raises(InvalidStatus) as refused:
            await dial("news", token=token)
        assert refused.value.response.status_code == 401
    assert [handshake.status for handshake in feed.handshakes("news")] == [401, 401]


async def test_an_unlicensed_stream_is_refused_with_403() -> None:
    async with Simulator(SimulatorSettings(unlicensed=frozenset({"news"}))) as feed:
        url = f"{feed.url}{STREAMS['news'].path}?token={feed.settings.token}"
        assert (await status_of(url)).response.status_code == 403


async def test_a_wrong_path_looks_like_an_outage(feed: Simulator) -> None:
    refused = await status_of(f"{feed.url}/api/v1/newz/stream?token={feed.settings.token}")
    assert refused.response.status_code == 502


async def test_a_second_connection_of_one_key_is_refused_late_and_without_a_body(feed: Simulator, dial: Dial) -> None:
    first = await dial("news")
    with pytest.raises(InvalidStatus) as refused:
        await dial("news")
    assert refused.value.response.status_code == 429
    assert not refused.value.response.body
    assert "Retry-After" not in refused.value.response.headers
    assert await silent(first)
    await dial("ratings")  # another stream has its own slot
    assert feed.channels["news"].most_clients == 1


async def test_a_refusal_under_way_does_not_hold_up_the_end() -> None:
    async with asyncio.timeout(3):
        async with Simulator(SimulatorSettings(refusal_delay=60)) as feed:
            url = f"{feed.url}{STREAMS['news'].path}?token={feed.settings.token}"
            first = await connect(url)
            second = asyncio.ensure_future(status_of(url))
            await feed.until(lambda: len(feed.handshakes("news")) == 2)
        assert (await second).response.status_code == 429
        await first.wait_closed()


async def test_the_old_limit_is_one_connection_of_a_key_on_all_streams(dial: Dial) -> None:
    async with Simulator(SimulatorSettings(connection_limit="key")) as feed:
        token = feed.settings.token
        async with connect(f"{feed.url}{STREAMS['news'].path}?token={token}"):
            refused = await status_of(f"{feed.url}{STREAMS['ratings'].path}?token={token}")
            assert refused.response.status_code == 429


async def test_another_key_has_its_own_slot() -> None:
    async with Simulator(SimulatorSettings(other_tokens=frozenset({"second"}))) as feed:
        path = STREAMS["news"].path
        async with (
            connect(f"{feed.url}{path}?token={feed.settings.token}") as one,
            connect(f"{feed.url}{path}?token=second") as two,
        ):
            await feed.until(lambda: feed.connection_count("news") == 2)
            feed.publish("news", '{"data":{}}')
            assert await take(one, 1) == await take(two, 1) == ['{"data":{}}']


async def test_a_slot_is_free_at_once_after_a_closing_handshake(feed: Simulator, dial: Dial) -> None:
    for _ in range(5):
        socket = await dial("news")
        await socket.close()
    assert [handshake.status for handshake in feed.handshakes("news")] == [101] * 5


async def test_a_slot_is_freed_late_after_an_unclean_end() -> None:
    async with Simulator(SimulatorSettings(slot_release=0.15, refusal_delay=0.0)) as feed:
        url = f"{feed.url}{STREAMS['news'].path}?token={feed.settings.token}"
        socket = await connect(url)
        await feed.connected("news")
        socket.transport.abort()
        await feed.disconnected("news")
        assert (await status_of(url)).response.status_code == 429
        await asyncio.wait_for(feed.until(lambda: not feed.admission.taken), 2)
        async with connect(url):
            await feed.connected("news", times=2)


@pytest.mark.parametrize(
    ("query", "expected"),
    [("&tickers=AAA", [0, 2]), ("&tickers=AAA,BBB", [0, 1, 2]), ("&channels=News", [1]), ("&unknown=1", [0, 1, 2])],
)
async def test_filters_of_the_url_are_honoured(feed: Simulator, dial: Dial, query: str, expected: list[int]) -> None:
    socket = await dial("news", query)
    await feed.connected("news")
    feed.publish("news", '{"data":{"id":0,"content":{"securities":[{"symbol":"AAA"}],"channels":["Other"]}}}')
    feed.publish("news", '{"data":{"id":1,"content":{"stocks":[{"name":"BBB"}],"channels":[{"name":"News"}]}}}')
    feed.publish("news", '{"data":{"id":2,"content":{"securities":["TSX:AAA"],"channels":[]}}}')
    assert [json.loads(text)["data"]["id"] for text in await take(socket, len(expected))] == expected
    assert await silent(socket)


async def test_unknown_text_is_ignored_or_ends_the_connection() -> None:
    for policy, closes in (("ignore", False), ("close", True)):
        async with (
            Simulator(SimulatorSettings(on_unknown_text=policy)) as feed,  # type: ignore[arg-type]
            connect(f"{feed.url}{STREAMS['news'].path}?token={feed.settings.token}") as socket,
        ):
            await socket.send('{"action":"subscribe"}')
            if closes:
                with pytest.raises(ConnectionClosedError):
                    await socket.recv()
            else:
                assert await silent(socket)


async def test_the_server_pings_and_drops_who_does_not_answer() -> None:
    settings = SimulatorSettings(ping_interval=0.05, ping_timeout=0.1)
    async with Simulator(settings) as feed:
        url = f"{feed.url}{STREAMS['news'].path}?token={feed.settings.token}"
        async with connect(url) as socket:
            await feed.connected("news")
            await asyncio.sleep(0.2)  # several pings, each answered by the library
            assert await silent(socket)
            socket.transport.pause_reading()
            await asyncio.wait_for(feed.disconnected("news"), 2)


async def test_a_greeting_can_be_switched_on(settings: SimulatorSettings) -> None:
    async with (
        Simulator(replace(settings, status_on_connect=True)) as feed,
        connect(f"{feed.url}{STREAMS['news'].path}?token={feed.settings.token}") as socket,
    ):
        assert json.loads((await take(socket, 1))[0])["status"] == "connected"


async def test_one_settings_object_can_serve_several_simulators() -> None:
    settings = SimulatorSettings(replay=ReplayBehaviour(limit=5))
    async with Simulator(settings) as feed:
        feed.faults.replay(limit=0)
    assert settings.replay.limit == 5


async def test_waiting_for_a_command(feed: Simulator, dial: Dial) -> None:
    socket = await dial("news")
    waiting = asyncio.ensure_future(feed.received("news", "replay", times=2))
    await socket.send("replay")
    await feed.received("news", "replay")
    assert not waiting.done()
    await socket.send("replay")
    await asyncio.wait_for(waiting, 2)
