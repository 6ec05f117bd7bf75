"""What the simulator sent, to whom, and how much of it certainly arrived. Pure.

A frame that was written to a socket need not have been read: the connection may have been cut, the reader killed. But a
socket is read in order. Where a frame is on a topic, and can have come there only through the connection it was sent
on, everything that was sent on that connection before it has been received as well, and must be there.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.support.oracle import Expected, digest, envelope, is_timed, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.simulator import SentFrame
    from tests.support.consume import Record

MESSAGES = frozenset({"message", "duplicate"})
REPLAYED = "benzinga-replayed"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Case:
    """One stream: what was sent, and what is in Kafka."""

    stream: str
    sent: Sequence[SentFrame]
    attached: Sequence[int]
    """When each connection began, microseconds since the epoch."""

    records: Sequence[Record] = ()
    letters: Sequence[Record] = ()
    """Dead letters of this stream."""

    gaps: Sequence[dict[str, Any]] = ()
    """Of this stream; instants in microseconds since the epoch."""

    partitions: int = 3
    new_ids: bool = False
    """Whether replays came under new ids."""

    reordered: bool = False
    """Whether replays came in another order than the feed's."""

    sources: int = 1
    """How many processes may have a journal of their own."""


@dataclass(frozen=True)
class Sending:
    """One frame that carries a message, as it was sent."""

    index: int
    frame: SentFrame
    item: Expected
    identity: str
    """Equal for frames that are the same message."""


@dataclass
class Hearing:
    """A case with all that can be concluded about what arrived."""

    case: Case
    sendings: list[Sending] = field(default_factory=list)
    garbage: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By digest, where it was sent."""

    received: set[int] = field(default_factory=set)
    """Places in `case.sent` of frames that were certainly received."""

    first_proof: dict[int, int] = field(default_factory=dict)
    """By connection, when the first frame that proves it was read was received (ms)."""

    untimed: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, case: Case) -> Hearing:
        hearing = cls(case)
        for index, frame in enumerate(case.sent):
            if frame.kind in MESSAGES:
                item = sentence(frame.payload) if case.stream == "transcripts" else envelope(frame.payload)
                if case.stream == "transcripts" or not is_timed(case.stream, item.body):
                    hearing.untimed.add(item.fingerprint)
                hearing.sendings.append(Sending(index, frame, item, hearing.identity(item.key, item.fingerprint)))
            elif frame.kind == "garbage":
                hearing.garbage[digest(frame.payload)].append(index)
        hearing._conclude()
        return hearing

    def identity(self, key: str | None, fingerprint: str) -> str:
        """What a record, or a frame, with this key and fingerprint is known by.

        Without a time in its data, a message that is replayed under a new id is another message.
        """
        by_key = fingerprint in self.untimed and not self.case.new_ids
        return f"{fingerprint} {key}" if by_key else fingerprint

    def of_record(self, record: Record) -> str:
        return self.identity(record.key, record.headers["benzinga-fingerprint"])

    def _conclude(self) -> None:
        case = self.case
        times = Counter(sending.identity for sending in self.sendings)
        live = {
            self.of_record(record): record.timestamp_ms for record in case.records if REPLAYED not in record.headers
        }
        letters = {digest(record.value or b""): record.timestamp_ms for record in case.letters}
        proofs: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for sending in self.sendings:
            if times[sending.identity] == 1 and sending.identity in live:
                self._prove(proofs, sending.index, live[sending.identity])
        for name, places in self.garbage.items():
            if len(places) == 1 and name in letters:
                self._prove(proofs, places[0], letters[name])
        last = {connection: max(index for index, _ in found) for connection, found in proofs.items()}
        self.first_proof = {connection: min(at for _, at in found) for connection, found in proofs.items()}
        self.received = {
            index
            for index, frame in enumerate(case.sent)
            if frame.connection is not None and index <= last.get(frame.connection, -1)
        }

    def _prove(self, proofs: dict[int, list[tuple[int, int]]], index: int, received_ms: int) -> None:
        connection = self.case.sent[index].connection
        if connection is None:
            return
        after = self.case.attached[connection + 1 : connection + 2]
        # Received later than the next connection began, it may have come by that one's replay.
        if not after or received_ms < after[0] // 1000:
            proofs[connection].append((index, received_ms))


def ends_call(payload: bytes) -> bool:
    """Whether a sentence is its call's end marker."""
    return str(json.loads(payload).get("status")).upper() in {"COMPLETE", "COMPLETED"}


def instant(value: Any) -> Any:
    """A time of a decoded record in microseconds since the epoch; anything else as it is."""
    return (value - _EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else value
