"""One partition's work: records of `transcripts` in, records to produce out. No Kafka client, no clock, no thread.

What one transaction holds gathers in a `Batch`; its counts reach the metrics only once it is committed.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from connector.errors import DecodeError, EncodeError, RegistryError
from connector.kafka.records import rfc_3339
from connector.kafka.registry import RegistryUnavailableError
from connector.logs import get_logger
from connector.processor import ledger
from connector.processor.alerts import NOTHING
from connector.processor.call import JoinSettings
from connector.processor.effects import Added, PublishCall, Reload, SaveEntry
from connector.processor.joiner import Joiner
from connector.processor.reader import read_sentence, reader_for
from connector.processor.transcript import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connector.kafka.records import Record
    from connector.metrics import ProcessorMetrics
    from connector.processor.alerts import AlertDatum, AlertEngine
    from connector.processor.call import Call
    from connector.processor.effects import Effect
    from connector.processor.outputs import Outputs
    from connector.processor.reader import SentenceReader
    from connector.processor.sentence import Sentence
    from connector.settings import ProcessorSettings

log = get_logger(__name__)

PREFIX: Final = 5
"""Bytes of the wire format before the Avro body: magic 0 and the schema's id."""


class Consumed(Struct, gc=False):
    """One record of `transcripts`."""

    offset: int
    timestamp: int
    """Milliseconds since the epoch."""

    key: bytes
    value: bytes


@dataclass(slots=True)
class Batch:
    """What one transaction writes, and what is to be counted once it is committed."""

    records: list[Record] = field(default_factory=list)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    published: list[tuple[Record, str]] = field(default_factory=list)
    """Revisions of calls, and why."""

    missing: int = 0
    dead_letters: Counter[str] = field(default_factory=Counter)
    alerts: list[tuple[Record, AlertDatum]] = field(default_factory=list)

    suppressed: Counter[str] = field(default_factory=Counter)

    def count(self, metrics: ProcessorMetrics, now: int) -> None:
        """Add it to the metrics: it is committed."""
        for outcome, count in self.outcomes.items():
            metrics.sentences.labels(outcome.value).inc(count)
        for _, reason in self.published:
            metrics.calls_published.labels(reason).inc()
        for reason, count in self.dead_letters.items():
            metrics.dead_letters.labels(reason).inc(count)
        for _, alert in self.alerts:
            metrics.alerts.labels(alert.rule_id).inc()
            metrics.alert_seconds.observe(max(0.0, (now - alert.received_at) / 1e6))
        for rule, count in self.suppressed.items():
            metrics.alerts_suppressed.labels(rule).inc(count)
        metrics.missing_sentences.inc(self.missing)

    def refused(self, record: Record) -> None:
        """Kafka will not take this record: a dead letter goes in its place."""
        self.published = [one for one in self.published if one[0] is not record]
        self.alerts = [one for one in self.alerts if one[0] is not record]
        self.dead_letters["encode"] += 1


