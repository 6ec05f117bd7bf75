"""All calls of a partition, as the shell sees them: sentences and the time in, effects out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from connector.processor import ledger
from connector.processor.call import JoinSettings
from connector.processor.effects import Added, Effect, PublishCall, Reload, SaveEntry, TooLate
from connector.processor.joiner import LOADED, LOADED_FOR, Joiner
from connector.processor.ledger import Status
from connector.processor.transcript import Outcome
from tests.support.sentences import HOUR, MINUTE, SECOND, START, end, sentence

if TYPE_CHECKING:
    from connector.processor.sentence import Sentence

SETTINGS = JoinSettings(10 * SECOND, 30 * MINUTE, 12 * HOUR, 24 * HOUR)


class Shell:
    """A shell whose topics are lists: it commits after each step."""

    def __init__(self, settings: JoinSettings = SETTINGS) -> None:
        self.settings = settings
        self.log: list[Sentence] = []
        self.log_start = 0
        self.entries: dict[str, bytes] = {}
        self.published: list[PublishCall] = []
        self.late: list[TooLate] = []
        self.reloads = 0
        self.joiner = Joiner(3, settings)

    def receive(self, one: Sentence, *, now: int | None = None) -> Outcome:
        """The record reaches the topic and is handled when it was received, or at `now`."""
        one = msgspec.structs.replace(one, offset=len(self.log))
        self.log.append(one)
        now = one.received_at if now is None else now
        while isinstance(added := self.joiner.add(one, now), Reload):
            self.reloads += 1
            if added.first_offset < self.log_start:
                self.joiner.unavailable(added.transcript_id)
            else:
                self.joiner.reload(added.transcript_id, self.log[added.first_offset : added.last_offset + 1])
        assert isinstance(added, Added)
        self.commit([*added.effects, *self.joiner.due(now)])
        return added.outcome

    def wait_until(self, at: float) -> list[str]:
        """The partition is read to its end at `at` seconds after START; the reasons of what that published."""
        before, now = len(self.published), START + round(at * SECOND)
        self.joiner.read_until(now)
        self.commit(self.joiner.due(now))
        return [one.reason for one in self.published[before:]]

    def commit(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case PublishCall():
                    self.published.append(effect)
                case SaveEntry(name, None):
                    del self.entries[name]
                case SaveEntry(name, bytes(value)):
                    self.entries[name] = value
                case TooLate():
                    self.late.append(effect)

    def crash(self) -> None:
        """Another process takes the partition over."""
        self.joiner = Joiner(3, self.settings)
        for value in self.entries.values():
            self.joiner.restore(ledger.decode(value))
        start = self.joiner.replay_from
        for one in self.log[max(start, self.log_start) :] if start is not None else ():
            assert self.joiner.replays(one.transcript_id) or self.joiner.call(one.transcript_id) is not None
            self.joiner.replay(one)

    def texts(self) -> list[tuple[int, str, str]]:
        return [(one.datum["revision"], one.reason, one.datum["text"]) for one in self.published]


def test_a_call_is_published_once_its_grace_is_over() -> None:
    shell = Shell()
    shell.receive(sentence(0, "a"))
    shell.receive(end(2, at=5))
    assert shell.wait_until(14) == []
    shell.receive(sentence(1, "b", at=14.5))
    assert shell.joiner.next_deadline() == START + 15 * SECOND
    assert shell.wait_until(15) == ["complete"]
    assert shell.texts() == [(1, "complete", "a b")]
    assert shell.joiner.open_calls == 0


def test_what_comes_later_makes_further_revisions_of_the_same_state() -> None:
    shell = Shell()
    shell.receive(sentence(0, "a"))
    shell.receive(end(3, at=5))
    shell.wait_until(15)
    assert shell.receive(sentence(1, "b", at=100)) is Outcome.JOINED
    assert shell.receive(sentence(1, "b", at=101)) is Outcome.DUPLICATE
    assert shell.receive(sentence(0, "A", at=102)) is Outcome.CORRECTED
    assert shell.texts() == [(1, "complete", "a"), (2, "revised", "a b"), (3, "revised", "A b")]
    assert [one.datum["state"] for one in shell.published] == ["complete"] * 3
    assert [one.missing for one in shell.published] == [2, 0, 0]
    assert shell.reloads == 1, "the next late sentence finds the call in memory"


def test_an_end_marker_after_silence_does_not_make_the_call_complete() -> None:
    shell = Shell()
    shell.receive(sentence(0, "a"))
    assert shell.wait_until(30 * 60) == ["idle"]
    shell.receive(end(1, at=31 * 60))
    assert shell.wait_until(40 * 60) == []
    shell.receive(sentence(2, "c", at=41 * 60))
    assert shell.published[-1].datum["state"] == "idle"
    assert shell.published[-1].datum["missing"] == []


def test_a_silent_call_closes_without_any_further_message_and_over_restarts() -> None:
    shell = Shell()
    shell.receive(sentence(0, "a"))
    shell.crash()
    assert shell.joiner.next_deadline() == START + 30 * MINUTE
    assert shell.wait_until(30 * 60 - 1) == []
    shell.crash()
    assert shell.wait_until(30 * 60) == ["idle"]
    shell.crash()
    assert shell.wait_until(31 * 60) == []


def test_a_call_that_fell_due_while_nobody_was_there_closes_at_once() -> None:
    shell = Shell()
    shell.receive(sentence(0, "a"))
    shell.receive(end(1, at=5))
    shell.crash()
    assert shell.wait_until(7 * 24 * 3600) == ["complete"]
    call = shell.joiner.call("t")
    assert call is not None
    assert call.entry.closed_at == START + 15 * SECOND


def test_a_backlog_read_at_once_ends_as_it_would_have_live() -> None:
    shell = Shell()
    long_after = START + 10 * HOUR
    for sequence in range(100):
        shell.receive(sentence(sequence, at=5 * sequence), now=long_after)
        shell.receive(sentence(sequence, at=5 * sequence, transcript_id="u"), now=long_after)
    assert shell.published == []
    shell.receive(sentence(100, at=40 * 60), now=long_after)
    assert [(one.transcript_id, one.reason) for one in shell.published] == [
        ("t", "idle"), ("u", "idle"), ("t", "revised"),
    ]  # fmt: skip
    assert [one.datum["sentence_count"] for one in shell.published] == [100, 100, 101]


def test_after_an_outage_a_call_is_not_closed_before_the_source_has_caught_up() -> None:
    shell = Shell()
    shell.receive(sentence(0, "a"))
    now = START + HOUR
    shell.joiner.hold(now + 30 * SECOND)
    assert shell.wait_until(3600) == []
    shell.receive(sentence(1, "b", at=5), now=now + SECOND)
    shell.receive(sentence(2, "c", at=3600), now=now + 2 * SECOND)
    assert [one.reason for one in shell.published] == ["idle", "revised"], "its silence of an hour was real"


def test_a_sentence_that_is_too_late_is_refused_not_joined_into_a_second_call() -> None:
    shell = Shell()
    shell.receive(sentence(0, "a"))
    shell.receive(end(1, at=5))
    shell.wait_until(15)
    assert shell.receive(sentence(1, "b", at=24 * 3600 + 15)) is Outcome.LATE
    shell.crash()
    assert shell.receive(sentence(2, "c", at=20 * 24 * 3600)) is Outcome.LATE
    assert [one.sentence.text for one in shell.late] == ["b", "c"]
    assert len(shell.published) == 1
    assert shell.reloads == 0


def test_a_transcript_is_forgotten_in_the_end() -> None:
    shell = Shell()
    shell.receive(sentence(0, "a"))
    shell.receive(end(1, at=5))
    day = 24 * 3600
    shell.wait_until(32 * day)
    assert shell.entries == {}
    assert shell.joiner.next_deadline() is None
    assert shell.receive(sentence(0, "z", at=33 * day)) is Outcome.JOINED


def test_everything_overdue_may_happen_to_one_call_at_one_sentence() -> None:
    shell = Shell()
    shell.receive(sentence(0, "a"))
    assert shell.receive(sentence(1, "b", at=40 * 24 * 3600)) is Outcome.JOINED
    assert shell.texts() == [(1, "idle", "a")]
    assert shell.joiner.open_calls == 1
    shell.crash()
    assert shell.wait_until(41 * 24 * 3600) == ["idle"]
    assert shell.texts()[-1] == (1, "idle", "b")


def test_closed_calls_leave_memory_and_come_back_for_a_while() -> None:
    shell = Shell()
    names = [f"t{number}" for number in range(LOADED + 2)]
    for name in names:
        shell.receive(sentence(0, "a", transcript_id=name))
        shell.receive(end(1, at=1, transcript_id=name))
    shell.wait_until(20)

    def loaded() -> list[str]:
        return [name for name in names if (call := shell.joiner.call(name)) and call.transcript is not None]

    assert loaded() == []
    for name in names:
        shell.receive(sentence(1, "b", at=30, transcript_id=name))
    assert loaded() == names[2:]
    shell.wait_until(30 + LOADED_FOR / SECOND)
    assert loaded() == []


def test_a_late_sentence_whose_call_retention_has_cut_is_refused_rather_than_published_as_a_torso() -> None:
    shell = Shell()
    shell.receive(sentence(0, "a"))
    shell.receive(sentence(1, "b"))
    shell.receive(end(2, at=5))
    shell.wait_until(15)
    shell.log_start = 1
    assert shell.receive(sentence(2, "c", at=60)) is Outcome.LATE
    shell.crash()
    assert shell.receive(sentence(2, "d", at=61)) is Outcome.LATE
    assert shell.texts() == [(1, "complete", "a b")]


def test_an_open_call_whose_beginning_retention_has_cut_says_so() -> None:
    shell = Shell()
    for sequence in range(4):
        shell.receive(sentence(sequence, at=sequence))
    shell.log_start = 2
    shell.crash()
    assert shell.joiner.cut(2) == ["t"]
    assert shell.joiner.cut(0) == []
    assert shell.wait_until(30 * 60 + 3) == ["idle"]
    record = shell.published[0].datum
    assert record["missing"] == [{"first": 0, "last": 1}]
    assert (record["first_offset"], record["last_offset"]) == (2, 3)
    assert shell.receive(sentence(0, at=40 * 60)) is Outcome.JOINED, "what was published can be read again"
    assert shell.published[-1].datum["missing"] == [{"first": 1, "last": 1}]


def test_an_open_call_that_retention_has_cut_altogether_still_closes() -> None:
    shell = Shell()
    shell.receive(sentence(0))
    shell.receive(end(1, at=5))
    shell.log_start = 2
    shell.crash()
    assert shell.wait_until(15) == ["complete"]
    assert shell.published[0].datum["sentence_count"] == 0


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"snapshot_sentences": 2}, [2, 4]),
        ({"snapshot_interval": 3 * SECOND}, [4]),
        ({"snapshot_sentences": 3, "snapshot_interval": 4 * SECOND}, [3]),
    ],
)
def test_open_snapshots_are_published_where_they_are_asked_for(settings: dict[str, int], expected: list[int]) -> None:
    shell = Shell(JoinSettings(10 * SECOND, 30 * MINUTE, 12 * HOUR, 24 * HOUR, **settings))
    for sequence in range(5):
        shell.receive(sentence(sequence, at=sequence))
        shell.crash()
    assert [one.datum["sentence_count"] for one in shell.published] == expected
    assert {(one.reason, one.datum["state"], one.missing) for one in shell.published} == {("snapshot", "open", 0)}
    shell.receive(end(5, at=5))
    shell.wait_until(15)
    assert shell.published[-1].reason == "complete"
    assert [one.datum["revision"] for one in shell.published] == list(range(1, len(shell.published) + 1))


def test_a_snapshot_by_time_is_a_deadline() -> None:
    shell = Shell(JoinSettings(10 * SECOND, 30 * MINUTE, 12 * HOUR, 24 * HOUR, snapshot_interval=5 * SECOND))
    shell.receive(sentence(0))
    assert shell.joiner.next_deadline() == START + 5 * SECOND
    assert shell.wait_until(5) == ["snapshot"]
    assert shell.joiner.next_deadline() == START + 30 * MINUTE
    assert shell.wait_until(60) == [], "nothing new was said"


def test_what_alerting_remembers_survives_until_the_call_expires() -> None:
    shell = Shell()
    shell.receive(sentence(0))
    shell.joiner.keep_alerts("t", b'{"fired":["r:0"]}')
    shell.wait_until(1)
    shell.crash()
    call = shell.joiner.call("t")
    assert call is not None
    assert bytes(call.entry.alerts) == b'{"fired":["r:0"]}'
    shell.wait_until(30 * 60)
    assert ledger.decode(shell.entries["t"]).status is Status.CLOSED
    assert bytes(ledger.decode(shell.entries["t"]).alerts) == b'{"fired":["r:0"]}'
    shell.wait_until(25 * 3600)
    assert bytes(ledger.decode(shell.entries["t"]).alerts) == b"null"


def test_an_open_call_is_saved_at_its_turns_not_at_every_sentence() -> None:
    shell = Shell()
    shell.receive(sentence(0))
    begun = shell.entries["t"]
    for sequence in range(1, 50):
        shell.receive(sentence(sequence, at=sequence))
    assert shell.entries["t"] is begun
    shell.receive(end(50, at=50))
    assert ledger.decode(shell.entries["t"]).end_marked_at == START + 50 * SECOND
