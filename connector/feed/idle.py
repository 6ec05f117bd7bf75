"""The idle watchdog: silence after which a socket is worth replacing, though it still answers pings."""

from __future__ import annotations


class IdleWatch:
    """The silence of one stream, across its connections.

    Only silence while US markets are active is handed to `elapsed`. A replacement that brings nothing new shows
    that the market is quiet, not the socket dead: it doubles the patience, until a message arrives.
    """

    def __init__(self, after: float) -> None:
        """Begin with a patience of `after` seconds."""
        self._after = after
        self._patience = after
        self._silence = 0.0

    @property
    def patience(self) -> float:
        """Seconds of silence that are borne for now."""
        return self._patience

    def connected(self) -> None:
        """A new socket has not been silent yet."""
        self._silence = 0.0

    def message(self) -> None:
        """A message arrived that is not a replayed one."""
        self._silence = 0.0
        self._patience = self._after

    def elapsed(self, seconds: float) -> bool:
        """Add `seconds` of silence; whether the socket is to be replaced now."""
        self._silence += seconds
        if self._silence < self._patience:
            return False
        self._silence = 0.0
        self._patience *= 2
        return True
