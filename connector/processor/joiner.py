"""All calls of one partition of `transcripts`: sentences and the time in, effects out. No Kafka, no clock.

For the shell, which carries the bytes. Instants are microseconds since the epoch, UTC.

Take-over of a partition (nothing else is called before it is over):
1. Read the partition of `internal.calls` to its end, read_committed; `restore` the last value of every key.
2. `cut(log start of the transcripts partition)` names open calls that retention has cut: count and log them.
3. Where `replay_from` is an offset, read the transcripts partition from there (or from its log start) up to, not
   including, the group's committed offset, and `replay` each record; `replays` says by the transcript id in a key
   whether the record needs decoding at all. Nothing is published, nothing is counted.

Running, for each batch that becomes a transaction:
1. `add` each record in the order of offsets. On `Reload`, do what it says and add the record again.
2. `due`, always, as the last call before the commit: deadlines that have passed, revisions, and the entries to save.
   Until then nothing of the batch is durable.
3. Send every effect and the offsets in one transaction. Where it aborts, throw the joiner away and take over again.
Without records, call `due` when the clock reaches `next_deadline()`, and commit what it returns.

`read_until(t)` as often as known: the broker was asked at `t` for the partition's last stable offset, and everything
before it has been added. After an outage of Kafka, `hold(now + the longest a source needs to reconnect)`: what the
source could not publish meanwhile is older than it looks. Metrics: `Added.outcome`, `PublishCall.reason` and `missing`.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

import msgspec

from connector.processor import ledger
from connector.processor.call import Call
from connector.processor.effects import Added, Effect, Reload, SaveEntry, TooLate
from connector.processor.horizon import Horizon
from connector.processor.ledger import Status
from connector.processor.transcript import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.processor.call import JoinSettings
    from connector.processor.ledger import Entry
    from connector.processor.sentence import Sentence

LOADED: Final = 8
"""So many closed calls stay in memory after a late sentence: the next one rarely comes alone."""

LOADED_FOR: Final = 60 * 1_000_000
"""And so long (µs)."""


class Joiner:
    """The calls of one partition. Sentences are kept of open calls and of a few closed ones."""

    def __init__(self, partition: int, settings: JoinSettings) -> None:
        self.partition = partition
        self._settings = settings
        self._calls: dict[str, Call] = {}
        self._open: dict[str, Call] = {}
        self._loaded: dict[str, int] = {}
        """Closed calls in memory and when they were last asked for, the longest ago first."""
        self._unsaved: dict[str, None] = {}
        """Transcripts whose entry differs from the topic's."""
        self._deadlines: list[tuple[int, str]] = []
        """A heap. An instant other than `Call.scheduled` is void; a call's real deadline may be later than that."""
        self._horizon = Horizon()
        self._snapshots = bool(settings.snapshot_sentences or settings.snapshot_interval)

    # Take-over

    def restore(self, entry: Entry) -> None:
        """A transcript of this partition, as `internal.calls` has it."""
        call = Call(entry, self.partition, self._settings)
        self._calls[entry.transcript_id] = call
        if call.is_open:
            self._open[entry.transcript_id] = call
        self._schedule(call)

    @property
    def replay_from(self) -> int | None:
        """The first offset of any open call; None where nothing is open."""
        return min((call.entry.first_offset for call in self._open.values()), default=None)

    def cut(self, log_start: int) -> list[str]:
        """Transcripts that are open and whose first records retention has taken away."""
        return [name for name, call in self._open.items() if call.entry.first_offset < log_start]

    def replays(self, transcript_id: str) -> bool:
        """Whether a record of this transcript may be part of an open call."""
        return transcript_id in self._open

    def replay(self, sentence: Sentence) -> None:
        """A record that was added, and committed, in an earlier life."""
        call = self._open.get(sentence.transcript_id)
        if call is not None:
            call.replay(sentence)
            self._schedule(call)

    # Running

    @property
    def open_calls(self) -> int:
        """How many calls are open."""
        return len(self._open)

    def open_now(self) -> list[Call]:
        """The calls that are open: the list is a copy, they are not."""
        return list(self._open.copy().values())

    def call(self, transcript_id: str) -> Call | None:
        """The call, whatever its status; None where it is not known."""
        return self._calls.get(transcript_id)

    def keep_alerts(self, transcript_id: str, state: bytes) -> None:
        """Save `state`, which is JSON, with the call's entry: it comes back as `Call.entry.alerts`."""
        call = self._calls[transcript_id]
        if call.entry.status is not Status.EXPIRED:
            call.entry.alerts = msgspec.Raw(state)
            self._unsaved[transcript_id] = None

    def read_until(self, instant: int) -> None:
        """Everything that stood in the partition at `instant` has been added."""
        self._horizon.read_until(instant)

    def hold(self, until: int) -> None:
        """Do not take the partition's end for silence before `until`."""
        self._horizon.hold(until)

    def add(self, sentence: Sentence, now: int) -> Added | Reload:
        """The partition's next record. What was due before it was received comes first, however late it is read."""
        name = sentence.transcript_id
        effects: list[Effect] = []
        call = self._calls.get(name)
        received_at = sentence.received_at
        # The noted deadline is never later than the real one, and at hand.
        if call is not None and (call.scheduled is None or call.scheduled <= received_at):
            effects = self._pass_deadlines(call, min(now, received_at), now, keep_loaded=True)
            call = self._calls.get(name)
        self._horizon.heard(received_at)
        if call is None:
            call = self._begin(sentence)
        entry = call.entry
        if entry.status is Status.CLOSED:
            if call.transcript is None:
                return Reload(name, entry.first_offset, entry.last_offset or entry.first_offset)
            self._touch(name, now)
            self._unsaved[name] = None
        had_ended = entry.end_marked_at is not None
        outcome = call.add(sentence)
        if outcome is Outcome.LATE:
            effects.append(TooLate(sentence, f"its call was closed ({entry.state}) and is kept no longer"))
            return Added(outcome, None, effects)
        if not had_ended and entry.end_marked_at is not None:
            self._unsaved[name] = None
            self._schedule(call)
        return Added(outcome, call, effects)

    def reload(self, transcript_id: str, sentences: Iterable[Sentence]) -> None:
        """The answer to `Reload`: the records of that range; those of other transcripts are passed over."""
        call = self._calls[transcript_id]
        call.load()
        for sentence in sentences:
            if sentence.transcript_id == transcript_id:
                call.replay(sentence)

    def unavailable(self, transcript_id: str) -> None:
        """The answer to `Reload` where retention has taken the range's beginning: a revision would be a torso.

        The call as it was published stays as it is; what comes late is too late.
        """
        self._calls[transcript_id].expire()
        self._unsaved[transcript_id] = None

    def due(self, now: int) -> list[Effect]:
        """Everything that is to be said by now; the last call before a commit."""
        effects: list[Effect] = []
        limit = self._horizon.limit(now)
        while (call := self._next_call()) is not None and call.deadline <= limit:
            effects += self._pass_deadlines(call, limit, now)
        if self._snapshots:
            effects += self._take_snapshots(now)
        for name in self._unsaved:
            call = self._calls[name]
            if call.has_unpublished_revision:
                effects.append(call.publish(now, "revised"))
            effects.append(SaveEntry(name, ledger.encode(call.entry)))
        self._unsaved.clear()
        self._unload(now)
        return effects

    def next_deadline(self) -> int | None:
        """The earliest instant at which `due` may have something to say; None while nothing is known.

        It may lie in the past while the partition is read with a lag: then the deadline waits for the reading.
        """
        call = self._next_call()
        if call is None:
            return None
        snapshots = [one.snapshot_at() for one in self._open.values()] if self._snapshots else []
        return min([call.deadline, *(at for at in snapshots if at is not None)])

    # Within

    def _begin(self, sentence: Sentence) -> Call:
        call = Call.begin(sentence, self._settings)
        self._calls[sentence.transcript_id] = self._open[sentence.transcript_id] = call
        self._unsaved[sentence.transcript_id] = None
        self._schedule(call)
        return call

    def _schedule(self, call: Call) -> None:
        deadline = call.deadline
        if call.scheduled is None or deadline < call.scheduled:
            call.scheduled = deadline
            heappush(self._deadlines, (deadline, call.entry.transcript_id))

    def _next_call(self) -> Call | None:
        """The call whose deadline is next."""
        heap = self._deadlines
        while heap:
            at, name = heap[0]
            call = self._calls.get(name)
            if call is not None and call.scheduled == at and call.deadline <= at:
                return call
            heappop(heap)
            if call is not None and call.scheduled == at:  # more was heard of it since
                call.scheduled = None
                self._schedule(call)
        return None

    def _pass_deadlines(self, call: Call, limit: int, now: int, *, keep_loaded: bool = False) -> list[Effect]:
        """Lead the call through every stage that has begun by `limit`."""
        effects: list[Effect] = []
        name = call.entry.transcript_id
        while call.deadline <= limit:
            self._unsaved[name] = None
            if call.is_open:
                effects.append(call.close(now))
                del self._open[name]
                if keep_loaded:
                    self._touch(name, now)
                else:
                    call.unload()
            elif call.entry.status is Status.CLOSED:
                if call.has_unpublished_revision:
                    effects.append(call.publish(now, "revised"))
                call.expire()
                self._loaded.pop(name, None)
            else:
                del self._calls[name], self._unsaved[name]
                effects.append(SaveEntry(name, None))
                return effects
        call.scheduled = None
        self._schedule(call)
        return effects

    def _touch(self, name: str, now: int) -> None:
        self._loaded.pop(name, None)
        self._loaded[name] = now

    def _unload(self, now: int) -> None:
        """Forget the sentences of closed calls that were not asked for lately. All of them are published."""
        for name, touched_at in list(self._loaded.items()):
            if len(self._loaded) <= LOADED and now - touched_at < LOADED_FOR:
                return
            del self._loaded[name]
            self._calls[name].unload()

    def _take_snapshots(self, now: int) -> list[Effect]:
        effects: list[Effect] = []
        for name, call in self._open.items():
            at = call.snapshot_at()
            if at is not None and at <= now:
                effects.append(call.publish(now, "snapshot"))
                self._unsaved[name] = None
        return effects
