"""One stream's way from the frame to what waits for Kafka, put together.

Feed ──frames──▶ Intake ──▶ Backlog (journal) ──▶ Outbox ──batches──▶ Publisher
│
└── Admission: what is known, what may be missing
"""

from __future__ import annotations

import asyncio
import time
from itertools import islice
from typing import TYPE_CHECKING

from connector.journal import Belongs, open_journal
from connector.mapping.decoder import Decoder
from connector.source.admission import Admission
from connector.source.assembly import Assembly
from connector.source.backlog import Backlog
from connector.source.intake import Intake
from connector.source.pending import Outbox
from connector.source.recovery import Recovery

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.journal import Entry
    from connector.metrics import SourceMetrics
    from connector.settings import Settings
    from connector.source.records import RecordBuilder
    from connector.source.restore import Restored
    from connector.streams import Stream


class Pipeline:
    """The parts of one stream between its socket and its producer. Runs on the event loop."""

    def __init__(self, stream: Stream, settings: Settings, builder: RecordBuilder, metrics: SourceMetrics) -> None:
        source = settings.source
        self.decoder = Decoder(stream)
        self.outbox = Outbox(source.max_pending_bytes)
        self.admission = Admission(stream, settings, builder, metrics)
        self.assembly = Assembly(stream.name, self.decoder, builder, metrics)
        self.backlog = Backlog(stream.name, self.outbox, self.assembly, required=source.journal.required)
        self.intake = Intake(
            stream,
            decoder=self.decoder,
            admission=self.admission,
            assembly=self.assembly,
            backlog=self.backlog,
            outbox=self.outbox,
            metrics=metrics,
        )
        self._stream = stream
        self._settings = settings
        self._metrics = metrics
        self._committed = asyncio.Event()
        self._restored = False
        self._closing = False

    @property
    def pending(self) -> int:
        """Messages, dead letters and gaps that are received and not committed."""
        return len(self.outbox) + self.backlog.spilled

    def open_journal(self, cluster: str, defer: Callable[[Callable[[], None]], object]) -> None:
        """Open the stream's journal; `cluster`: Kafka's cluster id. Blocks; raises JournalError."""
        failures = self._metrics.journal_failures
        name = self._stream.name
        self.backlog.journal = open_journal(
            self._settings.source.journal,
            Belongs(name, self._settings.topics.prefix, cluster),
            defer=defer,
            on_failure=lambda reason: failures.labels(name, reason).inc(),
        )

    async def restore(self, restored: Restored) -> None:
        """Begin, the first time, from what the topics and the journal hold. Raises JournalError.

        Later a producer was rebuilt while the feed went on: then only the batch in flight is in doubt, and nothing was
        interrupted.
        """
        if self._restored:
            self._drop_published(restored)
            return
        recovery = Recovery(self.decoder, self.admission, self.assembly, self.backlog, self.outbox, self.intake)
        await recovery.run(restored)
        self._restored = True

    def take_in(self, entries: Sequence[Entry]) -> bool:
        """Take in what another process has handed over; True once it outlives this process."""
        self.intake.take_in(entries, time.time_ns() // 1000)
        return self.backlog.flushed()

    def committed(self) -> None:
        """A batch has left the outbox for good."""
        self.backlog.committed()
        self._committed.set()

    async def refill(self) -> None:
        """Bring back what waits on disk, whenever there is room for it; until cancelled."""
        while True:
            await self._committed.wait()
            self._committed.clear()
            while self.backlog.refill():  # noqa: ASYNC110 - a turn for everybody else, not a wait
                await asyncio.sleep(0)
            self._close_if_drained()

    def close(self) -> None:
        """Nothing more will come: once all is published, the outbox is closed."""
        self._closing = True
        self._close_if_drained()

    def _close_if_drained(self) -> None:
        if self._closing and not self.backlog.spilled:
            self.outbox.close()

    def tick(self, now: int) -> None:
        """To be called about once a second; `now` in µs since the epoch."""
        self.intake.tick(now)
        self.backlog.tick()
        self._committed.set()

    def _drop_published(self, restored: Restored) -> None:
        in_doubt = self.outbox.in_flight
        left = [item for item in in_doubt if not restored.holds(item.origin, item.record)]
        self.outbox.replace([*left, *islice(self.outbox, len(in_doubt), None)])
        self.committed()
