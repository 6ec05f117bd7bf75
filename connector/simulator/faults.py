"""Faults on demand. Each acts on the clients connected now, or on the next that try."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING, Any, Literal

from connector.simulator.admission import KONG_UNAVAILABLE, Refusal
from connector.simulator.channel import SentFrame, parse, with_new_id
from connector.simulator.values import Dice

if TYPE_CHECKING:
    from connector.simulator.connection import FeedConnection
    from connector.simulator.server import Simulator


class Faults:
    """What can go wrong between the feed and its client; every method says how many connections it hit."""

    def __init__(self, feed: Simulator) -> None:
        self._feed = feed
        self._mute: set[str] = set()
        self._closes_at_once: dict[str, int] = {}
        self._dice = Dice(f"{feed.settings.seed}/faults")

    # Connections

    def drop(self, stream: str, how: Literal["reset", "fin", "clean"] = "reset") -> int:
        """End the connection: TCP reset, FIN without a close frame, or a closing handshake with 1001."""
        if how == "clean":
            return self.close(stream, 1001, "going away")
        clients = self._feed.connected_clients(stream)
        for connection in clients:
            connection.abort(reset=how == "reset")
        return len(clients)

    def close(self, stream: str, code: int, reason: str = "") -> int:
        """Start a closing handshake with this code."""
        clients = self._feed.connected_clients(stream)
        for connection in clients:
            self._feed.spawn(connection.close(code, reason))
        return len(clients)

    def stall(self, stream: str) -> int:
        """Neither read nor send any more, pongs included; the connection stays open and counts as connected."""
        clients = self._feed.connected_clients(stream)
        for connection in clients:
            connection.stall()
        return len(clients)

    def resume(self, stream: str) -> int:
        """End a stall: what waited is handled and sent now."""
        clients = [connection for connection in self._feed.connected_clients(stream) if connection.stalled]
        for connection in clients:
            connection.resume()
        return len(clients)

    def half_open(self, stream: str) -> int:
        """Forget the connection without telling the client: nothing ever comes again.

        The slot is free after `slot_release`.
        """
        clients = self._feed.connected_clients(stream)
        for connection in clients:
            connection.stall()
            on_end, connection.on_end = connection.on_end, None
            if on_end is not None:
                on_end(connection, False)
        return len(clients)

    def accept_then_close(self, stream: str, times: int = 1) -> None:
        """The next `times` connections are let in and dropped at once."""
        self._closes_at_once[stream] = times

    def refuse(self, stream: str, status: int, times: int = 1, *, delay: float = 0.0) -> None:
        """The next `times` attempts are answered with this HTTP status, `delay` seconds late."""
        body = KONG_UNAVAILABLE if status == 503 else ""  # noqa: PLR2004 - as observed
        queue = self._feed.admission.planned.setdefault(stream, deque())
        queue.extend(Refusal(status, body, delay) for _ in range(times))

    def mute_pong(self, stream: str, mute: bool = True) -> None:
        """Whether pings (text or JSON) stay without an answer, while everything else goes on."""
        (self._mute.add if mute else self._mute.discard)(stream)

    def is_mute(self, stream: str) -> bool:
        """Whether `mute_pong` is in force."""
        return stream in self._mute

    def closes_at_once(self, connection: FeedConnection) -> bool:
        """For the server: drop this new connection where `accept_then_close` says so."""
        channel = connection.channel
        left = self._closes_at_once.get(channel.stream.name, 0) if channel is not None else 0
        if channel is None or not left:
            return False
        self._closes_at_once[channel.stream.name] = left - 1
        channel.connections += 1
        connection.abort()
        self._feed.changed()
        return True

    # Frames

    def garbage(self, stream: str, payload: str | bytes, *, text: bool | None = None, cache: bool = False) -> SentFrame:
        """Send something no decoder can use.

        Bytes go as a binary frame unless `text` is true: text that is not UTF-8 makes a correct client close with 1007.
        """
        binary = isinstance(payload, bytes) if text is None else not text
        return self._feed.publish(stream, payload, kind="garbage", binary=binary, cache=cache)

    def duplicate(self, stream: str, index: int = -1, times: int = 1, *, new_id: bool = False) -> list[SentFrame]:
        """Send the frame with this place in `sent` again; `new_id`: under another envelope id."""
        original = self._feed.sent(stream)[index]
        copies = []
        for _ in range(times):
            payload = with_new_id(original.payload, self._dice) if new_id else original.payload
            copies.append(self._feed.publish(stream, payload, kind="duplicate", binary=original.binary))
        return copies

    def oversized(self, stream: str, size: int) -> SentFrame:
        """A good message, blown up to `size` bytes; it stays in the cache, so that a replay brings it again."""
        template: dict[str, Any] = next(
            (facts for frame in reversed(self._feed.sent(stream)) if (facts := parse(frame.payload)) is not None),
            {"data": {}},
        )
        facts = json.loads(json.dumps(template))
        holder = facts.get("data", facts)
        if facts.get("id"):
            facts["id"] = self._dice.uuid()
        if isinstance(facts.get("sequence"), int):
            facts["sequence"] += 1
        holder["padding"] = ""
        bare = len(json.dumps(facts, ensure_ascii=False).encode())
        holder["padding"] = "x" * max(size - bare, 0)
        return self._feed.publish(stream, json.dumps(facts, ensure_ascii=False), cache=True)

    # The replay

    def replay(
        self,
        *,
        new_ids: bool | None = None,
        order: Literal["old-first", "new-first", "shuffled"] | None = None,
        limit: int | None = None,
        pause: float | None = None,
    ) -> None:
        """Change how `replay` is answered from now on; `limit=0` answers with nothing."""
        behaviour = self._feed.replay_behaviour
        if new_ids is not None:
            behaviour.new_ids = new_ids
        if order is not None:
            behaviour.order = order
        if limit is not None:
            behaviour.limit = limit
        if pause is not None:
            behaviour.pause = pause

    def forget(self, stream: str) -> None:
        """Empty the cache, as after a restart of the feed."""
        self._feed.channels[stream].cache.clear()

    async def drop_every(self, stream: str, seconds: float) -> None:
        """Drop the connection again and again; runs until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            self.drop(stream)
