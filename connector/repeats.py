"""What repeats is let through a few times, then counted and told once a while. Pure: the caller brings the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

T = TypeVar("T")


@dataclass(slots=True)
class _Window(Generic[T]):
    until: float
    left: int
    """How many may still pass."""

    held: int = 0
    last: T | None = None


class Repeats(Generic[T]):
    """Of each key, the first `burst` in `window` seconds pass; what is held back comes out of `due` with its count.

    A key that goes on is told once a window from then on; one that was silent for a window begins anew.
    """

    def __init__(self, burst: int, window: float) -> None:
        self._burst = burst
        self._length = window
        self._windows: dict[Hashable, _Window[T]] = {}

    @property
    def next_due(self) -> float | None:
        """When `due` should be asked; None while nothing is held back."""
        held = [window.until for window in self._windows.values() if window.held]
        return min(held, default=None)

    def admit(self, key: Hashable, item: T, now: float) -> bool:
        """Whether `item` passes. Where it does not, it is counted, and stands for those before it."""
        window = self._windows.get(key)
        if window is None or (now >= window.until and not window.held):
            self._forget_quiet(now)
            window = self._windows[key] = _Window(now + self._length, self._burst)
        if window.left:
            window.left -= 1
            return True
        window.held += 1
        window.last = item
        return False

    def due(self, now: float, *, everything: bool = False) -> list[tuple[T, int]]:
        """What was held back in windows that are over by `now`: the last of each key, and how many there were.

        `everything`: also what is not due.
        """
        told: list[tuple[T, int]] = []
        for window in self._windows.values():
            if (everything or window.until <= now) and window.held and window.last is not None:
                told.append((window.last, window.held))
                window.until, window.held, window.last = now + self._length, 0, None
        return told

    def _forget_quiet(self, now: float) -> None:
        for key in [key for key, window in self._windows.items() if window.until <= now and not window.held]:
            del self._windows[key]
