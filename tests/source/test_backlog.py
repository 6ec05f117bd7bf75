"""What waits for Kafka, in memory and on a disk that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.source.test_intake import Bench, article

if TYPE_CHECKING:
    from pathlib import Path


def test_what_cannot_be_read_back_is_not_piled_up_in_memory(tmp_path: Path) -> None:
    bench = Bench(max_pending_bytes=1_048_576, journal={"dir": str(tmp_path), "required": False})
    bench.pipeline.open_journal("cluster", lambda _flush: None)
    backlog, outbox = bench.pipeline.backlog, bench.outbox
    assert backlog.journal is not None
    disk = backlog.journal._connection
    sent = 0
    while not backlog.spilled:
        sent += 1
        bench.receive(article(sent, message_id=str(sent)))
    assert backlog.flushed()
    disk.execute("PRAGMA query_only = ON")
    bench.receive(article(sent + 1, message_id=str(sent + 1)))
    assert not backlog.flushed()
    outbox.take(10 * sent, 2**30)
    outbox.committed()
    bench.pipeline.committed()
    assert not backlog.refill()
    assert backlog.full
    assert "cannot be written" in (backlog.trouble or "")
    disk.execute("PRAGMA query_only = OFF")
    backlog.tick()
    assert backlog.refill()
    assert not backlog.refill()
    assert not backlog.full
    assert bench.keys == [str(sent), str(sent + 1)]
    backlog.close()
