"""Common to the six enveloped streams: the envelope, the life of a record, and the oddities they share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from connector.simulator.control_frames import control_frame, garbage_frame
from connector.simulator.values import Dice, EventClock

if TYPE_CHECKING:
    from datetime import datetime

    from connector.simulator.channel import FrameKind
    from connector.simulator.oddities import Oddities

_ACTIONS: Final = {
    "created": ("created", "Created"),
    "updated": ("updated", "Updated"),
    "deleted": ("deleted", "Deleted", "Removed", "removed"),
}
_DECIMAL_PLACES_KEPT: Final = 15  # more digits than a double holds would be altered by sending them as a number


@dataclass(frozen=True, slots=True)
class Generated:
    """One generated frame."""

    text: str
    kind: FrameKind = "message"


@dataclass(slots=True)
class Record:
    """Something the feed knows and may update or delete."""

    event_id: str | int
    """`data.id`."""

    content: dict[str, Any]
    version: int = 0


class RecordSource(ABC):
    """An endless, seeded stream of frames; `now` comes from outside, so that the same calls give the same frames."""

    kind: ClassVar[str]
    """The envelope's `kind`."""

    required: ClassVar[frozenset[str]] = frozenset({"id"})
    """Fields of the content that are always there."""

    decimals: ClassVar[frozenset[str]] = frozenset()
    """Fields that hold a decimal in a string."""

    integers: ClassVar[frozenset[str]] = frozenset()
    """Fields that hold a number which older pages call a string."""

    def __init__(self, seed: int | str, oddities: Oddities) -> None:
        self.dice = Dice(seed)
        self.odd = oddities
        self.clock = EventClock()
        self.records: deque[Record] = deque(maxlen=40)
        self._past: deque[dict[str, Any]] = deque(maxlen=20)

    @abstractmethod
    def create(self, now: datetime) -> Record:
        """A new record."""

    @abstractmethod
    def update(self, record: Record, now: datetime) -> None:
        """Change a record's content in place."""

    def next(self, now: datetime) -> Generated:
        """The next frame of the stream."""
        dice = self.dice
        if self.odd.garbage and dice.chance(0.02):
            return Generated(garbage_frame(dice), "garbage")
        if self.odd.control_frames and dice.chance(0.03):
            return Generated(control_frame(dice), "control")
        if self.odd.duplicates and self._past and dice.chance(0.04):
            return Generated(self._again(dice.pick(self._past)), "duplicate")
        frame = self.event(now)
        if self.odd.id_conflicts and self._past and frame.get("id") and dice.chance(0.01):
            earlier = dice.pick(self._past)
            if earlier.get("id"):
                frame["id"] = earlier["id"]
        self._past.append(frame)
        return Generated(self.write(frame))

    def event(self, now: datetime) -> dict[str, Any]:
        """Something happens to a record: the frame that says so."""
        roll = self.dice.random.random()
        if not self.records or roll < 0.7:  # noqa: PLR2004
            record, action = self.create(now), "created"
            self.records.append(record)
        elif roll < 0.93:  # noqa: PLR2004
            record, action = self.dice.pick(self.records), "updated"
            record.version += 1
            self.update(record, now)
        else:
            record, action = self.dice.pick(self.records), "deleted"
            self.records.remove(record)
        return self.envelope(record, action, now)

    def envelope(self, record: Record, action: str, now: datetime) -> dict[str, Any]:
        """The frame around a record."""
        data: dict[str, Any] = {
            "action": self.action(action),
            "id": record.event_id,
            "timestamp": self.timestamp(now),
        }
        content: dict[str, Any] | None = self.dress(dict(record.content))
        if action == "deleted" and self.odd.deletions_without_content:
            form = self.dice.pick(("absent", "null", "full", "absent"))
            content = content if form == "full" else None
            if form != "absent":
                data["content"] = content
        else:
            data["content"] = content
        return self.wrap(data)

    def wrap(self, data: dict[str, Any]) -> dict[str, Any]:
        """The top level around `data`."""
        frame: dict[str, Any] = {"id": self.dice.uuid(), "api_version": "websocket/v1", "kind": self.kind, "data": data}
        if self.odd.missing_ids and self.dice.chance(0.15):
            form = self.dice.integer(0, 3)
            if form == 0:
                del frame["id"]
            else:
                frame["id"] = (None, "", self.dice.random.getrandbits(48))[form - 1]
        if self.odd.unknown_fields and self.dice.chance(0.1):
            frame["delivery"] = {"attempt": 1, "region": self.dice.pick(("us-east-1", "us-west-2"))}
            data["source_system"] = self.dice.pick(("cms", None, 7, ["a", {"b": 1.5}]))
        return frame

    def has_time(self, frame: dict[str, Any]) -> bool:
        """Whether equal `data` under another id is certainly the same message, because it carries the event's time."""
        return bool(frame["data"].get("timestamp"))

    def action(self, action: str) -> str:
        """The action in one of its spellings."""
        return self.dice.pick(_ACTIONS[action]) if self.odd.action_case else action

    def timestamp(self, now: datetime) -> str:
        """The event's time; strictly increasing over the stream."""
        return self.clock.write(now, self.dice, (0, 3, 9) if self.odd.fraction_digits else (3,))

    def dress(self, content: dict[str, Any]) -> dict[str, Any]:
        """Apply what may befall any content."""
        if self.odd.string_numbers and self.dice.chance(0.3):
            self._swap_types(content)
        if self.odd.missing_values and self.dice.chance(0.3):
            self._leave_out(content)
        if self.odd.unknown_fields and self.dice.chance(0.1):
            self._add_unknown(content)
        return content

    def _swap_types(self, content: dict[str, Any]) -> None:
        """Numbers as strings, and one decimal as a number."""
        for name in self.integers & content.keys():
            if content[name] is not None:
                content[name] = str(content[name])
        name = self.dice.pick(sorted(self.decimals)) if self.decimals else ""
        value = content.get(name)
        if isinstance(value, str) and value and len(value) < _DECIMAL_PLACES_KEPT:
            content[name] = float(value) if "." in value else int(value)

    def _leave_out(self, content: dict[str, Any]) -> None:
        """Some optional fields as `""`, null or absent."""
        for name in self.dice.sample(sorted(content.keys() - self.required), 3):
            form = self.dice.pick(("", None, ...))
            if form is ...:
                del content[name]
            else:
                content[name] = form

    def _add_unknown(self, content: dict[str, Any]) -> None:
        """Fields nobody documented, also inside the securities."""
        dice = self.dice
        content["x_score"] = dice.pick((0.25, "high", None, {"v": [1, 2, {"w": True}]}, [], ""))
        content["1d_change"] = dice.decimal(-5, 5)
        for nested in ("security", "securities", "stocks"):
            inside = content.get(nested)
            target = inside[0] if isinstance(inside, list) and inside else inside
            if isinstance(target, dict):
                content[nested] = _with(inside, target | {"figi": f"BBG{dice.random.getrandbits(36):09X}"})

    def write(self, frame: dict[str, Any]) -> str:
        """The frame as JSON text."""
        if self.odd.key_order and self.dice.chance(0.5):
            frame = shuffled(frame, self.dice)
        return spell(frame, self.dice, odd=self.odd.spelling)

    def _again(self, frame: dict[str, Any]) -> str:
        """An earlier message once more: equal text is not needed, equal `data` is."""
        form = self.dice.integer(0, 2)
        if form == 0:
            return self.write(frame)
        if form == 1:
            return spell(shuffled(frame, self.dice), self.dice, odd=True)
        return self.write(frame | {"id": self.dice.uuid()} if self.has_time(frame) and frame.get("id") else frame)


def _with(inside: Any, changed: dict[str, Any]) -> Any:
    return [changed, *inside[1:]] if isinstance(inside, list) else changed


def shuffled(value: Any, dice: Dice) -> Any:
    """The same JSON value with the keys of every object in another order."""
    if isinstance(value, dict):
        keys = list(value)
        dice.random.shuffle(keys)
        return {key: shuffled(value[key], dice) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, dice) for item in value]
    return value


def spell(frame: dict[str, Any], dice: Dice, *, odd: bool) -> str:
    """JSON text: compact, or (`odd`) sometimes spaced, sometimes escaped as Go or as Python do."""
    form = dice.integer(0, 3) if odd else 0
    if form == 1:
        return json.dumps(frame, ensure_ascii=False)
    text = json.dumps(frame, ensure_ascii=form == 2, separators=(",", ":"))  # noqa: PLR2004
    if form == 3:  # noqa: PLR2004
        # Go's encoder escapes these inside strings, and they stand nowhere else.
        text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return text
