"""Merging what a replay brings with what arrives live meanwhile: the settle window.

The feed does not say in which order a replay comes, nor where it ends (fact sheet §1.3), so that what arrives within
the settle time is put in the order of the events. Frames without a time keep their place of arrival (contract §4.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def in_event_order(arrived: Sequence[T], event_time: Callable[[T], int | None]) -> list[T]:
    """`arrived` with its timed items sorted among the places that timed items hold; equal times stay as they came."""
    timed = sorted((item for item in arrived if event_time(item) is not None), key=lambda item: event_time(item) or 0)
    ordered = iter(timed)
    return [item if event_time(item) is None else next(ordered) for item in arrived]
