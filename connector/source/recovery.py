"""What an earlier process has received and not published: the journal is read back before the feed connects.

    tail (what is on the topics) ──▶ journal: what is not there ──▶ outbox, or on disk for now

The tail decides, not the journal: an entry whose record is on its topic changes nothing, so that reading a journal back
twice, or one that another process has published already, does no harm (contract §4).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.journal import Kind
from connector.journal.entry import Row
from connector.logs import get_logger
from connector.messages import Control, DeadLetter, Frame
from connector.source.assembly import gap_of

if TYPE_CHECKING:
    from connector.journal import Entry, Journal
    from connector.mapping.decoder import Decoder
    from connector.source.admission import Admission
    from connector.source.assembly import Assembly
    from connector.source.backlog import Backlog
    from connector.source.intake import Intake
    from connector.source.pending import Outbox, Pending
    from connector.source.restore import Restored

log = get_logger(__name__)

ROWS: Final = 16
"""Rows read in one go; other streams have their turn between two."""


@dataclass
class Recovery:
    """One stream's way back to where the process before it was."""

    decoder: Decoder
    admission: Admission
    assembly: Assembly
    backlog: Backlog
    outbox: Outbox
    intake: Intake

    async def run(self, restored: Restored) -> None:
        """Know what the topics hold, and let what the journal holds besides wait for Kafka. Raises JournalError."""
        self.admission.restore(restored)
        if self.backlog.journal is not None:
            await self._read(self.backlog.journal, restored)
        self.admission.interrupted()

    async def _read(self, journal: Journal, restored: Restored) -> None:
        settling: list[Entry] = []
        entries = recovered = since = 0
        while rows := journal.read(since, ROWS):
            for row in rows:
                entries += len(row.entries)
                settling += [entry for entry in row.entries if entry.kind is Kind.SETTLING]
                kept = [entry for entry in row.entries if self._is_kept(entry, restored)]
                recovered += self._put(journal, row, kept)
            since = rows[-1].id + 1
            await asyncio.sleep(0)
        if settling:
            # Not before what is known for certain: what broke off was the replay after an earlier interruption.
            self.admission.replay_gaps.interrupted()
            for entry in settling:
                decoded = self.decoder.decode(entry.payload)
                if not isinstance(decoded, Control):
                    self.intake.settle(Frame(entry.payload, entry.received_at), decoded)
            self.intake.interrupted(settling[0].received_at, settling[-1].received_at)
        self.backlog.committed()  # what is on the topics, or known otherwise, is forgotten
        if entries:
            log.info(
                "journal.recovered",
                stream=self.intake.stream.name,
                entries=entries,
                unpublished=recovered,
                settling=len(settling),
            )

    def _is_kept(self, entry: Entry, restored: Restored) -> bool:
        """Whether a decided entry is to be published still; it is known from now on."""
        if entry.kind is Kind.SETTLING:
            return False
        if entry.kind is Kind.GAP:
            return self.admission.admit_gap(gap_of(entry))
        decoded = self.decoder.decode(entry.payload)
        if isinstance(decoded, Control):
            return False
        if not isinstance(decoded, DeadLetter) and restored.published(decoded, entry.received_at // 1000):
            self.admission.published()
            return False
        frame = Frame(entry.payload, entry.received_at)
        return self.admission.admit(frame, decoded, "journal", recovered=entry.kind) is not None

    def _put(self, journal: Journal, row: Row, kept: list[Entry]) -> int:
        """Let what is kept of `row` wait for Kafka; how many that are."""
        if not kept:
            return 0
        if self.backlog.found(row.id, len(kept)):
            for entry in kept:
                item: Pending | None = self.assembly.from_entry(entry, row.id)
                if item is not None:
                    self.outbox.put(item)
        elif len(kept) < len(row.entries):
            # What stays on disk comes back unseen: what is known must not be among it.
            settling = [entry for entry in row.entries if entry.kind is Kind.SETTLING]
            journal.rewrite(Row(row.id, [*kept, *settling]))
        return len(kept)
