"""A feed's life against small servers on loopback: connecting, reading, ending, coming back."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed

from connector import logs
from connector.feed import State
from tests.support.feeds import TOKEN, UNIT, make_settings, running_feed, units, websocket_server

if TYPE_CHECKING:
    import io

    from websockets.asyncio.server import ServerConnection


async def answer_pings(ws: ServerConnection) -> None:
    async for text in ws:
        if text == "ping":
            await ws.send("pong")


async def test_an_enveloped_stream_replays_settles_and_goes_live() -> None:
    async def handler(ws: ServerConnection) -> None:
        assert await ws.recv() == "replay"
        await ws.send("first")
        await answer_pings(ws)

    async with websocket_server(handler) as url, running_feed(make_settings(url, settle=units(5))) as running:
        await running.sink.until("frame")
        assert running.feed.state.value == "settling"
        await running.sink.until("settled")
        assert running.feed.state.value == "live"
        assert running.sink.calls == [("connected", True), ("frame", b"first"), ("settled", None)]
        assert running.metric("connected") == 1
        assert running.metric("connects_total", result="ok") == 1
        await running.sink.until("frame", 3)
        assert running.sink.of("frame") == [b"first", b"pong", b"pong"]
        assert running.metric("pong_seconds_count") == 2
        assert running.sink.of("disconnected") == []


async def test_the_request_carries_key_and_filters() -> None:
    paths: list[str] = []

    async def handler(ws: ServerConnection) -> None:
        assert ws.request is not None
        paths.append(ws.request.path)
        assert "Sec-WebSocket-Extensions" not in ws.request.headers  # no compression
        await answer_pings(ws)

    filters = {"news": {"tickers": ["AAPL", "BRK A"], "channels": "Price Target"}}
    async with (
        websocket_server(handler) as url,
        running_feed(make_settings(url, feed={"filters": filters})) as running,
    ):
        await running.sink.until("connected")
    assert paths == [f"/api/v1/news/stream?token={TOKEN}&tickers=AAPL,BRK%20A&channels=Price%20Target"]


async def test_transcripts_subscribe_and_ping_in_json() -> None:
    received: list[object] = []

    async def handler(ws: ServerConnection) -> None:
        async for text in ws:
            received.append(json.loads(text))
            if "ping" in str(text):
                await ws.send('{"message":"pong"}')

    feed = {"transcripts": {"tickers": ["AAPL", "MSFT"], "mock": True}}
    async with (
        websocket_server(handler) as url,
        running_feed(make_settings(url, feed=feed), "transcripts") as running,
    ):
        await running.sink.until("frame")
        assert running.sink.calls == [("connected", False), ("frame", b'{"message":"pong"}')]
        assert running.feed.state is State.LIVE
        assert running.metric("pong_seconds_count") == 1
    assert received[:3] == [
        {"action": "subscribe", "ticker": "AAPL", "mock": True},
        {"action": "subscribe", "ticker": "MSFT", "mock": True},
        {"action": "ping"},
    ]


async def test_frames_arrive_byte_for_byte() -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.send(["a frame ", "in three ", "pieces"])
        await ws.send(b"\x00binary\xff")
        await ws.send(b"\xff\xfe not UTF-8", text=True)
        await ws.send("")
        await answer_pings(ws)

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        assert await running.sink.until("frame", 4) == [
            b"a frame in three pieces",
            b"\x00binary\xff",
            b"\xff\xfe not UTF-8",
            b"",
        ]


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 4001])
async def test_every_close_code_leads_to_another_connection(code: int) -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.send("last words")
        await ws.close(code, "bye")

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        await running.sink.until("connected", 2)
        assert running.sink.calls[:3] == [("connected", True), ("frame", b"last words"), ("disconnected", "closed")]
        assert running.metric("reconnects_total", reason="closed") == 1


async def test_what_a_server_says_before_it_closes_at_once_is_delivered() -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.send("last words")

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        await running.sink.until("connected", 2)
        assert running.sink.calls[1:3] == [("frame", b"last words"), ("disconnected", "closed")]


async def test_what_was_sent_before_a_reset_is_delivered() -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.send("last words")
        await ws.ping()
        ws.transport.abort()

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        await running.sink.until("connected", 2)
        assert running.sink.calls[:3] == [("connected", True), ("frame", b"last words"), ("disconnected", "network")]
        assert running.metric("reconnects_total", reason="network") == 1


async def test_a_server_that_accepts_and_closes_is_not_hammered() -> None:
    accepted: list[float] = []

    async def handler(ws: ServerConnection) -> None:
        accepted.append(asyncio.get_running_loop().time())

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        await running.sink.until("connected", 6)
    waits = [later - earlier for earlier, later in itertools.pairwise(accepted)]
    for wait, least in zip(waits, [1, 1.5, 2, 2, 2], strict=False):
        assert wait >= 0.9 * least * UNIT


async def test_a_mute_feed_is_left_though_control_pongs_still_come() -> None:
    async def handler(ws: ServerConnection) -> None:
        async for _ in ws:
            pass  # websockets answers control pings by itself

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        assert await running.sink.until("disconnected") == ["pong_timeout"]
        await running.sink.until("connected", 2)
        assert running.metric("reconnects_total", reason="pong_timeout") == 1
        assert running.metric("pong_seconds_count") == 0


FRAMES = 4000  # of 4,000 bytes: more than the kernel buffers on both sides


async def test_backpressure_stops_reading_and_is_not_held_against_the_feed() -> None:
    sent = 0

    async def handler(ws: ServerConnection) -> None:
        nonlocal sent
        answers = asyncio.create_task(answer_pings(ws))
        while sent < FRAMES:
            await ws.send(f"{sent}".ljust(4000))
            sent += 1
        await answers

    async with websocket_server(handler) as url:
        slow = make_settings(url, heartbeat={"interval": units(2), "timeout": units(20)})
        async with running_feed(slow) as running:
            running.sink.full = True
            await running.sink.until("waiting")
            await asyncio.sleep(30 * UNIT)  # far beyond interval and timeout
            assert len(running.sink.of("frame")) == 1
            assert sent < FRAMES
            running.sink.room.set()
            frames = await running.sink.until("frame", FRAMES)
            assert [int(frame) for frame in frames if frame != b"pong"][: FRAMES - 1] == list(range(FRAMES - 1))
            assert running.sink.of("disconnected") == []


async def test_a_process_that_was_stopped_reads_before_it_judges() -> None:
    async def handler(ws: ServerConnection) -> None:
        async for text in ws:
            if text == "ping":
                await ws.send("pong")
                pinged.set()

    pinged = asyncio.Event()
    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        await pinged.wait()
        time.sleep(40 * UNIT)  # noqa: ASYNC251 - the loop is to stand still, as under SIGSTOP
        await running.sink.until("frame", 2)
        assert running.sink.of("disconnected") == []


async def test_a_frame_above_the_limit_is_dropped_and_the_connection_kept() -> None:
    async def handler(ws: ServerConnection) -> None:
        for size in (4096, 4097, 4 * 4096, 1):
            await ws.send("x" * size)
        await answer_pings(ws)

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        frames = await running.sink.until("frame", 2)
        assert [len(frame) for frame in frames] == [4096, 1]
        assert running.sink.of("too_large") == [4097, 4 * 4096]
        assert running.sink.of("disconnected") == []


@pytest.mark.parametrize("pieces", [1, 3, 9000])
async def test_a_monstrous_frame_in_the_replay_makes_no_endless_loop(pieces: int) -> None:
    commands: list[list[str]] = []

    async def handler(ws: ServerConnection) -> None:
        commands.append([])
        async for text in ws:
            if text == "ping":
                await ws.send("pong")
                continue
            commands[-1].append(str(text))
            await ws.send(["x" * (90_000 // pieces)] * pieces if pieces > 1 else "x" * 90_000)

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        await running.sink.until("connected", 2)
        await running.sink.until("frame")  # a pong: the second connection lives
        (size,) = running.sink.of("too_large")
        assert size is None or size > 4 * 4096
        assert running.sink.calls[:4] == [
            ("connected", True),
            ("too_large", size),
            ("disconnected", "too_large"),
            ("connected", False),
        ]
        assert running.feed.state is State.LIVE
        assert running.metric("reconnects_total", reason="too_large") == 1
    assert commands == [["replay"], []]


async def test_silence_in_market_hours_replaces_the_socket_with_growing_patience() -> None:
    async def handler(ws: ServerConnection) -> None:
        await answer_pings(ws)

    async with websocket_server(handler) as url:
        settings = make_settings(url, idle_timeout={"news": units(20)}, settle=units(0))
        async with running_feed(settings, market_active=lambda at: True) as running:
            began = asyncio.get_running_loop().time()
            assert await running.sink.until("disconnected", 2) == ["idle", "idle"]
            assert asyncio.get_running_loop().time() - began >= (20 + 40) * UNIT
            await running.sink.until("connected", 3)
            assert running.metric("reconnects_total", reason="idle") == 2


async def test_nobody_minds_silence_while_markets_sleep() -> None:
    async def handler(ws: ServerConnection) -> None:
        await answer_pings(ws)

    async with websocket_server(handler) as url:
        settings = make_settings(url, idle_timeout={"news": units(5)})
        async with running_feed(settings, market_active=lambda at: False) as running:
            await running.sink.until("frame", 3)
            assert running.sink.of("disconnected") == []


@pytest.mark.parametrize("how", ["close", "cancel"])
@pytest.mark.parametrize("full", [False, True])
async def test_the_end_frees_the_slot_at_once(how: str, *, full: bool) -> None:
    codes: list[int | None] = []
    closed = asyncio.Event()

    async def handler(ws: ServerConnection) -> None:
        try:
            for _ in range(500):
                await ws.send("x" * 1000)
            await answer_pings(ws)
        except ConnectionClosed:
            pass
        codes.append(ws.close_code)
        closed.set()

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        running.sink.full = full
        await running.sink.until("waiting" if full else "frame")
        if how == "close":
            await running.feed.close()
            await running.task
        else:
            running.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running.task
        async with asyncio.timeout(20 * UNIT):
            await closed.wait()
        assert codes == [1000]
        assert running.sink.calls[-1] == ("disconnected", "stopped")
        assert running.feed.state is State.STOPPED
        assert running.metric("connected") == 0
        assert running.metric("reconnects_total", reason="closed") == 0


async def test_a_feed_stops_at_once_while_it_waits() -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.close(1011)

    async with websocket_server(handler) as url:
        backoff = {"min": "1h", "max": "2h"}
        async with running_feed(make_settings(url, backoff=backoff)) as running:
            await running.sink.until("disconnected")
            await running.feed.close()
            await running.task
            assert running.feed.state is State.STOPPED


async def test_an_error_of_the_sink_ends_the_feed_with_it() -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.send("x")
        await answer_pings(ws)

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        running.sink.error = OSError(28, "No space left on device")
        with pytest.raises(OSError, match="No space left"):
            await running.task
        assert running.sink.calls == [("connected", True), ("disconnected", "stopped")]


async def test_the_lines_of_a_connection_carry_its_id(log_output: io.StringIO) -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.close(1011)

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        await running.sink.until("disconnected", 2)
    events = [json.loads(line) for line in log_output.getvalue().splitlines()]
    ids = [
        (event["event"], event.get("connection_id"))
        for event in events
        if event["event"] in {"feed.connected", "feed.disconnected", "feed.retry"}
    ]
    first, second = ids[0][1], ids[3][1]
    assert len({None, first, second}) == 3
    assert ids[:5] == [
        ("feed.connected", first),
        ("feed.disconnected", first),
        ("feed.retry", None),
        ("feed.connected", second),
        ("feed.disconnected", second),
    ]


async def test_what_repeats_is_folded_into_one_line_with_its_count(
    log_output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", log_output)
    logs.configure("info", "json")

    async def handler(ws: ServerConnection) -> None:
        await ws.close(1011)

    async with websocket_server(handler) as url, running_feed(make_settings(url)) as running:
        await running.sink.until("disconnected", 9)
    logs.tell_repeats()
    events = [json.loads(line) for line in log_output.getvalue().splitlines()]
    ended = [event for event in events if event["event"] == "feed.disconnected"]
    assert len(ended) == logs.BURST + 1
    assert logs.BURST + ended[-1]["repeated"] >= 9
