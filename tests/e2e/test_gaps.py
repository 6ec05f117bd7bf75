"""What may be missing is said; what a replay proves complete is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.conftest import messages
from tests.support.consume import read_topic, wait_for_records
from tests.support.oracle import check, expected

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import SourceProcess


def gaps_of(kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str, enough: int) -> list[dict[str, Any]]:
    records = wait_for_records(kafka.bootstrap_servers, f"{prefix}.gaps", enough, registry_url=registry.url, timeout=30)
    return [record.decoded for record in records]


def running(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, stream: str, **settings: str
) -> SourceProcess:
    process = source(f'["{stream}"]', **settings)
    process.start()
    process.until_ready()
    feed.wait(lambda simulator: simulator.connected(stream))
    return process


def send(feed: ThreadedSimulator, stream: str, count: int, seed: int) -> None:
    feed.wait(lambda simulator: simulator.traffic.start(stream, rate=0, count=count, seed=seed), timeout=60)


def test_more_missed_than_a_replay_brings_is_a_gap_between_two_known_messages(
    source: Callable[..., SourceProcess],
    feed: ThreadedSimulator,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
) -> None:
    process = running(source, feed, "ratings")
    process.until(lambda: process.events("stream.live") != [])  # what a settle window brought would prove less
    send(feed, "ratings", 20, seed=1)
    known = len(messages(feed, "ratings"))
    process.until(lambda: process.metric("benzinga_source_pending_messages") == 0)
    process.until(lambda: process.metric("benzinga_source_messages_received_total") == known)
    assert process.stop() == 0
    send(feed, "ratings", 150, seed=2)
    process.start()
    [gap] = gaps_of(kafka, registry, prefix, 1)
    process.until(lambda: process.metric("benzinga_source_pending_messages") == 0)
    assert process.stop() == 0

    sent = messages(feed, "ratings")
    cached = feed.call(lambda simulator: [frame.payload for frame in simulator.channels["ratings"].cache])
    before = expected("ratings", sent[:known])
    after = expected("ratings", [payload for payload in cached if payload in sent])
    check([*before, *after], read_topic(kafka.bootstrap_servers, f"{prefix}.ratings"))
    assert (gap["stream"], gap["reason"]) == ("ratings", "no_overlap")
    assert gap["last_message_id"] == before[-1].key
    assert gap["first_message_id"] in {item.key for item in after}
    assert gap["disconnected_at"] is None, "the process before knew it, this one does not"
    assert gap["connected_at"] <= gap["detected_at"]


def test_a_replay_under_new_ids_still_overlaps(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, kafka: EmbeddedKafka, prefix: str
) -> None:
    feed.call(lambda simulator: simulator.faults.replay(new_ids=True, order="shuffled"))
    process = running(source, feed, "earnings")
    send(feed, "earnings", 30, seed=1)
    process.until(lambda: process.metric("benzinga_source_records_published_total") > 20)
    feed.call(lambda simulator: simulator.faults.drop("earnings"))
    send(feed, "earnings", 30, seed=2)
    sent = messages(feed, "earnings")
    contents = {item.fingerprint for item in expected("earnings", sent)}
    process.until(lambda: len(process.events("stream.live")) == 2)
    process.until(lambda: process.metric("benzinga_source_pending_messages") == 0)
    assert process.metric("benzinga_source_duplicates_total", origin="replay") >= 20
    assert process.stop() == 0
    found = [
        record.headers["benzinga-fingerprint"] for record in read_topic(kafka.bootstrap_servers, f"{prefix}.earnings")
    ]
    assert sorted(found) == sorted(contents)
    assert read_topic(kafka.bootstrap_servers, f"{prefix}.gaps") == []


def test_an_empty_replay_is_said(
    source: Callable[..., SourceProcess],
    feed: ThreadedSimulator,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
) -> None:
    process = running(source, feed, "insights")
    send(feed, "insights", 5, seed=1)
    process.until(lambda: process.metric("benzinga_source_records_published_total") >= 4)
    feed.call(lambda simulator: simulator.faults.replay(limit=0))
    feed.call(lambda simulator: simulator.faults.drop("insights"))
    process.until(lambda: len(process.events("stream.live")) == 2)
    [gap] = gaps_of(kafka, registry, prefix, 1)
    assert gap["reason"] == "no_replay"
    assert gap["disconnected_at"] is not None
    assert process.metric("benzinga_source_gaps_total", reason="no_replay") == 1


def sentence(transcript: str, sequence: int, status: str = "IN_PROGRESS") -> str:
    return (
        f'{{"transcript_id": "{transcript}", "call_id": "c", "symbol": "AAPL", "sequence": {sequence}, '
        f'"sentence": "Word {sequence}.", "status": "{status}"}}'
    )


def test_transcripts_say_holes_and_interruptions(
    source: Callable[..., SourceProcess],
    feed: ThreadedSimulator,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
) -> None:
    process = running(source, feed, "transcripts", PROCESSOR__GRACE="500ms")
    feed.wait(lambda simulator: simulator.subscribed())
    for text in (sentence("t", 0), sentence("t", 1), sentence("t", 5), sentence("t", 3), sentence("over", 0)):
        feed.call(lambda simulator, text=text: simulator.publish("transcripts", text))
    feed.call(lambda simulator: simulator.publish("transcripts", sentence("over", 1, "COMPLETE")))
    holes = gaps_of(kafka, registry, prefix, 2)
    assert {(gap["transcript_id"], gap["first_missing"], gap["last_missing"], gap["reason"]) for gap in holes} == {
        ("t", 2, 2, "sequence"),
        ("t", 4, 4, "sequence"),
    }
    feed.call(lambda simulator: simulator.faults.drop("transcripts"))
    interrupted = gaps_of(kafka, registry, prefix, 3)[-1]
    assert (interrupted["transcript_id"], interrupted["reason"]) == ("t", "no_replay")
    assert interrupted["first_missing"] == 6

    # A new process finds the running call in the topic, and does not say the old holes again.
    process.kill()
    process.start()
    process.until_ready()
    crashed = gaps_of(kafka, registry, prefix, 4)
    assert [gap["transcript_id"] for gap in crashed] == ["t"] * 4
    process.until(lambda: process.metric("benzinga_source_gaps_total") == 1)
