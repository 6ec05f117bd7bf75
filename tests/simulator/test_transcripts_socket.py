"""The transcripts socket: commands, subscriptions, audio events, mock calls."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect

from connector.simulator import Simulator, SimulatorSettings
from connector.streams import STREAMS

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from tests.simulator.conftest import Dial

PATH = STREAMS["transcripts"].path


async def read(socket: ClientConnection) -> str:
    return str(await asyncio.wait_for(socket.recv(), 5))


async def ask(socket: ClientConnection, command: dict[str, Any] | str) -> str:
    await socket.send(command if isinstance(command, str) else json.dumps(command))
    return await read(socket)


def sentence(symbol: str, sequence: int, status: str = "IN_PROGRESS", call: str = "c") -> str:
    return json.dumps(
        {
            "call_id": f"{call}-{symbol}",
            "transcript_id": f"t-{symbol}",
            "symbol": symbol,
            "sentence": "We expect growth.",
            "sequence": sequence,
            "status": status,
        }
    )


@pytest.fixture
async def socket(dial: Dial) -> ClientConnection:
    """Connected and greeted."""
    opened = await dial("transcripts")
    greeting = json.loads(await read(opened))
    assert greeting["message"] == "Connected to the server"
    assert greeting["uid"]
    return opened


@pytest.mark.parametrize("key", ["ticker", "symbol"])
async def test_a_subscription_brings_the_reply_the_audio_event_and_then_sentences(
    feed: Simulator, socket: ClientConnection, key: str
) -> None:
    assert await ask(socket, {"action": "subscribe", key: "MSM"}) == '"Subscribed to MSM"'
    feed.publish("transcripts", sentence("MSM", 0))
    feed.publish("transcripts", sentence("MSM", 1))
    audio = json.loads(await read(socket))
    assert (audio["action"], audio["symbol"], audio["call_id"]) == ("audio", "MSM", "c-MSM")
    assert all(name in audio["hls_url"] for name in ("Key-Pair-Id=", "Policy=", "Signature="))
    assert [json.loads(await read(socket))["sequence"] for _ in range(2)] == [0, 1]


async def test_a_running_call_is_announced_on_subscription(feed: Simulator, socket: ClientConnection) -> None:
    feed.publish("transcripts", sentence("AAA", 0))
    feed.publish("transcripts", sentence("BBB", 0))
    feed.publish("transcripts", sentence("BBB", 1, status="COMPLETE"))
    assert await ask(socket, {"action": "subscribe", "ticker": "*"}) == '"Subscribed to *"'
    assert json.loads(await read(socket))["symbol"] == "AAA"
    assert await ask(socket, {"action": "ping"}) == '"pong"'


async def test_only_what_was_subscribed_to_comes(feed: Simulator, socket: ClientConnection) -> None:
    assert not feed.publish("transcripts", sentence("AAA", 0)).delivered
    await ask(socket, {"action": "subscribe", "ticker": "BBB"})
    assert not feed.publish("transcripts", sentence("AAA", 1)).delivered
    assert feed.publish("transcripts", sentence("BBB", 0)).delivered
    assert json.loads(await read(socket))["action"] == "audio"
    assert json.loads(await read(socket))["symbol"] == "BBB"
    assert await ask(socket, {"action": "unsubscribe", "ticker": "BBB"}) == '"Unsubscribed from BBB"'
    assert not feed.publish("transcripts", sentence("BBB", 1)).delivered


async def test_subscriptions_end_with_the_connection(feed: Simulator, socket: ClientConnection, dial: Dial) -> None:
    await ask(socket, {"action": "subscribe", "ticker": "*"})
    await socket.close()
    await dial("transcripts")
    await feed.connected("transcripts", times=2)
    assert not feed.publish("transcripts", sentence("AAA", 0)).delivered


async def test_a_mock_call_comes_on_demand_and_ends(socket: ClientConnection) -> None:
    assert await ask(socket, {"action": "subscribe", "ticker": "AAPL", "mock": "true"}) == '"Subscribed to AAPL"'
    frames: list[dict[str, Any]] = []
    while not frames or frames[-1]["status"] != "COMPLETE":
        frames.append(json.loads(await read(socket)))
    assert {frame["symbol"] for frame in frames} == {"AAPL"}
    assert [frame["sequence"] for frame in frames] == list(range(len(frames)))
    assert frames[0]["created_time"] == "0001-01-01T00:00:00Z"
    assert frames[-1]["sentence"] == ""


async def test_mock_and_real_calls_do_not_mix(feed: Simulator, socket: ClientConnection) -> None:
    await ask(socket, {"action": "subscribe", "ticker": "AAPL", "mock": True})
    assert not feed.publish("transcripts", sentence("AAPL", 0)).delivered
    assert feed.publish("transcripts", sentence("AAPL", 0), mock=True).delivered


async def test_there_are_mock_calls_of_three_tickers_only(socket: ClientConnection) -> None:
    error = json.loads(await ask(socket, {"action": "subscribe", "ticker": "MSM", "mock": True}))
    assert error["type"] == "invalid_request_error"


async def test_the_other_commands_are_answered(feed: Simulator, socket: ClientConnection) -> None:
    feed.publish("transcripts", sentence("AAA", 0))
    assert json.loads(await ask(socket, {"action": "list"}))["calls"] == [{"call_id": "c-AAA", "symbol": "AAA"}]
    await ask(socket, {"action": "subscribe", "ticker": "bbb"})
    assert json.loads(await ask(socket, {"action": "subscribed"}))["tickers"] == ["BBB"]
    assert await ask(socket, {"action": "echo", "message": "x"}) == '"x"'
    assert await ask(socket, {"action": "unsubscribe", "ticker": "*"}) == '"Unsubscribed from *"'
    for wrong in ({"action": "subscribe"}, {"action": "fly"}, {}, "ping", "[1]"):
        assert json.loads(await ask(socket, wrong))["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("form", "subscribed", "pong"),
    [
        ("text", "Subscribed to *", "pong"),
        ("json-string", '"Subscribed to *"', '"pong"'),
        ("object", '{"status":"ok","message":"Subscribed to *"}', '{"action":"pong","message":"pong"}'),
    ],
)
async def test_replies_come_in_any_documented_form(form: str, subscribed: str, pong: str) -> None:
    async with (
        Simulator(SimulatorSettings(reply_form=form)) as feed,  # type: ignore[arg-type]
        connect(f"{feed.url}{PATH}?token={feed.settings.token}") as socket,
    ):
        await read(socket)
        assert await ask(socket, {"action": "subscribe", "ticker": "*"}) == subscribed
        assert await ask(socket, {"action": "ping"}) == pong


async def test_a_late_subscription_can_bring_a_backlog() -> None:
    async with Simulator(SimulatorSettings(backlog=2, audio=False)) as feed:
        for sequence in range(4):
            feed.publish("transcripts", sentence("AAA", sequence))
        async with connect(f"{feed.url}{PATH}?token={feed.settings.token}") as socket:
            await read(socket)
            await ask(socket, {"action": "subscribe", "ticker": "AAA"})
            assert [json.loads(await read(socket))["sequence"] for _ in range(2)] == [2, 3]


async def test_generated_calls_reach_a_subscriber_of_everything(feed: Simulator, socket: ClientConnection) -> None:
    await ask(socket, {"action": "subscribe", "ticker": "*"})
    await feed.subscribed()
    await feed.traffic.start("transcripts", rate=0, count=200)
    assert all(frame.delivered for frame in feed.sent("transcripts"))
