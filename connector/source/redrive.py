"""Sending dead letters through today's decoder, exactly once.

1. Fence `<prefix>.redrive.<stream>`: another redrive of the same stream can commit nothing more. It is not the stream's
   own transactional id, so that a `source` that runs goes on.
2. Read what is marked as redriven, then the end of the stream's topic: the dedup window, as at a take-over.
3. Decode each letter. A message is published, unless it is known; either way its mark is in the same transaction, so
   that a second run finds it, also beyond the dedup window. What still fails stays unmarked: a later version may
   decode it.
4. A record that Kafka refuses for good ends the pass: the next one begins again at 2 and leaves it out.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal

from connector.errors import EncodeError
from connector.kafka import clients, topics
from connector.kafka.registry import Registry
from connector.kafka.transactions import RejectedError, TransactionalProducer
from connector.mapping.decoder import Decoder
from connector.messages import Control, DeadLetter, Message
from connector.source.dead_letters import Mark, is_marked, mark_record, read_letters, read_marks
from connector.source.records import RecordBuilder
from connector.source.restore import restore
from connector.source.windows import EnvelopeWindow, TranscriptWindow, Verdict, Window

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from connector.kafka.records import Record
    from connector.settings import Settings
    from connector.source.dead_letters import Letter, Place
    from connector.streams import Stream

MAX_LETTERS: Final = 500
MAX_BYTES: Final = 8 * 1024 * 1024
"""The largest transaction."""


class Outcome(Enum):
    """What became of a dead letter."""

    PUBLISHED = "published"
    DUPLICATE = "duplicate"
    """Its message is known: marked, not published again."""
    FAILING = "still failing"
    NO_MESSAGE = "no message"
    """Today it is known to be about the connection: there is nothing to publish."""
    REDACTED = "redacted"
    """A secret was taken out of it: it is not what the feed sent, and never published."""


@dataclass(slots=True)
class Decision:
    """What is to be done with one letter."""

    letter: Letter
    outcome: Outcome
    detail: str
    """The message's id, or why there is none."""

    records: list[Record] = field(default_factory=list)
    """To be committed together; empty where nothing is."""


class Redriver:
    """Decides letter by letter: no sockets, no Kafka."""

    def __init__(self, stream: Stream, settings: Settings, builder: RecordBuilder, window: Window) -> None:
        self._stream = stream
        self._settings = settings
        self._builder = builder
        self._window = window
        self._decoder = Decoder(stream)

    def decide(self, letter: Letter, now: int) -> Decision:
        """What becomes of `letter`; `now` in microseconds since the epoch. What is to be published counts as known."""
        if letter.redacted:
            return Decision(letter, Outcome.REDACTED, "a secret was taken out of it: it is not what was sent")
        decoded = self._decoder.decode(letter.payload)
        if isinstance(decoded, DeadLetter):
            return Decision(letter, Outcome.FAILING, f"{decoded.reason}: {decoded.detail}")
        if isinstance(decoded, Control):
            return Decision(letter, Outcome.NO_MESSAGE, "today it is known to be about the connection")
        partition = self._builder.partition(decoded)
        if self._window.check(partition, decoded) is Verdict.DUPLICATE:
            return self._marked(letter, decoded, Outcome.DUPLICATE, now)
        try:
            encoded = self._decoder.encode(decoded, letter.received_at)
        except EncodeError as error:
            return Decision(letter, Outcome.FAILING, str(error))
        self._window.add(partition, decoded.message_id, bytes.fromhex(decoded.fingerprint))
        decision = self._marked(letter, decoded, Outcome.PUBLISHED, now)
        record = self._builder.message(
            decoded, partition, encoded.value, letter.received_at, replayed=False, redriven=True
        )
        decision.records.insert(0, record)
        return decision

    def _marked(self, letter: Letter, message: Message, outcome: Outcome, now: int) -> Decision:
        said: Literal["published", "duplicate"] = "published" if outcome is Outcome.PUBLISHED else "duplicate"
        mark = Mark(self._stream.name, message.message_id, said, now, letter.fingerprint)
        return Decision(letter, outcome, message.message_id, [mark_record(self._settings, letter, mark)])


