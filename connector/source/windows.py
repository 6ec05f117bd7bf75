"""Which messages are known: the dedup windows.

Pure: the topic's tail fills a window at take-over, every admitted message enters it, the oldest leave it.
Rules: contract §3, "Same message".
"""

from __future__ import annotations

from collections import OrderedDict, deque
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from connector.messages import Message


class Verdict(Enum):
    """What a window says of a message."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    """New, but the feed has used its id for another content before: published, counted and logged."""


class Window(Protocol):
    """What is known of one topic."""

    def check(self, partition: int, message: Message) -> Verdict:
        """Say whether `message` is known."""
        ...

    def add(self, partition: int, key: str, fingerprint: bytes) -> None:
        """Make a message known; the partition's oldest is forgotten where the window is full."""
        ...

    def __len__(self) -> int: ...


class EnvelopeWindow:
    """The window of an enveloped stream: message ids, and fingerprints where the data carries a time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._order: dict[int, deque[tuple[str, bytes]]] = {}
        self._contents: dict[str, bytes | list[bytes]] = {}
        """By id, its fingerprints: nearly always one, so that no list is kept for it."""
        self._fingerprints: dict[bytes, int] = {}
        """How many entries have this fingerprint."""

    def __len__(self) -> int:
        return sum(map(len, self._order.values()))

    def check(self, partition: int, message: Message) -> Verdict:  # noqa: ARG002 - the same for every window
        """Say whether `message` is known."""
        fingerprint = bytes.fromhex(message.fingerprint)
        known = self._contents.get(message.message_id)
        if known == fingerprint or (isinstance(known, list) and fingerprint in known):
            return Verdict.DUPLICATE
        if message.has_time and fingerprint in self._fingerprints:
            return Verdict.DUPLICATE
        if known is None:
            return Verdict.NEW
        return Verdict.CONFLICT if message.has_feed_id else Verdict.DUPLICATE

    def add(self, partition: int, key: str, fingerprint: bytes) -> None:
        """Make a message known; the partition's oldest is forgotten where the window is full."""
        known = self._contents.get(key)
        if known is None:
            self._contents[key] = fingerprint
        elif isinstance(known, list):
            known.append(fingerprint)
        else:
            self._contents[key] = [known, fingerprint]
        self._fingerprints[fingerprint] = self._fingerprints.get(fingerprint, 0) + 1
        order = self._order.setdefault(partition, deque())
        order.append((key, fingerprint))
        if len(order) > self._size:
            self._forget(*order.popleft())

    def _forget(self, key: str, fingerprint: bytes) -> None:
        known = self._contents[key]
        if isinstance(known, list):
            known.remove(fingerprint)
            if len(known) == 1:
                self._contents[key] = known[0]
        else:
            del self._contents[key]
        count = self._fingerprints[fingerprint] - 1
        if count:
            self._fingerprints[fingerprint] = count
        else:
            del self._fingerprints[fingerprint]


class TranscriptWindow:
    """The window of transcripts: the last published version of each sentence."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._last: dict[int, OrderedDict[str, bytes]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._last.values()))

    def check(self, partition: int, message: Message) -> Verdict:
        """Say whether `message` is the last known version of its sentence."""
        last = self._last.get(partition)
        known = last.get(message.message_id) if last is not None else None
        return Verdict.DUPLICATE if known == bytes.fromhex(message.fingerprint) else Verdict.NEW

    def add(self, partition: int, key: str, fingerprint: bytes) -> None:
        """Make a version the last one; the sentence touched longest ago is forgotten where the window is full."""
        last = self._last.setdefault(partition, OrderedDict())
        last[key] = fingerprint
        last.move_to_end(key)
        if len(last) > self._size:
            last.popitem(last=False)


class FingerprintWindow:
    """The window of frames that have no id: dead letters, and frames that are too large to keep."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def is_new(self, fingerprint: bytes) -> bool:
        """Say whether `fingerprint` is not known."""
        return fingerprint not in self._known

    def add(self, fingerprint: bytes) -> None:
        """Make `fingerprint` known; the oldest is forgotten where the window is full."""
        self._known[fingerprint] = None
        self._known.move_to_end(fingerprint)
        if len(self._known) > self._size:
            self._known.popitem(last=False)
