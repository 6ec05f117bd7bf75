"""The join of a transcript written as simply as possible, from the frames alone: what `calls` must come to."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ZERO = "0001-01-01T00:00:00Z"


def made_at(frame: dict[str, Any]) -> datetime | None:
    text = frame.get("created_time")
    return None if not text or text == ZERO else datetime.fromisoformat(text)


def join(frames: Iterable[bytes]) -> dict[str, dict[str, Any]]:
    """By transcript id: `text`, `sequences`, `missing` and whether an end marker came."""
    versions: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    heard: dict[str, set[int]] = defaultdict(set)
    ended: set[str] = set()
    for payload in frames:
        frame = json.loads(payload)
        name, sequence = frame["transcript_id"], int(frame["sequence"])
        heard[name].add(sequence)
        if str(frame.get("status") or "").upper() in {"COMPLETE", "COMPLETED"}:
            ended.add(name)
        if not frame.get("sentence"):
            continue
        known = versions[name].get(sequence)
        if known is not None:
            old, new = made_at(known), made_at(frame)
            if old is not None and new is not None and new < old:
                continue
        versions[name][sequence] = frame
    return {
        name: {
            "text": " ".join(versions[name][n]["sentence"] for n in sorted(versions[name])),
            "sequences": sorted(versions[name]),
            "missing": sorted(set(range(max(heard[name]) + 1)) - heard[name]),
            "ended": name in ended,
        }
        for name in heard
    }
