"""Kafka away for longer than memory lasts, a journal that is full, a disk that is full, a disk that is slow."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from connector.journal import Belongs, Entry, Kind, open_journal
from connector.settings import Journal as JournalSettings
from connector.simulator import SimulatorSettings
from connector.simulator.threaded import ThreadedSimulator
from tests.e2e.conftest import TOKEN, messages
from tests.support.consume import read_topic
from tests.support.oracle import check, check_placement, expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from tests.support.source import SourceProcess

MIB = 1_048_576
PARTITIONS = 3


@contextmanager
def away(cluster: EmbeddedKafka) -> Iterator[None]:
    """No broker answers; connections stay open."""
    for broker in cluster.brokers:
        broker.pause()
    try:
        yield
    finally:
        for broker in cluster.brokers:
            broker.resume()


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of so many bytes."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file: Path) -> None:
    """Write until there is no room left."""
    with file.open("wb", buffering=0) as writing, suppress(OSError):
        while True:
            writing.write(b"x" * 4096)
    assert os.statvfs(file).f_bavail == 0


@pytest.fixture
def feed() -> Iterator[ThreadedSimulator]:
    with ThreadedSimulator(SimulatorSettings(token=TOKEN)) as simulator:
        yield simulator


@pytest.mark.slow
@pytest.mark.kafka
def test_an_outage_longer_than_memory_lasts_goes_to_disk_and_comes_back_in_order(
    tmp_path: Path,
    feed: ThreadedSimulator,
    cluster: EmbeddedKafka,
    source_on_cluster: Callable[..., SourceProcess],
    prefix: str,
) -> None:
    process = source_on_cluster(tmp_path, feed.url, prefix, '["ratings"]', SOURCE__MAX_PENDING_BYTES=str(MIB))
    with process:
        process.until_ready()
        feed.wait(lambda simulator: simulator.connected("ratings"))
        with away(cluster):
            feed.wait(lambda simulator: simulator.traffic.start("ratings", rate=0, count=2500), timeout=120)
            sent = messages(feed, "ratings")
            wanted = expected("ratings", sent)
            process.until(lambda: process.metric("benzinga_source_pending_messages") >= len(wanted) - 1)
            assert process.events("journal.spilling") != []
            assert process.metric("benzinga_source_journal_bytes") > MIB
            assert process.get("/livez")[0] == 200
        process.until(lambda: process.metric("benzinga_source_pending_messages") == 0, timeout=120)
        assert process.stop() == 0
    records = read_topic(cluster.bootstrap_servers, f"{prefix}.ratings")
    check(wanted, records)
    check_placement(wanted, records, PARTITIONS)
    assert read_topic(cluster.bootstrap_servers, f"{prefix}.gaps") == []


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system takes root to mount")
def test_a_full_disk_and_a_full_journal_stop_the_reading_until_there_is_room(
    tmp_path: Path,
    feed: ThreadedSimulator,
    cluster: EmbeddedKafka,
    registry: EmbeddedRegistry,
    source_on_cluster: Callable[..., SourceProcess],
    prefix: str,
) -> None:
    with small_disk(tmp_path / "disk", 8 * MIB) as disk:
        settings = {"SOURCE__JOURNAL__DIR": str(disk), "SOURCE__JOURNAL__MAX_BYTES": str(MIB)}
        process = source_on_cluster(tmp_path, feed.url, prefix, '["ratings"]', **settings)
        with process:
            process.until_ready()
            feed.wait(lambda simulator: simulator.connected("ratings"))

            filler = disk / "somebody-elses"
            fill(filler)
            steady = feed.call(lambda simulator: simulator.traffic.start("ratings", rate=100, count=300, seed=1))
            process.until(lambda: process.events("journal.not_written") != [])
            process.until(lambda: process.get("/readyz")[0] == 503)
            assert "journal cannot be written" in process.get("/readyz")[1]
            assert process.get("/livez")[0] == 200
            filler.unlink()
            process.until(lambda: process.events("journal.works_again") != [])
            process.until(lambda: process.get("/readyz")[0] == 200)

            with away(cluster):
                flood = feed.call(lambda simulator: simulator.traffic.start("ratings", rate=0, count=1500, seed=2))
                process.until(lambda: process.get("/readyz")[0] == 503)
                assert "journal is nearly full" in process.get("/readyz")[1]
            feed.wait(lambda _simulator: steady)
            feed.wait(lambda _simulator: flood)
            sent = messages(feed, "ratings")
            process.until(lambda: process.metric("benzinga_source_messages_received_total") >= len(sent))
            process.until(lambda: process.metric("benzinga_source_pending_messages") == 0)
            process.until(lambda: process.get("/readyz")[0] == 200)
            assert process.stop() == 0
    check(expected("ratings", sent), read_topic(cluster.bootstrap_servers, f"{prefix}.ratings"))
    gaps = read_topic(cluster.bootstrap_servers, f"{prefix}.gaps", registry_url=registry.url)
    assert {gap.decoded["reason"] for gap in gaps} == {"journal_full"}


def test_a_slow_disk_slows_the_turn_down_and_what_the_turn_took_is_on_it(tmp_path: Path) -> None:
    turns: list[Callable[[], None]] = []
    journal = open_journal(JournalSettings(dir=tmp_path), Belongs("news", "benzinga", "c"), defer=turns.append)
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        time.sleep(0.002)
        return 0

    journal._connection.set_progress_handler(step, 2)
    for number in range(20):
        journal.append(Entry(Kind.LIVE, number, b"x" * 2000))
        turns.pop()()
        written = [entry.received_at for row in journal.read(0, 100) for entry in row.entries]
        assert written == list(range(number + 1))
    assert steps > 20
    assert journal.failing is None
