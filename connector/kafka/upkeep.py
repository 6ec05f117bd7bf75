"""Which differing topic configurations may be set right without losing anything.

Pure. Nothing that is kept now may be deleted sooner, nothing that is taken now may be refused.
"""

from __future__ import annotations

from typing import Final

_MORE_IS_SAFE: Final = frozenset(
    {
        "retention.ms",
        "retention.bytes",
        "local.retention.ms",
        "local.retention.bytes",
        "delete.retention.ms",
        "min.compaction.lag.ms",
        "max.compaction.lag.ms",
        "max.message.bytes",
        "min.insync.replicas",
    }
)
"""A greater value keeps or takes more."""

_UNLIMITED: Final = frozenset({"retention.ms", "retention.bytes"})
"""Where -1 is without limit (of `local.*`, -2 is "as retention")."""

_ANY_IS_SAFE: Final = frozenset(
    {"compression.type", "segment.bytes", "segment.ms", "index.interval.bytes", "min.cleanable.dirty.ratio"}
)
"""How records are stored, not whether."""

_BY_HAND: Final = "set it with kafka-configs, or let the settings say what is there"


def objection(key: str, actual: str | None, wanted: str, replicas: int) -> str | None:
    """Why `key` may not be set from `actual` to `wanted` on a topic with so many replicas; None where it may."""
    if key in _ANY_IS_SAFE:
        return None
    if key not in _MORE_IS_SAFE:
        return f"that may delete records, so that it is not done here; {_BY_HAND}"
    before, after = _number(key, actual), _number(key, wanted)
    if before is None or after is None:
        return "one of the two is no number"
    if after < before:
        return f"lowering it gives up what is kept or promised now, so that it is not done here; {_BY_HAND}"
    if key == "min.insync.replicas" and after > replicas:
        return f"the topic has {replicas} replicas, so that no write would be accepted any more"
    return None


def _number(key: str, text: str | None) -> float | None:
    try:
        number = float(int(text or ""))
    except ValueError:
        return None
    return float("inf") if number == -1 and key in _UNLIMITED else number
