"""The feed side: one WebSocket a stream, kept open, its frames handed to a `Sink`.

`session` (one connection), `backoff`, `retry`, `idle` and `market_hours` decide and are pure;
`connection` carries the bytes.
"""

from __future__ import annotations

from connector.feed.connection import Feed
from connector.feed.sink import Sink
from connector.feed.state import State

__all__ = ["Feed", "Sink", "State"]
