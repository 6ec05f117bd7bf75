"""The guarantee of the source, checked by name, for a foreign read_committed consumer. Pure.

What is owed, exactly:

- `twice`      No message is on its topic twice; equal garbage is on `dead-letters` once.
- `invented`   Every record and every dead letter was sent by the feed.
- `altered`    A record says what its frame said, under one of the keys that the feed sent it with, in its partition.
- `lost`       What was certainly received (`evidence.py`) is there. No gap excuses this.
- `untold`     What was sent and is not there, and was not certainly received, is told of by `gaps`:
                 enveloped streams: a `no_overlap` or `no_replay` whose two edges lie around it;
                 transcripts: a `sequence` that names it, or a `no_replay` of its transcript, said by the first
                 connection that was read after it was sent. A transcript of which nothing had arrived by then, or whose
                 end had, is owed nothing: nobody could know that it was running.
- `order`      The messages of one record, and the versions of one sentence, stand in the order in which they were sent.
                 Later than that may stand what a replay brought in another order, or a journal kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from connector.kafka.partitioner import partition_for
from tests.chaos.evidence import REPLAYED, Hearing, Sending, ends_call, instant
from tests.chaos.payloads import difference
from tests.support.oracle import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.evidence import Case
    from tests.support.consume import Record

SLACK_US = 50_000
"""Two processes look at one clock, but not in the same instant."""


@dataclass
class Violation:
    """Something that must not be."""

    stream: str
    name: str
    what: str
    history: list[str] = field(default_factory=list)
    at: int = 0
    """About when it happened, microseconds since the epoch; 0: not known."""


def check(case: Case) -> list[Violation]:
    """Everything that is wrong with one stream."""
    hearing = Hearing.of(case)
    stream = _Transcripts(hearing) if case.stream == "transcripts" else _Envelopes(hearing)
    return [*stream.check(), *_dead_letters(hearing)]


class _Stream:
    def __init__(self, hearing: Hearing) -> None:
        self.hearing = hearing
        self.case = hearing.case
        self.by_identity: dict[str, list[Sending]] = defaultdict(list)
        for sending in hearing.sendings:
            self.by_identity[sending.identity].append(sending)
        self.found: dict[str, list[Record]] = defaultdict(list)
        for record in self.case.records:
            self.found[hearing.of_record(record)].append(record)

    def check(self) -> Iterator[Violation]:
        for identity, records in self.found.items():
            if identity not in self.by_identity:
                yield self._violation("invented", f"{records[0].key} was never sent", records=records)
            else:
                yield from self._altered(identity, records)

    def _altered(self, identity: str, records: list[Record]) -> Iterator[Violation]:
        sendings = self.by_identity[identity]
        for record in records:
            same_key = [sending for sending in sendings if sending.item.key == record.key]
            if not same_key and not self.case.new_ids:
                yield self._violation("altered", f"key {record.key} was not sent", sendings, [record])
                continue
            sending = (same_key or sendings)[0]
            if problem := difference(self.case.stream, sending.frame.payload, record):
                yield self._violation("altered", f"{record.key}: {problem}", [sending], [record])
            routing = sending.item.record_id or record.key or ""
            if record.partition != partition_for(routing, self.case.partitions):
                yield self._violation("altered", f"{record.key} is in partition {record.partition}", [sending])

    def _violation(
        self, name: str, what: str, sendings: list[Sending] | None = None, records: list[Record] | None = None
    ) -> Violation:
        case, sendings, records = self.case, sendings or [], records or []
        history = []
        for sending in sendings:
            frame = sending.frame
            began = "" if frame.connection is None else f" (began {case.attached[frame.connection]})"
            history.append(
                f"sent {frame.sent_at} #{sending.index} {frame.kind} key={sending.item.key} "
                f"delivered={frame.delivered} connection={frame.connection}{began} "
                f"received={sending.index in self.hearing.received}"
            )
        history += [
            f"found {record.partition}:{record.offset} key={record.key} received {record.timestamp_ms} ms "
            f"replayed={REPLAYED in record.headers}"
            for record in records
        ]
        at = sendings[0].frame.sent_at if sendings else (records[0].timestamp_ms * 1000 if records else 0)
        history += [f"gap {gap}" for gap in case.gaps if at and abs(gap["detected_at"] - at) < 60_000_000]
        history += [f"connection {n} began {t}" for n, t in enumerate(case.attached) if at and abs(t - at) < 30_000_000]
        return Violation(case.stream, name, what, history, at)


class _Envelopes(_Stream):
    """A stream with ids and a replay."""

    def check(self) -> Iterator[Violation]:
        yield from super().check()
        self._edges = [self._edges_of(gap) for gap in self.case.gaps if gap["reason"] in {"no_overlap", "no_replay"}]
        for identity, sendings in self.by_identity.items():
            records = self.found.get(identity, [])
            untimed = self.case.new_ids and sendings[0].item.fingerprint in self.hearing.untimed
            if len(records) > (len({record.key for record in records}) if untimed else 1):
                yield self._violation(
                    "twice", f"{sendings[0].item.key} is there {len(records)} times", sendings, records
                )
            if records:
                continue
            for sending in sendings:
                if sending.index in self.hearing.received:
                    yield self._violation("lost", f"{sending.item.key} was received", sendings)
                    break
                # What the feed only repeats is not in its replay: the message is told of where it was sent first.
                first = sending.frame.kind == "message"
                if first and not any(low < sending.index < high for low, high in self._edges):
                    yield self._violation("untold", f"{sending.item.key} is missing without a gap", sendings)
                    break
        yield from self._order()

    def _edges_of(self, gap: dict[str, Any]) -> tuple[int, int]:
        """Between which places of `sent` the gap says that something may be missing."""
        detected = gap["detected_at"]
        low = self._places(gap["last_message_id"], gap["last_event_time"], detected)
        high = self._places(gap["first_message_id"], gap["first_event_time"], detected)
        sent_until = max((s.index for s in self.hearing.sendings if s.frame.sent_at <= detected), default=-1) + 1
        return min(low, default=-1), max(high, default=sent_until)

    def _places(self, key: object, event_time: object, detected: int) -> list[int]:
        early = [sending for sending in self.hearing.sendings if sending.frame.sent_at <= detected]
        found = [sending.index for sending in early if key is not None and sending.item.key == key]
        if found or event_time is None:
            return found
        # Under an id that a replay has made up; its time tells which it was.
        records = self.case.records
        written = {self.hearing.of_record(r) for r in records if instant(r.decoded["event_time"]) == event_time}
        return [sending.index for sending in early if sending.identity in written]

    def _order(self) -> Iterator[Violation]:
        last: dict[str, int] = {}
        for record in self.case.records:
            sendings = self.by_identity.get(self.hearing.of_record(record))
            if not sendings:
                continue
            routing = sendings[0].item.routing
            behind = [sending.index for sending in sendings if sending.index > last.get(routing, -1)]
            if behind:
                last[routing] = behind[0]
            elif not (self.case.reordered and REPLAYED in record.headers) and self.case.sources == 1:
                others = [s for s in self.hearing.sendings if s.item.routing == routing and s not in sendings]
                yield self._violation("order", f"{record.key} comes too late", [*sendings, *others], [record])


class _Transcripts(_Stream):
    """The stream without a replay, where a sentence may come in several versions."""

    def check(self) -> Iterator[Violation]:
        yield from super().check()
        by_key: dict[str, list[Sending]] = defaultdict(list)
        for sending in self.hearing.sendings:
            by_key[sending.item.key].append(sending)
        versions: dict[str, list[Record]] = defaultdict(list)
        for record in self.case.records:
            versions[record.key or ""].append(record)
        self._heard: dict[str, list[Record]] = defaultdict(list)
        for record in self.case.records:
            self._heard[(record.key or "").rpartition(":")[0]].append(record)
        for key, sendings in by_key.items():
            yield from self._sentence(key, sendings, versions.get(key, []))

    def _sentence(self, key: str, sendings: list[Sending], records: list[Record]) -> Iterator[Violation]:
        found = [record.headers["benzinga-fingerprint"] for record in records]
        if not follows(sendings, found, set()):
            surplus = Counter(found) - Counter(sending.item.fingerprint for sending in sendings)
            repeated = any(one == other for one, other in pairwise(found))
            if surplus or repeated:
                yield self._violation("twice", f"a version of {key} is there twice", sendings, records)
            elif self.case.sources == 1:
                yield self._violation("order", f"the versions of {key} are not in order", sendings, records)
            return
        if not follows(sendings, found, self.hearing.received):
            yield self._violation("lost", f"a version of {key} was received", sendings, records)
            return
        for sending in sendings:
            present = sending.item.fingerprint in found or sending.index in self.hearing.received
            if not present and not self._told(sending):
                yield self._violation("untold", f"a version of {key} is missing without a gap", sendings, records)
                return

    def _told(self, sending: Sending) -> bool:
        transcript, _, sequence = sending.item.key.rpartition(":")
        sent_at = sending.frame.sent_at
        gaps = [gap for gap in self.case.gaps if gap["transcript_id"] == transcript]
        if any(g["reason"] == "sequence" and g["first_missing"] <= int(sequence) <= g["last_missing"] for g in gaps):
            return True
        proofs = self.hearing.first_proof
        unheard = sending.frame.connection is None
        # A connection that stood already, but had not subscribed yet, is one that was read after it was sent.
        later = [
            c
            for c in sorted(proofs)
            if self.case.attached[c] > sent_at or (unheard and proofs[c] * 1000 + 999 > sent_at)
        ]
        began = self.case.attached[later[0]] if later else 2**63
        read = self.hearing.first_proof[later[0]] * 1000 + 999 if later else 2**63
        # Not before the connection began: whether it was running is what was known without that connection.
        heard = [record for record in self._heard[transcript] if record.timestamp_ms * 1000 < min(began, read)]
        ended = any(
            ends_call(s.frame.payload)
            for record in heard
            for s in self.by_identity.get(self.hearing.of_record(record), ())
        )
        if not heard or ended:
            return True
        return any(
            gap["reason"] == "no_replay" and sent_at - SLACK_US <= gap["connected_at"] <= read + SLACK_US
            for gap in gaps
        )


def follows(sendings: list[Sending], found: list[str], received: set[int]) -> bool:
    """Whether `found` is what comes out where the versions in `received`, and any of the others, were received.

    A version equal to the one before it is no new one; everything else is.
    """
    reached = {0}
    for sending in sendings:
        version, must = sending.item.fingerprint, sending.index in received
        after = set() if must else set(reached)
        for count in reached:
            if count and found[count - 1] == version:
                after.add(count)
            elif count < len(found) and found[count] == version:
                after.add(count + 1)
        reached = after
    return len(found) in reached


def _dead_letters(hearing: Hearing) -> Iterator[Violation]:
    case = hearing.case
    found = Counter(digest(record.value or b"") for record in case.letters)
    for name, count in found.items():
        if name not in hearing.garbage:
            yield Violation(case.stream, "invented", f"dead letter {name} was never sent as garbage")
        elif count > 1:
            yield Violation(case.stream, "twice", f"dead letter {name} is there {count} times")
    for name, places in hearing.garbage.items():
        if name not in found and any(place in hearing.received for place in places):
            frame = case.sent[places[0]]
            yield Violation(case.stream, "lost", f"garbage #{places[0]} {frame.payload[:60]!r}", at=frame.sent_at)
