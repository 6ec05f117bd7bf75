"""What alerting must remember of a transcript across a restart: what fired, what is held back, and since when."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Final, Self

import msgspec

from connector.errors import DecodeError

MAX_REMEMBERED: Final = 10_000
"""Sentences remembered over all rules of a transcript: about 20 kB written, an hour of a rule that fires on each word.

Beyond it the rule with most of them forgets its earlier half: sentences up to there never fire again.
"""


class _Memory(msgspec.Struct):
    """Of one rule."""

    last: int | None = None
    """`received_at` of the latest alert."""

    suppressed: int = 0
    """Alerts held back since then."""

    floor: int | None = None
    """Sentences up to this one count as fired."""

    fired: set[int] = msgspec.field(default_factory=set)
    held: set[int] = msgspec.field(default_factory=set)
    """Sentences whose alert is in `suppressed`."""

    def size(self) -> int:
        """How many sentences it remembers."""
        return len(self.fired) + len(self.held)

    def forget_half(self) -> int:
        """Forget the earlier sentences: how many."""
        size, known = self.size(), sorted(self.fired | self.held)
        self.floor = floor = known[len(known) // 2]
        self.fired = {sequence for sequence in self.fired if sequence > floor}
        self.held = {sequence for sequence in self.held if sequence > floor}
        return size - self.size()


_NEW: Final = _Memory()


class _Written(msgspec.Struct, array_like=True):
    """As written: sequences in ascending order, each as its distance from the one before."""

    last: int | None = None
    suppressed: int = 0
    floor: int | None = None
    fired: list[int] = []
    held: list[int] = []


_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(dict[str, _Written] | None).decode


class AlertState:
    """Which (rule, sentence) pairs have fired, and the cooldown of each rule."""

    def __init__(self) -> None:
        self._written: dict[str, _Written] = {}
        self._rules: dict[str, _Memory] = {}
        """Those of them that were asked for."""
        self._remembered = 0
        self.changed = False
        """Whether it differs from what was loaded."""

    def has_fired(self, rule_id: str, sequence: int) -> bool:
        """Whether the rule has fired on the sentence."""
        memory = self._memory(rule_id)
        return sequence in memory.fired or (memory.floor is not None and sequence <= memory.floor)

    def is_cooling(self, rule_id: str, received_at: int, cooldown: int) -> bool:
        """Whether an alert for what was received at `received_at` is to be held back; all in microseconds."""
        memory = self._memory(rule_id)
        return memory.last is not None and received_at < memory.last + cooldown

    def hold_back(self, rule_id: str, sequence: int) -> bool:
        """The cooldown holds an alert back; False where that was counted before."""
        memory = self._memory(rule_id)
        if sequence in memory.held:
            return False
        memory.held.add(sequence)
        memory.suppressed += 1
        self._changed(1)
        return True

    def fire(self, rule_id: str, sequence: int, received_at: int) -> int:
        """The rule fires on the sentence: how many alerts were held back since the last one."""
        memory = self._memory(rule_id)
        suppressed = memory.suppressed - (sequence in memory.held)
        released = len(memory.held)
        memory.suppressed = 0
        memory.held.clear()
        memory.fired.add(sequence)
        memory.last = received_at if memory.last is None else max(memory.last, received_at)
        self._changed(1 - released)
        return suppressed

    def dump(self) -> bytes:
        """All of it, as JSON."""
        return _encode(self._written | {name: _write(memory) for name, memory in self._rules.items() if memory != _NEW})

    @classmethod
    def load(cls, dumped: bytes | memoryview) -> Self:
        """What `dump` wrote; `null` is a transcript without alerts. Raises DecodeError where it is something else."""
        try:
            records = _decode(dumped) or {}
        except msgspec.MsgspecError as error:
            raise DecodeError(f"internal.calls: what alerts remember cannot be read: {error}") from error
        state = cls()
        state._written = records
        state._remembered = sum(len(record.fired) + len(record.held) for record in records.values())
        return state

    def _memory(self, rule_id: str) -> _Memory:
        memory = self._rules.get(rule_id)
        if memory is None:
            written = self._written.get(rule_id)
            memory = self._rules[rule_id] = _Memory() if written is None else _read(written)
        return memory

    def _changed(self, more: int) -> None:
        self.changed = True
        self._remembered += more
        if self._remembered > MAX_REMEMBERED:
            memories = [self._memory(rule_id) for rule_id in {**self._written, **self._rules}]
            self._remembered -= max(memories, key=_Memory.size).forget_half()


def _write(memory: _Memory) -> _Written:
    return _Written(memory.last, memory.suppressed, memory.floor, _distances(memory.fired), _distances(memory.held))


def _read(record: _Written) -> _Memory:
    return _Memory(
        record.last, record.suppressed, record.floor, set(accumulate(record.fired)), set(accumulate(record.held))
    )


def _distances(sequences: set[int]) -> list[int]:
    ascending = sorted(sequences)
    return [*ascending[:1], *(later - earlier for earlier, later in pairwise(ascending))]
