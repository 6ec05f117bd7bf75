"""What a connected client says, and what it is answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from connector.simulator.channel import parse
from connector.simulator.transcripts import audio_event

if TYPE_CHECKING:
    from connector.simulator.channel import Channel
    from connector.simulator.connection import FeedConnection
    from connector.simulator.server import Simulator
    from connector.simulator.values import Dice


class Conversation:
    """One client's commands."""

    def __init__(self, feed: Simulator, connection: FeedConnection, channel: Channel, dice: Dice) -> None:
        self._feed = feed
        self._connection = connection
        self._channel = channel
        self._dice = dice

    async def obey(self, text: str) -> None:
        """Answer one text frame."""
        connection, channel = self._connection, self._channel
        channel.commands.append(text)
        muted = self._feed.faults.is_mute(channel.stream.name)
        if connection.session is not None:
            outcome = connection.session.command(text, channel.live_calls, pong=not muted)
            for reply in outcome.replies:
                connection.say(reply)
            if outcome.subscribed is not None:
                self._subscribe(outcome.subscribed, mock=outcome.mock)
        elif text == "ping":
            if not muted:
                connection.say("pong")
        elif text == "replay":
            await self._replay()
        elif self._feed.settings.on_unknown_text == "close":
            await connection.close(1008)
        self._feed.changed()

    async def _replay(self) -> None:
        connection, channel, behaviour = self._connection, self._channel, self._feed.replay_behaviour
        for frame, payload in channel.replay(behaviour, self._dice):
            if connection.wants(frame, parse(frame.payload) if connection.filters else None):
                channel.replayed += connection.put(payload, binary=frame.binary)
            if behaviour.pause:
                await asyncio.sleep(behaviour.pause)

    def _subscribe(self, ticker: str, *, mock: bool) -> None:
        connection, channel, settings = self._connection, self._channel, self._feed.settings
        if mock:
            self._feed.spawn(self._feed.traffic.mock_call(connection, ticker))
            return
        if settings.audio:
            for call_id, symbol in channel.live_calls.items():
                if ticker in {symbol, "*"}:
                    connection.say(audio_event(symbol, call_id, self._dice))
        for frame in list(channel.cache)[-settings.backlog :] if settings.backlog else ():
            facts = parse(frame.payload)
            if facts is not None and ticker in {facts.get("symbol"), "*"}:
                channel.replayed += connection.put(frame.payload, binary=frame.binary)
