"""Who is let in: path, key, licence, and one connection per key and stream (fact sheet §1.1). No sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from connector.streams import STREAMS, Stream

if TYPE_CHECKING:
    from collections import deque

    from connector.simulator.settings import SimulatorSettings

_BY_PATH: Final = {stream.path: stream for stream in STREAMS.values()}
KONG_UNAVAILABLE: Final = '{"message":"failure to get a peer from the ring-balancer"}'


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer instead of a WebSocket."""

    status: int
    body: str = ""
    delay: float = 0.0
    """Seconds before it is sent."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A client that may come in, and the slot it takes."""

    stream: Stream
    slot: tuple[str, ...]
    filters: dict[str, frozenset[str]]


@dataclass(slots=True)
class Admission:
    """Decides on handshakes."""

    settings: SimulatorSettings
    taken: dict[tuple[str, ...], int] = field(default_factory=dict)
    """Slot → connections on it."""

    planned: dict[str, deque[Refusal]] = field(default_factory=dict)
    """Stream → refusals for its next attempts, whatever the key."""

    def stream_of(self, target: str) -> Stream | None:
        """The stream of a request's target; None where there is none at that path."""
        return _BY_PATH.get(urlsplit(target).path)

    def decide(self, target: str) -> Admitted | Refusal:
        """Judge one request; an admitted one holds its slot from now on, until `release`."""
        stream = self.stream_of(target)
        if stream is None:
            return Refusal(502, '{"message":"An invalid response was received from the upstream server"}')
        if planned := self.planned.get(stream.name):
            return planned.popleft()
        query = parse_qs(urlsplit(target).query)
        token = query.get("token", [""])[0]
        if token != self.settings.token and token not in self.settings.other_tokens:
            return Refusal(401, '{"message":"Unauthorized"}')
        if stream.name in self.settings.unlicensed:
            return Refusal(403, '{"message":"Forbidden"}')
        slot = (token,) if self.settings.connection_limit == "key" else (token, stream.name)
        if self.taken.get(slot) and self.settings.connection_limit != "none":
            return Refusal(429, delay=self.settings.refusal_delay)
        self.taken[slot] = self.taken.get(slot, 0) + 1
        filters = {
            name: frozenset(part for value in values for part in value.split(",") if part)
            for name, values in query.items()
            if name in stream.filters
        }
        return Admitted(stream, slot, filters)

    def release(self, slot: tuple[str, ...]) -> None:
        """Let the next one in."""
        left = self.taken.get(slot, 0) - 1
        if left > 0:
            self.taken[slot] = left
        else:
            self.taken.pop(slot, None)
