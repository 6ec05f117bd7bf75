"""What operators look at: a status page, metrics and health, from a thread of its own."""

from __future__ import annotations

from connector.http.health import Health
from connector.http.server import HttpServer

__all__ = ["Health", "HttpServer"]
