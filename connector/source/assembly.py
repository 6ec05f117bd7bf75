"""From an admitted frame to the record that waits for Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from connector.journal import Kind
from connector.mapping.decoder import EncodeError
from connector.messages import Control, DeadLetter, Frame
from connector.source.gaps import Gap
from connector.source.pending import Pending

if TYPE_CHECKING:
    from connector.journal import Entry
    from connector.mapping.decoder import Decoder
    from connector.messages import Message
    from connector.metrics import SourceMetrics
    from connector.source.records import RecordBuilder


class Assembly:
    """Makes what is pending. `mark`: the id of the journal's row that holds it; 0 without a journal."""

    def __init__(self, stream: str, decoder: Decoder, builder: RecordBuilder, metrics: SourceMetrics) -> None:
        self._decoder = decoder
        self._builder = builder
        self._unknown_fields = metrics.unknown_fields.labels(stream)

    def pending(
        self, frame: Frame, decoded: Message | DeadLetter, partition: int, mark: int, *, replayed: bool
    ) -> Pending:
        """The record of an admitted frame: of its message, or of a dead letter."""
        if isinstance(decoded, DeadLetter):
            return self._letter(frame, decoded, mark)
        try:
            encoded = self._decoder.encode(decoded, frame.received_at)
        except EncodeError as error:
            return self._letter(frame, self._decoder.dead_letter("encode", str(error), frame.payload), mark)
        decoded.body = None  # the parsed frame is several times the frame: nobody needs it any more
        if encoded.extras:
            self._unknown_fields.inc(encoded.extras)
        record = self._builder.message(
            decoded, partition, encoded.value, frame.received_at, replayed=replayed, redriven=False
        )
        return Pending(record, frame.received_at, decoded, frame.payload, mark)

    def gap(self, gap: Gap, mark: int) -> Pending:
        """The record that says what may be missing."""
        return Pending(self._builder.gap(gap), gap.detected_at, gap, mark=mark)

    def from_entry(self, entry: Entry, mark: int) -> Pending | None:
        """The record of an entry that was admitted when it was journalled; None where it is none of today's."""
        if entry.kind is Kind.GAP:
            return self.gap(gap_of(entry), mark)
        frame = Frame(entry.payload, entry.received_at)
        decoded = self._decoder.decode(entry.payload)
        if isinstance(decoded, Control):
            return None
        partition = 0 if isinstance(decoded, DeadLetter) else self._builder.partition(decoded)
        return self.pending(frame, decoded, partition, mark, replayed=entry.kind is Kind.REPLAYED)

    def _letter(self, frame: Frame, letter: DeadLetter, mark: int) -> Pending:
        return Pending(self._builder.dead_letter(letter, frame.received_at), frame.received_at, letter, mark=mark)


def gap_of(entry: Entry) -> Gap:
    """The gap that an entry keeps."""
    return msgspec.json.decode(entry.payload, type=Gap)
