"""What repeats is logged once, then once in a while, with how often it was held back."""

from __future__ import annotations


class Repeats:
    """Lets each key through at most once in `every` seconds."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._last: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def held_back(self, key: str, now: float) -> int | None:
        """None where `key` is to be held back at `now`; else how often it was since it was last let through."""
        last = self._last.get(key)
        if last is not None and now - last < self._every:
            self._held[key] = self._held.get(key, 0) + 1
            return None
        self._last[key] = now
        return self._held.pop(key, 0)
