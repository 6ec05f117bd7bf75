"""What the journal of this process holds of a stream that is another's by now, given to whoever owns it.

A process that was killed, or paused until another one took its stream, has frames on its disk that nobody else has:
transcripts have no replay. It may not publish them itself, since the stream's one writer is another; so it hands them
over on `internal.handover`, from where the owner takes them in like frames of its own. What the stream's topic holds
already is left out: the tail decides, as at every start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.errors import JournalError
from connector.journal import Belongs, Entry, Kind, has_journal, open_journal
from connector.kafka import clients
from connector.kafka.claims import claim_partition
from connector.kafka.records import Headers, Record
from connector.kafka.topics import HANDOVER, topic_name
from connector.kafka.transactions import TransactionalProducer
from connector.logs import get_logger
from connector.mapping.decoder import Decoder
from connector.messages import Control
from connector.source.assembly import gap_of
from connector.source.restore import Restored, restore
from connector.streams import STREAMS

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from connector.journal import Journal
    from connector.settings import Settings
    from connector.source.records import RecordBuilder

log = get_logger(__name__)

KIND: Final = "kind"
RECEIVED_AT: Final = "received-at-micros"
"""Headers of a record of `internal.handover`; its value is the entry's payload."""

BATCH_BYTES: Final = 8 * 1024 * 1024
ROWS: Final = 64


def give(settings: Settings, stream: str, builder: RecordBuilder, cluster: str, stop: threading.Event) -> int:
    """Hand over what our journals hold of `stream`; how many entries. Blocks.

    A journal that another process holds is that one's to give. Raises KafkaError, JournalError, StoppedError.
    """
    belongs = Belongs(stream, settings.topics.prefix, cluster)
    if not has_journal(settings.source.journal, belongs):
        return 0
    journal = open_journal(settings.source.journal, belongs, defer=lambda _flush: None)
    try:
        if not journal.size:
            return 0
        return _give(settings, stream, builder, journal, stop)
    finally:
        journal.close()


def entry_of(payload: bytes, headers: list[tuple[str, bytes]]) -> Entry | None:
    """The entry that a record of `internal.handover` carries; None where it carries none."""
    found = dict(headers)
    try:
        return Entry(Kind(int(found[KIND])), int(found[RECEIVED_AT]), payload)
    except (KeyError, ValueError):
        return None


def _give(settings: Settings, stream: str, builder: RecordBuilder, journal: Journal, stop: threading.Event) -> int:
    restored = restore(settings, STREAMS[stream], builder, stop)
    transactional_id = f"{settings.topics.prefix}.handover.{stream}"
    producer = TransactionalProducer(lambda: clients.producer(settings.kafka, transactional_id), transactional_id)
    decoder, given = Decoder(STREAMS[stream]), 0
    try:
        producer.fence()
        for before, entries in _batches(journal):
            records = [
                _record(settings, stream, entry)
                for entry in entries
                if not _is_published(entry, decoder, builder, restored)
            ]
            if records:
                producer.publish(records)
                given += len(records)
            journal.forget(before)
            _flush(journal, stream)
        journal.settled([])  # a settle window that was open went frame by frame
        _flush(journal, stream)
    finally:
        producer.close()
    log.info("handover.given", stream=stream, entries=given)
    return given


def _flush(journal: Journal, stream: str) -> None:
    journal.flush()
    if journal.failing is not None:
        raise JournalError(f"the journal of {stream} cannot be written: {journal.failing}")


def _batches(journal: Journal) -> Iterator[tuple[int, list[Entry]]]:
    """Pieces of the journal in its order, each with the first row behind it."""
    since, size, entries = 0, 0, list[Entry]()
    while rows := journal.read(since, ROWS):
        for row in rows:
            entries += row.entries
            size += row.size
            since = row.id + 1
            if size >= BATCH_BYTES:
                yield since, entries
                size, entries = 0, []
    yield since, entries


def _is_published(entry: Entry, decoder: Decoder, builder: RecordBuilder, restored: Restored) -> bool:
    if entry.kind is Kind.GAP:
        gap = gap_of(entry)
        return restored.holds(gap, builder.gap(gap))
    decoded = decoder.decode(entry.payload)
    return isinstance(decoded, Control) or restored.knows(decoded, entry.received_at // 1000)


def _record(settings: Settings, stream: str, entry: Entry) -> Record:
    headers: Headers = [(KIND, b"%d" % entry.kind), (RECEIVED_AT, b"%d" % entry.received_at)]
    return Record(
        topic_name(settings.topics, HANDOVER),
        claim_partition(stream),
        stream.encode(),
        entry.payload,
        headers,
        entry.received_at // 1000,
    )
