"""Joining against a join written as simply as possible, over everything that was ever sent.

The machine receives sentences, lets time pass, reads them late or at once, commits, crashes. Whatever it does, the
last revisions, the states, the counts and the dead letters are those of the log alone; every revision is published
once; and after each commit a joiner rebuilt from the topics is the one that is running.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connector.processor import ledger
from connector.processor.call import JoinSettings
from connector.processor.effects import Added, Effect, PublishCall, Reload, SaveEntry, TooLate
from connector.processor.joiner import Joiner
from tests.support.sentences import START, sentence

if TYPE_CHECKING:
    from connector.processor.sentence import Sentence

GRACE, IDLE, LONGEST, KEEP, REMEMBER = 10, 60, 300, 500, 10**12


class Naive:
    """One transcript, looked at with everything known that was ever sent."""

    def __init__(self, log: list[Sentence], now: int) -> None:
        self.outcomes: list[str] = []
        self.state: str | None = None
        self.taken: list[Sentence] = []
        self.closed_with = 0
        closed_at = 0
        for one in log:
            if self.state is None and self.taken and self.closing()[0] <= one.received_at:
                closed_at, self.state = self.closing()
                self.closed_with = len(self.taken)
            if self.state is not None and closed_at + KEEP <= one.received_at:
                self.outcomes.append("late")
                continue
            before = self.best()
            known = {other.sequence for other in self.taken}
            self.taken.append(one)
            if one.sequence not in known or (has_text(one) and one.sequence not in before):
                self.outcomes.append("joined")
            else:
                self.outcomes.append("corrected" if self.best() != before else "duplicate")
        if self.state is None and self.taken and self.closing()[0] <= now:
            self.state = self.closing()[1]
            self.closed_with = len(self.taken)

    def closing(self) -> tuple[int, str]:
        ended = [one.received_at for one in self.taken if one.ends]
        if ended:
            return ended[0] + GRACE, "complete"
        return min((self.taken[-1].received_at + IDLE, "idle"), (self.taken[0].received_at + LONGEST, "max_duration"))

    def best(self) -> dict[int, str]:
        """The text that holds of every sequence."""
        holds: dict[int, Sentence] = {}
        for one in filter(has_text, self.taken):
            other = holds.get(one.sequence)
            if other is None or None in {one.created_time, other.created_time} or not is_older(one, other):
                holds[one.sequence] = one
        return {sequence: str(one.text) for sequence, one in sorted(holds.items())}

    def missing(self) -> set[int]:
        heard = {one.sequence for one in self.taken}
        return set(range(max(heard, default=0))) - heard


def has_text(one: Sentence) -> bool:
    return bool(one.text and one.text.strip())


def is_older(one: Sentence, other: Sentence) -> bool:
    return (one.created_time or 0) < (other.created_time or 0)


def dump(joiner: Joiner) -> dict[str, Any]:
    """Everything about a joiner that decides what it will do, but for what a `Reload` brings back."""
    found: dict[str, Any] = {"deadline": joiner.next_deadline(), "open": joiner.open_calls}
    for name, call in sorted(joiner._calls.items()):
        transcript = call.transcript
        found[name] = [ledger.encode(call.entry), call.deadline]
        if call.is_open and transcript is not None:
            found[name] += [
                call.snapshot_at(),
                transcript.changes - call._published_changes,
                {slot: getattr(transcript, slot) for slot in transcript.__slots__ if slot != "changes"},
            ]
    return found


class Joining(RuleBasedStateMachine):
    """One partition, its topics as lists, and a processor that lags, commits and crashes."""

    @initialize(snapshots=st.sampled_from([(0, 0), (3, 0), (0, 20), (2, 15)]))
    def start(self, snapshots: tuple[int, int]) -> None:
        self.settings = JoinSettings(GRACE, IDLE, LONGEST, KEEP, *snapshots, REMEMBER)
        self.now = START
        self.log: list[Sentence] = []
        self.position = 0
        self.committed = 0
        self.entries: dict[str, bytes] = {}
        self.published: list[PublishCall] = []
        self.late: list[int] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.pending: list[Effect] = []
        self.pending_outcomes: list[tuple[str, str]] = []
        self.joiner = Joiner(3, self.settings)

    @rule(
        name=st.sampled_from("ab"),
        sequence=st.integers(-1, 5),
        text=st.sampled_from(["x", "y", "x", None, " "]),
        created=st.sampled_from([None, None, 1, 2, 3]),
        status=st.sampled_from(["IN_PROGRESS"] * 6 + ["COMPLETE", "completed"]),
    )
    def receive(self, name: str, sequence: int, text: str | None, created: int | None, status: str) -> None:
        fields = {"transcript_id": name, "created_time": created, "status": status, "offset": len(self.log)}
        one = sentence(sequence, text, received_at=self.now, value=b"v", **fields)
        self.log.append(one)

    @rule(passed=st.sampled_from([1, 5, GRACE, 30, IDLE, 200, KEEP]))
    def wait(self, passed: int) -> None:
        self.now += passed

    @precondition(lambda self: self.position < len(self.log))
    @rule(count=st.integers(1, 10))
    def read(self, count: int) -> None:
        for one in self.log[self.position : self.position + count]:
            while isinstance(added := self.joiner.add(one, self.now), Reload):
                reach = self.log[added.first_offset : added.last_offset + 1]
                self.joiner.reload(added.transcript_id, reach)
            assert isinstance(added, Added)
            self.pending += added.effects
            self.pending_outcomes.append((one.transcript_id, added.outcome.value))
            self.position += 1

    @rule()
    def commit(self) -> None:
        if self.position == len(self.log):
            self.joiner.read_until(self.now)
        self.pending += self.joiner.due(self.now)
        for effect in self.pending:
            match effect:
                case PublishCall():
                    self.published.append(effect)
                case SaveEntry(name, None):
                    self.entries.pop(name, None)
                case SaveEntry(name, bytes(value)):
                    self.entries[name] = value
                case TooLate(one):
                    self.late.append(one.offset)
        self.outcomes.update(self.pending_outcomes)
        self.pending, self.pending_outcomes, self.committed = [], [], self.position
        assert dump(self.rebuilt()) == dump(self.joiner)

    @rule()
    def crash(self) -> None:
        self.joiner = self.rebuilt()
        self.position = self.committed
        self.pending, self.pending_outcomes = [], []

    def rebuilt(self) -> Joiner:
        joiner = Joiner(3, self.settings)
        for value in self.entries.values():
            joiner.restore(ledger.decode(value))
        start = joiner.replay_from
        for one in self.log[start : self.committed] if start is not None else ():
            if joiner.replays(one.transcript_id):
                joiner.replay(one)
        return joiner

    @rule()
    def catch_up(self) -> None:
        if self.position < len(self.log):
            self.read(len(self.log))
        self.commit()
        for name in "ab":
            self.compare(name)

    def compare(self, name: str) -> None:
        log = [one for one in self.log if one.transcript_id == name]
        naive = Naive(log, self.now)
        counted = {outcome: count for (other, outcome), count in self.outcomes.items() if other == name}
        assert counted == Counter(naive.outcomes)
        late = [one.offset for one, outcome in zip(log, naive.outcomes, strict=True) if outcome == "late"]
        assert [offset for offset in self.late if self.log[offset].transcript_id == name] == late
        mine = [effect for effect in self.published if effect.transcript_id == name]
        if naive.state is None:
            assert all(effect.reason == "snapshot" for effect in mine)
            return
        closings = [effect.reason for effect in mine if effect.reason in {"complete", "idle", "max_duration"}]
        assert closings == [naive.state]
        last = mine[-1].datum
        assert last["state"] == naive.state
        assert {one["sequence"]: one["text"] for one in last["sentences"]} == naive.best()
        assert last["text"] == " ".join(naive.best().values())
        assert {n for gap in last["missing"] for n in range(gap["first"], gap["last"] + 1)} == naive.missing()
        assert last["first_offset"] == naive.taken[0].offset
        closed = next(effect.datum for effect in mine if effect.reason == naive.state)
        assert closed["last_offset"] == naive.taken[naive.closed_with - 1].offset

    @invariant()
    def each_revision_is_published_once(self) -> None:
        revisions: dict[str, int] = {}
        for effect in getattr(self, "published", ()):
            assert effect.datum["revision"] == revisions.get(effect.transcript_id, 0) + 1
            revisions[effect.transcript_id] = effect.datum["revision"]


class TestJoining(Joining.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
