"""Messages that cost the sender almost nothing: for measuring what the receiver costs.

A frame is one template into which three numbers and the time of sending are written; it goes to the socket as
bytes that are already framed. Every message has its own ids, so that none is a duplicate, and says in its time
field, to the nanosecond, when it was written: `data.timestamp`, consensus `data.updated_at`, transcripts
`created_time`.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from websockets.protocol import State

from connector.simulator.channel import SentFrame
from connector.simulator.oddities import Oddities
from connector.simulator.traffic import source
from connector.simulator.values import SECOND, rfc3339
from connector.streams import REPLAY_LIMIT, STREAMS, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.simulator.connection import FeedConnection
    from connector.simulator.server import Simulator

_NUMBER: Final = 987_654_321_000_001
_TEXT: Final = "@id@"
_TIME: Final = "@time@"
_MARKS: Final = (_TEXT, str(_NUMBER), _TIME)
_CHUNK: Final = 65_536
"""Bytes written to the socket at once."""

_CALLS: Final = 24
"""Transcripts among which the sentences are spread, so that every partition gets some."""


@dataclass(frozen=True, slots=True)
class Saturation:
    """What was sent, and how fast it could be."""

    stream: str
    sent: int
    """Fewer than asked for where the client went away."""

    seconds: float
    bytes: int
    """Payload, without WebSocket headers."""


class PreparedFrames:
    """Makes the `n`-th message of a stream; each about `size` bytes (None: as the generator has it)."""

    def __init__(self, stream: str, size: int | None = None) -> None:
        frame = _typical(stream)
        transcripts = STREAMS[stream].protocol is Protocol.TRANSCRIPTS
        _pad(frame, stream, size)
        if transcripts:
            frame |= {"transcript_id": _TEXT, "sequence": _NUMBER, "created_time": _TIME, "status": "IN_PROGRESS"}
            self._fill: Callable[[int, bytes], tuple[bytes, ...]] = _transcript_values
        else:
            data = frame["data"]
            data["updated_at" if stream == "consensus" else "timestamp"] = _TIME
            if "id" in frame:
                frame["id"] = f"5f0d7f3e-0000-4000-8000-{_TEXT}"
            if stream == "news":
                data["id"] = data["content"]["id"] = data["content"]["revision_id"] = _NUMBER
            elif stream != "consensus":
                data["id"] = data["content"]["id"] = f"695bdd0f7bad{_TEXT}"
            self._fill = _record_values
        self._parts, self._holes = _split(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))

    def payload(self, n: int, when: bytes) -> bytes:
        """Message `n`, sent at `when` (RFC 3339)."""
        values = self._fill(n, when)
        pieces = [self._parts[0]]
        for hole, part in zip(self._holes, self._parts[1:], strict=True):
            pieces += (values[hole], part)
        return b"".join(pieces)


def wire(payload: bytes) -> bytes:
    """A server's text frame around `payload` (RFC 6455 §5.2: FIN, opcode 1, no mask)."""
    size = len(payload)
    if size < 126:  # noqa: PLR2004
        return struct.pack("!BB", 0x81, size) + payload
    if size < 65_536:  # noqa: PLR2004
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


async def saturate(
    feed: Simulator, stream: str, count: int, *, rate: float = 0.0, size: int | None = None, first: int = 0
) -> Saturation:
    """Send `count` prepared messages to the one client of `stream`, at `rate` a second or as fast as it takes them.

    Transcripts go to clients that have subscribed to everything. Neither `sent` nor the record holds these frames;
    the last ones are in the cache for `replay`.
    """
    frames = PreparedFrames(stream, size)
    await feed.until(lambda: any(_ready(client) for client in feed.connected_clients(stream)))
    client = next(client for client in feed.connected_clients(stream) if _ready(client))
    began, sent, written = time.perf_counter(), 0, 0
    clock = _Stamp()
    chunk: list[bytes] = []
    pending = 0
    while sent < count and _open(client):
        payload = frames.payload(first + sent, clock.now())
        chunk.append(wire(payload))
        sent += 1
        pending += len(payload)
        if count - sent < REPLAY_LIMIT:
            feed.channels[stream].cache.append(SentFrame(stream, first + sent - 1, payload))
        if rate or pending >= _CHUNK or sent == count:
            client.transport.write(b"".join(chunk))
            written += pending
            chunk, pending = [], 0
            await client.drain()
            if rate:
                await asyncio.sleep(max(began + sent / rate - time.perf_counter(), 0))
    feed.channels[stream].published += sent
    feed.channels[stream].delivered += sent
    return Saturation(stream, sent, time.perf_counter() - began, written)


class _Stamp:
    """The time as RFC 3339 with nine digits, strictly increasing, without formatting the date each time."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = b""
        self._last = 0

    def now(self) -> bytes:
        self._last = instant = max(time.time_ns(), self._last + 1)
        second, fraction = divmod(instant, SECOND)
        if second != self._second:
            self._second, self._prefix = second, rfc3339(second * SECOND)[:-1].encode()
        return b"%b.%09dZ" % (self._prefix, fraction)


def _ready(client: FeedConnection) -> bool:
    return client.session is None or client.session.wants("*", mock=False)


def _open(client: FeedConnection) -> bool:
    return client.protocol.state is State.OPEN and not client.transport.is_closing()


def _typical(stream: str) -> dict[str, Any]:
    """A message without oddities."""
    frames = source(stream, 0, Oddities.clean())
    made = max((frames.next(datetime.now(UTC)).text for _ in range(40)), key=len)
    frame: dict[str, Any] = json.loads(made)
    if stream != "transcripts" and "content" in frame["data"]:
        frame["data"]["action"] = "Created" if stream == "news" else "created"
    return frame


def _pad(frame: dict[str, Any], stream: str, size: int | None) -> None:
    """Lengthen, or shorten as far as it goes, the stream's longest text."""
    if size is None:
        return
    holder, name = {
        "insights": ("content", "analyst_insights"),
        "ratings": ("content", "notes"),
        "earnings": ("content", "notes"),
        "bulls-bears": ("content", "bull_case"),
        "news": ("content", "body"),
        "consensus": ("data", "note"),
        "transcripts": ("frame", "sentence"),
    }[stream]
    target = frame if holder == "frame" else frame["data"]["content"] if holder == "content" else frame["data"]
    missing = size - len(json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode())
    text = target.get(name, "")
    target[name] = text + (" and so on" * (missing // 10 + 1))[:missing] if missing > 0 else text[:missing]


def _split(text: str) -> tuple[list[bytes], list[int]]:
    """The constant parts of a template, and which value stands between each two."""
    pieces = re.split(f"({'|'.join(_MARKS)})", text)
    return [piece.encode() for piece in pieces[::2]], [_MARKS.index(mark) for mark in pieces[1::2]]


def _record_values(n: int, when: bytes) -> tuple[bytes, bytes, bytes]:
    return b"%012x" % n, b"%d" % (100_000_000 + n), when


def _transcript_values(n: int, when: bytes) -> tuple[bytes, bytes, bytes]:
    sequence, call = divmod(n, _CALLS)
    return b"19a052dd-59fa-4217-bf40-%012x" % call, b"%d" % sequence, when