class Redrive:
    """Redrives one stream; every method blocks."""

    def __init__(
        self,
        stream: Stream,
        settings: Settings,
        stop: threading.Event,
        *,
        dry_run: bool,
        on_decided: Callable[[Decision], None],
    ) -> None:
        """`dry_run` decides the same and publishes nothing; `on_decided` hears of each letter once that is sure."""
        self._stream = stream
        self._settings = settings
        self._stop = stop
        self._dry_run = dry_run
        self._on_decided = on_decided
        self._producer: TransactionalProducer | None = None
        self._batch: list[Decision] = []
        self._batch_bytes = 0
        self._refused: dict[Place, str] = {}
        self._told: set[Place] = set()

    def run(self, partitions: Sequence[int]) -> None:
        """Redrive what these partitions of `dead-letters` hold. Raises KafkaError, RegistryError, StoppedError."""
        builder = self._builder()
        try:
            if not self._dry_run:
                self._producer = self._fenced()
            while not self._pass(builder, partitions):
                pass
        finally:
            if self._producer is not None:
                self._producer.close()

    def _builder(self) -> RecordBuilder:
        names = [self._stream.name, topics.GAPS]
        topic_names = {name: topics.topic_name(self._settings.topics, name) for name in (*names, topics.DEAD_LETTERS)}
        partitions = topics.partition_counts(clients.admin(self._settings.kafka), topic_names.values())
        schema_ids = dict.fromkeys(names, 0)  # good enough to decide
        if not self._dry_run:
            registry = Registry(self._settings.schema_registry)
            schema_ids = {name: registry.schema_id(topic_names[name], name) for name in names}
        return RecordBuilder(self._stream, self._settings.topics, partitions, schema_ids)

    def _fenced(self) -> TransactionalProducer:
        transactional_id = f"{self._settings.topics.prefix}.redrive.{self._stream.name}"
        producer = TransactionalProducer(
            lambda: clients.producer(self._settings.kafka, transactional_id), transactional_id
        )
        try:
            producer.fence()
        except BaseException:
            producer.close()
            raise
        return producer

    def _pass(self, builder: RecordBuilder, partitions: Sequence[int]) -> bool:
        """Once through the letters; False where Kafka refused some, which the next pass leaves out."""
        self._batch, self._batch_bytes = [], 0
        try:
            marks = read_marks(self._settings, self._stop)
            redriver = Redriver(self._stream, self._settings, builder, self._window(builder))
            with closing(read_letters(self._settings, partitions, self._stop)) as letters:
                for letter in letters:
                    if letter.stream == self._stream.name and not is_marked(letter, marks):
                        self._add(self._decide(redriver, letter))
            self._commit()
        except RejectedError as error:
            self._refuse(error)
            return False
        return True

    def _decide(self, redriver: Redriver, letter: Letter) -> Decision:
        if letter.place in self._refused:
            return Decision(letter, Outcome.FAILING, self._refused[letter.place])
        return redriver.decide(letter, time.time_ns() // 1000)

    def _add(self, decision: Decision) -> None:
        self._batch.append(decision)
        self._batch_bytes += sum(record.size for record in decision.records)
        if len(self._batch) >= MAX_LETTERS or self._batch_bytes >= MAX_BYTES:
            self._commit()

    def _window(self, builder: RecordBuilder) -> Window:
        window: Window
        size = self._settings.source.dedup_window
        window = EnvelopeWindow(size) if self._stream.has_replay else TranscriptWindow(size)
        for partition, rows in restore(self._settings, self._stream, builder, self._stop).messages.items():
            for row in rows:
                window.add(partition, row.key, row.fingerprint)
        return window

    def _commit(self) -> None:
        records = [record for decision in self._batch for record in decision.records]
        if self._producer is not None and records:
            self._producer.publish(records)
        for decision in self._batch:
            if decision.letter.place not in self._told:
                self._told.add(decision.letter.place)
                self._on_decided(decision)
        self._batch, self._batch_bytes = [], 0

    def _refuse(self, error: RejectedError) -> None:
        refused = {id(record) for record in error.records}
        for decision in self._batch:
            if any(id(record) in refused for record in decision.records):
                self._refused[decision.letter.place] = f"Kafka refuses its record: {error}"
