"""What `calls` and `alerts` must come to, worked out independently from frames and records."""

from __future__ import annotations

import json
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tests.support.naive_alerts import NaiveAlerts, Said
from tests.support.naive_join import join

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.support.consume import Record

RULES: list[dict[str, Any]] = [
    {"id": "growth", "any": ["growth", "grew"], "cooldown": 0},
    {"id": "guidance", "any": ["guidance", "outlook"], "none": ["not"], "window": 1, "cooldown": 2_000_000},
    {"id": "money", "regex": [r"[Mm]argin\w*", r"\d+ percent"], "cooldown": 0, "min_confidence": 0.5},
    {"id": "both", "all": ["we", "quarter"], "window": 2, "cooldown": 0},
    {"id": "crossing", "any": ["you the", "thank you good", "the call the"], "cooldown": 0},
]
"""Cooldowns in microseconds."""


def write_rules(file: Path, rules: list[dict[str, Any]] = RULES) -> dict[str, str]:
    """The setting that names a file with `rules`."""
    shown = [rule | {"cooldown": f"{rule['cooldown'] // 1000}ms"} for rule in rules]
    file.write_text(json.dumps({"rules": shown}))  # JSON is YAML
    return {"PROCESSOR__RULES": str(file)}


def latest(records: list[Record]) -> dict[str, dict[str, Any]]:
    """The last revision of each call; every revision is there once, and they count up."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        call = record.decoded
        assert record.key == call["transcript_id"]
        assert call["revision"] == found.get(record.key, {"revision": 0})["revision"] + 1
        found[record.key] = call
    return found


def fell_silent(transcripts: list[Record], idle: float, unsure: float = 2.0) -> dict[str, bool | None]:
    """Whether each call was silent for `idle` seconds before it ended; None where it is too near to be told."""
    heard: dict[str, float] = {}
    over: set[str] = set()
    found: dict[str, bool | None] = {}
    for record in transcripts:
        frame = record.decoded
        name, now = frame["transcript_id"], frame["received_at"].timestamp()
        found.setdefault(name, False)
        gap = now - heard.get(name, now)
        if name not in over and not found[name] and gap > idle - unsure:
            found[name] = True if gap > idle else None
        heard[name] = max(now, heard.get(name, now))
        if (frame["status"] or "").upper().startswith("COMPLETE"):
            over.add(name)
    return found


def check_calls(
    frames: list[bytes], records: list[Record], silent: Mapping[str, bool | None] = MappingProxyType({})
) -> None:
    """Every call's last revision equals a naive join of the frames; `silent`: as `fell_silent` found."""
    wanted, found = join(frames), latest(records)
    assert found.keys() == wanted.keys()
    for name, call in found.items():
        expected = wanted[name]
        assert call["text"] == expected["text"], name
        assert [sentence["sequence"] for sentence in call["sentences"]] == expected["sequences"]
        missing = [n for gap in call["missing"] for n in range(gap["first"], gap["last"] + 1)]
        assert missing == expected["missing"]
        if (idle := silent.get(name, False)) is not None:
            assert call["state"] == ("complete" if expected["ended"] and not idle else "idle")
        assert call["sentence_count"] == len(expected["sequences"])


def all_closed(frames: list[bytes]) -> Callable[[list[Record]], bool]:
    """Whether every call stands on its topic as it must come to."""
    wanted = {name: call["text"] for name, call in join(frames).items()}
    return lambda records: wanted == {record.key: record.decoded["text"] for record in records}


def check_alerts(transcripts: list[Record], alerts: list[Record], at_least: int = 100) -> None:
    """Every alert that a naive matcher finds in the topic's sentences is there, once, and no other."""
    wanted: Counter[tuple[Any, ...]] = Counter()
    matchers: dict[str, NaiveAlerts] = {}
    made: dict[tuple[str, int], Any] = {}
    for record in transcripts:  # in the order of each partition
        frame = record.decoded
        name, sequence = frame["transcript_id"], frame["sequence"]
        created = frame["created_time"]
        text = frame["sentence"]
        if text:
            if created and made.get((name, sequence)) and created < made[name, sequence]:
                continue
            made[name, sequence] = created or made.get((name, sequence))
        said = Said(
            sequence,
            text or None,
            round(frame["received_at"].timestamp() * 1_000_000),
            frame["speaker"],
            frame["confidence"],
            frame["symbol"],
        )
        for alert in matchers.setdefault(name, NaiveAlerts(RULES)).add(said):
            wanted[name, alert["rule_id"], *alert["sequences"], alert["suppressed_before"]] += 1
    found = Counter(
        (
            alert.decoded["transcript_id"],
            alert.decoded["rule_id"],
            *alert.decoded["sequences"],
            alert.decoded["suppressed_before"],
        )
        for alert in alerts
    )
    assert not wanted - found, f"missing: {list((wanted - found).items())[:5]}"
    assert not found - wanted, f"twice or invented: {list((found - wanted).items())[:5]}"
    assert len({alert.key for alert in alerts}) == len(alerts)
    assert len(alerts) >= at_least
