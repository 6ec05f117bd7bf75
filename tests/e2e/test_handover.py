"""What a process that lost its stream holds on its own disk reaches the topic through whoever owns the stream now."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from confluent_kafka.admin import AdminClient

from connector.journal import Belongs, Entry, Kind, open_journal
from connector.settings import Journal as JournalSettings
from tests.support.consume import read_topic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.embedded import EmbeddedKafka
    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import SourceProcess


def spoken(sequence: int, text: str) -> bytes:
    return json.dumps({"transcript_id": "t", "sequence": sequence, "sentence": text, "status": "IN_PROGRESS"}).encode()


def test_a_standby_hands_its_journal_over_to_the_owner(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, kafka: EmbeddedKafka, prefix: str, tmp_path: Path
) -> None:
    topic = f"{prefix}.transcripts"
    owner = source('["transcripts"]', SOURCE__JOURNAL__DIR=str(tmp_path / "owner"))
    owner.start()
    owner.until_ready()
    feed.wait(lambda simulator: simulator.connected("transcripts"))

    # What a killed process leaves: a sentence that was committed, one that was not, and one of no use.
    received_at = time.time_ns() // 1000
    settings = JournalSettings(dir=tmp_path / "standby")
    cluster = AdminClient({"bootstrap.servers": kafka.bootstrap_servers}).list_topics(timeout=10).cluster_id
    with_owner = [Entry(Kind.LIVE, received_at, spoken(1, "first")), Entry(Kind.LIVE, received_at, spoken(2, "second"))]
    later = [Entry(Kind.LIVE, received_at, spoken(3, "third")), Entry(Kind.SETTLING, received_at, b"[]")]

    def leave(entries: list[Entry]) -> None:
        journal = open_journal(settings, Belongs("transcripts", prefix, cluster or ""), defer=lambda _flush: None)
        for entry in entries:
            journal.append(entry)
        journal.close()

    def published(count: int) -> bool:
        return owner.metric("benzinga_source_records_published_total") >= count

    leave(with_owner)
    standby = source('["transcripts"]', SOURCE__JOURNAL__DIR=str(settings.dir))
    standby.start()
    owner.until(lambda: published(2))
    standby.until(lambda: standby.events("handover.given") != [])
    standby.kill()

    # The next time its journal holds what is on the topic as well.
    leave(with_owner + later)
    standby.start()
    standby.until(lambda: len(standby.events("handover.given")) == 2)
    owner.until(lambda: published(3) and owner.metric("benzinga_source_dead_letters_total") == 1)

    assert [event["entries"] for event in standby.events("handover.given")] == [2, 2]
    assert sorted(record.key or "" for record in read_topic(kafka.bootstrap_servers, topic)) == ["t:1", "t:2", "t:3"]
    assert [record.value for record in read_topic(kafka.bootstrap_servers, f"{prefix}.dead-letters")] == [b"[]"]
    assert standby.metric("benzinga_source_owned") == 0
    assert (standby.stop(), owner.stop()) == (0, 0)
