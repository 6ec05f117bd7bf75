"""What a feed is doing, for status pages."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """A feed's state."""

    CONNECTING = "connecting"
    SETTLING = "settling"
    """Connected; replayed and live frames are being merged."""
    LIVE = "live"
    WAITING = "waiting"
    """Between two attempts."""
    REFUSED = "refused"
    """Between two attempts, after a 401 or 403."""
    STOPPED = "stopped"
    """Not started, or ended."""
