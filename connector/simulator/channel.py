"""What one stream has sent and seen: the cache behind `replay`, the record of every frame, the clients. No sockets."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from connector.simulator.settings import ReplayBehaviour
    from connector.simulator.values import Dice
    from connector.streams import Stream

FrameKind: TypeAlias = Literal["message", "duplicate", "control", "garbage"]
"""What a frame is meant to be: a new message, one sent before, one about the connection, or one nobody can use."""


@dataclass(slots=True)
class SentFrame:
    """One published frame."""

    stream: str
    index: int
    """From 0, in the order of publication on this stream."""

    payload: bytes
    kind: FrameKind = "message"
    binary: bool = False
    mock: bool = False
    sent_at: int = 0
    """Microseconds since the epoch, UTC."""

    delivered: bool = False
    """Whether it was written to a client's socket; the client may still have lost it when it was dropped."""

    connection: int | None = None
    """The client it was meant for, by its place in `Channel.attached`; None where nobody was there."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """One connection attempt."""

    status: int
    """101 where it was let in."""

    at: float
    """Seconds, monotonic."""


class Client(Protocol):
    """A connected client, as far as the channel is concerned."""

    number: int
    """Its place in `Channel.attached`."""

    def wants(self, frame: SentFrame, facts: Mapping[str, Any] | None) -> bool:
        """Whether its filters or subscriptions let the frame through."""

    def put(self, payload: bytes, *, binary: bool = False) -> bool:
        """Write a frame; whether it went to the socket."""


@dataclass(slots=True)
class Channel:
    """One stream of the simulated feed."""

    stream: Stream
    cache_size: int = 100
    history: int | None = None
    clients: list[Client] = field(default_factory=list)
    cache: deque[SentFrame] = field(init=False)
    sent: deque[SentFrame] = field(init=False)
    published: int = 0
    delivered: int = 0
    """Frames written to a socket, replays not counted."""

    replayed: int = 0
    """Frames written in answer to a `replay`."""

    connections: int = 0
    """Clients let in so far."""

    attached: list[int] = field(default_factory=list)
    """When each client that was served came, microseconds since the epoch."""

    most_clients: int = 0
    """The most that were ever connected at once."""

    handshakes: list[Handshake] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    """Text the clients sent, in order."""

    replies: deque[str] = field(default_factory=lambda: deque(maxlen=1000))
    """Text sent in answer to commands: pongs, acknowledgements, audio events; never published."""

    live_calls: dict[str, str] = field(default_factory=dict)
    """Transcripts: call id → symbol of the calls in progress."""

    def __post_init__(self) -> None:
        self.cache = deque(maxlen=self.cache_size)
        self.sent = deque(maxlen=self.history)

    def attach(self, client: Client, at: int) -> None:
        """Let `client` have what is published from now on; `at` in microseconds since the epoch."""
        client.number = len(self.attached)
        self.attached.append(at)
        self.clients.append(client)
        self.connections += 1
        self.most_clients = max(self.most_clients, len(self.clients))

    def detach(self, client: Client) -> None:
        """Forget `client`; twice does no harm."""
        if client in self.clients:
            self.clients.remove(client)

    def publish(self, frame: SentFrame, facts: Mapping[str, Any] | None, *, cache: bool) -> SentFrame:
        """Send a frame to whoever wants it, and keep it for replays."""
        frame.index = self.published
        self.published += 1
        for client in self.clients:
            if client.wants(frame, facts):
                frame.connection = client.number
                frame.delivered = client.put(frame.payload, binary=frame.binary) or frame.delivered
        self.delivered += frame.delivered
        self.sent.append(frame)
        if cache:
            self.cache.append(frame)
        return frame

    def replay(self, behaviour: ReplayBehaviour, dice: Dice) -> list[tuple[SentFrame, bytes]]:
        """The cached frames with the text to send for each, in the order chosen."""
        frames = list(self.cache)[-behaviour.limit :] if behaviour.limit else []
        if behaviour.order == "new-first":
            frames.reverse()
        elif behaviour.order == "shuffled":
            dice.random.shuffle(frames)
        if not behaviour.new_ids:
            return [(frame, frame.payload) for frame in frames]
        return [(frame, with_new_id(frame.payload, dice)) for frame in frames]


def with_new_id(payload: bytes, dice: Dice) -> bytes:
    """The same envelope under another `id`, where it has one."""
    facts = parse(payload)
    if facts is None or not facts.get("id"):
        return payload
    return json.dumps(facts | {"id": dice.uuid()}, ensure_ascii=False, separators=(",", ":")).encode()


def parse(payload: bytes) -> dict[str, Any] | None:
    """The JSON object a frame holds; None where it holds something else."""
    try:
        value = json.loads(payload)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def securities(facts: Mapping[str, Any]) -> Iterable[str]:
    """Every ticker and ISIN a frame names, wherever it names them."""
    for key, value in facts.items():
        if isinstance(value, dict):
            yield from securities(value)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield from securities(item)
                    if key == "stocks" and isinstance(item.get("name"), str):
                        yield item["name"]
                elif key == "securities" and isinstance(item, str):
                    yield item.rpartition(":")[2]
        elif key in {"ticker", "symbol", "isin"} and isinstance(value, str) and value:
            yield value


def channel_names(facts: Mapping[str, Any]) -> set[str]:
    """The news channels of a frame, in either variant."""
    data = facts.get("data")
    content = data.get("content") if isinstance(data, dict) else None
    channels = content.get("channels") if isinstance(content, dict) else None
    if not isinstance(channels, list):
        return set()
    names = (item.get("name") if isinstance(item, dict) else item for item in channels)
    return {name for name in names if isinstance(name, str)}


def passes(facts: Mapping[str, Any] | None, filters: Mapping[str, frozenset[str]]) -> bool:
    """Whether a frame passes a socket's filters: one of the values of each; how the feed combines them is unknown."""
    if facts is None or not filters:
        return True
    named: set[str] | None = None
    for name, wanted in filters.items():
        if name in {"tickers", "isins"}:
            named = set(securities(facts)) if named is None else named
            if not named & wanted:
                return False
        elif name == "channels" and not channel_names(facts) & wanted:
            return False
    return True