class PartitionTask:
    """Joining and alerting for one partition. Instants are microseconds since the epoch."""

    def __init__(
        self,
        partition: int,
        settings: ProcessorSettings,
        outputs: Outputs,
        *,
        schema_id: int,
        schema_of: Callable[[int], str],
        read_back: Callable[[int, int], Iterable[Consumed] | None],
        alerts: AlertEngine,
    ) -> None:
        """`schema_id`: our own schema's; `schema_of`: the text of any other, by id.

        `read_back(first, last)`: the partition's records from one offset to the other, both included; None where
        retention has taken the first.
        """
        self.joiner = Joiner(partition, JoinSettings.of(settings))
        self._partition = partition
        self._outputs = outputs
        self._schema_of = schema_of
        self._read_back = read_back
        self._alerts = alerts
        self._readers: dict[int, SentenceReader] = {schema_id: read_sentence}
        self.batch = Batch()

    # Take-over

    def restore(self, value: bytes) -> None:
        """Take in one entry of `internal.calls`. Raises DecodeError."""
        self.joiner.restore(ledger.decode(value))

    def replay(self, record: Consumed) -> None:
        """Take in a record that an earlier life has processed and committed."""
        transcript_id = record.key.decode("utf-8", "replace").rpartition(":")[0]
        if self.joiner.replays(transcript_id) and (sentence := self._read_again(record)) is not None:
            self.joiner.replay(sentence)

    # Running

    def add(self, record: Consumed, now: int) -> None:
        """Process the partition's next record into the batch."""
        try:
            sentence = self._read(record)
        except DecodeError as error:
            log.warning("processor.poison", partition=self._partition, offset=record.offset, error=str(error))
            self._dead_letter(record.value, "schema", str(error), record.timestamp * 1000, now)
            return
        added = self.joiner.add(sentence, now)
        if isinstance(added, Reload):
            self._reload(added)
            added = self._add_loaded(sentence, now)
        outcome, call = added.outcome, added.call
        self.batch.outcomes[outcome] += 1
        if added.effects:
            self._take(added.effects, now, record.value)
        # Also where it has no text: it may fill a hole.
        if call is not None and (outcome is Outcome.JOINED or outcome is Outcome.CORRECTED):
            self._look(sentence, call, record.value, now)

    def due(self, now: int) -> None:
        """Put what is due by now into the batch; the last call before a commit."""
        self._take(self.joiner.due(now), now)

    def next_batch(self) -> Batch:
        """The batch as it is; a new one begins."""
        batch, self.batch = self.batch, Batch()
        return batch

    # Inside

    def _read(self, record: Consumed) -> Sentence:
        value = record.value
        if len(value) < PREFIX or value[0]:
            raise DecodeError("not in the Confluent wire format: it does not begin with a zero byte and an id")
        schema_id = int.from_bytes(value[1:PREFIX], "big")
        reader = self._readers.get(schema_id)
        if reader is None:
            reader = self._readers[schema_id] = self._reader(schema_id)
        return reader(value[PREFIX:], self._partition, record.offset)

    def _read_again(self, record: Consumed) -> Sentence | None:
        """As `_read`; None for a record that was a dead letter when it was processed."""
        try:
            return self._read(record)
        except DecodeError:
            return None

    def _reader(self, schema_id: int) -> SentenceReader:
        try:
            return reader_for(json.loads(self._schema_of(schema_id)))
        except RegistryUnavailableError:
            raise  # to be waited for
        except (RegistryError, ValueError) as error:
            raise DecodeError(f"the schema {schema_id} it was written with cannot be had: {error}") from error

    def _look(self, sentence: Sentence, call: Call, value: bytes, now: int) -> None:
        """Let the rules see the sentence: an alert leaves with its transaction. `value`: its record's."""
        if call.transcript is None:
            return
        looked = self._alerts.look(sentence, call.transcript, call.entry.alerts, now)
        if looked is NOTHING:
            return
        if looked.remember is not None:
            self.joiner.keep_alerts(sentence.transcript_id, looked.remember)
        for alert in looked.alerts:
            try:
                record = self._outputs.alert(alert.datum, now)
            except EncodeError as error:
                self._dead_letter(value, "encode", str(error), sentence.received_at, now)
            else:
                self.batch.records.append(record)
                self.batch.alerts.append((record, alert))
        self.batch.suppressed.update(looked.suppressed)

    def _reload(self, reload: Reload) -> None:
        records = self._read_back(reload.first_offset, reload.last_offset)
        if records is None:
            self.joiner.unavailable(reload.transcript_id)
            return
        wanted = f"{reload.transcript_id}:".encode()
        found = [self._read_again(record) for record in records if record.key.startswith(wanted)]
        self.joiner.reload(reload.transcript_id, [sentence for sentence in found if sentence is not None])

    def _add_loaded(self, sentence: Sentence, now: int) -> Added:
        added = self.joiner.add(sentence, now)
        if isinstance(added, Added):
            return added
        raise AssertionError(f"{sentence.transcript_id}: its sentences are loaded, and asked for again")

    def _take(self, effects: Iterable[Effect], now: int, value: bytes = b"") -> None:
        """`value`: that of the record they come from. A dead letter keeps it whole, with the id of its schema."""
        batch = self.batch
        for effect in effects:
            if isinstance(effect, PublishCall):
                self._publish(effect, now)
            elif isinstance(effect, SaveEntry):
                batch.records.append(self._outputs.entry(effect, self._partition, now))
            else:
                sentence = effect.sentence
                self._dead_letter(value, "too_late", effect.detail, sentence.received_at, now)

    def _publish(self, effect: PublishCall, now: int) -> None:
        try:
            record = self._outputs.call(effect, now)
        except EncodeError as error:
            self._dead_letter(effect.transcript_id.encode(), "encode", str(error), now, now)
            return
        self.batch.records.append(record)
        self.batch.published.append((record, effect.reason))
        self.batch.missing += effect.missing

    def _dead_letter(self, value: bytes, reason: str, detail: str, received_at: int, now: int) -> None:
        record = self._outputs.dead_letter(value, reason, detail, rfc_3339(received_at), now)
        self.batch.records.append(record)
        self.batch.dead_letters[reason] += 1
