"""The catalogue: what is known of each stream, in one place.

Source: fact sheet §1 (connection), §3 (paths and filters). A stream's *fields* are not here:
they live in `schemas/<name>.avsc` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final


class Protocol(Enum):
    """How a socket is spoken to."""

    ENVELOPE = "envelope"
    """Text commands `ping` and `replay`; every message in the common envelope (fact sheet §1.3, §2)."""

    TRANSCRIPTS = "transcripts"
    """JSON commands, in-band subscriptions, no replay, flat messages (fact sheet §3.7)."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One Benzinga stream, which is one socket, one topic and one schema."""

    name: str
    """Name in settings, metrics and headers; the topic is `<prefix>.<name>`, the schema `schemas/<name>.avsc`."""

    path: str
    """Path of the socket, below `feed.url`."""

    filters: frozenset[str]
    """Query parameters the feed allows besides the token."""

    idle_after: timedelta
    """Silence, counted only while US markets are active, after which the socket is worth replacing."""

    protocol: Protocol = Protocol.ENVELOPE
    time_field: str = "timestamp"
    """The field of `data` that says when the event happened."""

    content_inline: bool = False
    """Whether the record's fields may sit directly in `data` (consensus, fact sheet §3.3)."""

    @property
    def has_replay(self) -> bool:
        """Whether the feed can repeat its last 100 messages."""
        return self.protocol is Protocol.ENVELOPE


_SECURITY_FILTERS: Final = frozenset({"tickers", "isins"})

_CATALOGUE: Final = (
    Stream("insights", "/api/v1/analyst/insights/stream", _SECURITY_FILTERS, timedelta(hours=12)),
    Stream("ratings", "/api/v2.1/calendar/ratings/stream", _SECURITY_FILTERS, timedelta(hours=6)),
    Stream(
        "consensus",
        "/api/v1/consensus-ratings/stream",
        _SECURITY_FILTERS | {"simplify", "aggregate_type"},
        timedelta(hours=12),
        time_field="updated_at",
        content_inline=True,
    ),
    Stream("earnings", "/api/v2.1/calendar/earnings/stream", _SECURITY_FILTERS, timedelta(hours=12)),
    Stream("bulls-bears", "/api/v1/bulls_bears_say/stream", _SECURITY_FILTERS, timedelta(hours=24)),
    Stream("news", "/api/v1/news/stream", frozenset({"tickers", "channels"}), timedelta(hours=1)),
    Stream(
        "transcripts",
        "/api/v1/transcripts/stream",
        frozenset(),
        timedelta(hours=24),
        protocol=Protocol.TRANSCRIPTS,
    ),
)

STREAMS: Final[dict[str, Stream]] = {stream.name: stream for stream in _CATALOGUE}
"""Every stream by name, in the order in which settings and screens list them."""

REPLAY_LIMIT: Final = 100
"""The most messages a `replay` brings back (fact sheet §1.3)."""
