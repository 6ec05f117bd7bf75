"""Processes that join, leave, die and freeze while calls are running: `calls` and `alerts` come out the same."""

from __future__ import annotations

import random
import sys
import threading
import time
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.calls import all_closed, check_alerts, check_calls, fell_silent, write_rules
from tests.support.consume import read_topic, wait_for_records
from tests.support.speech import Carrier, frame, many_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from tests.support.source import ProcessorProcess

    Processors = Callable[..., ProcessorProcess]

PARTITIONS = 3
QUICK = {
    "PROCESSOR__GRACE": "500ms",
    "PROCESSOR__IDLE_TIMEOUT": "8s",
    "PROCESSOR__SESSION_TIMEOUT": "1500ms",
    "LOG__LEVEL": "info",
}


@pytest.fixture
def carrier(kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str) -> Iterator[Carrier]:
    with Carrier(kafka.bootstrap_servers, registry.url, prefix, PARTITIONS) as made:
        yield made


@pytest.fixture
def rules(tmp_path: Path) -> dict[str, str]:
    return write_rules(tmp_path / "rules.yaml")


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str, object], None]:
    """Keeps a number beside the test's result; `-s` shows it."""

    def keep(name: str, value: object) -> None:
        record_property(name, value)
        sys.stdout.write(f"{name}: {value}\n")

    return keep


@contextmanager
def carrying(carrier: Carrier, frames: Sequence[bytes], rate: float) -> Iterator[threading.Thread]:
    """Frames arrive meanwhile; at the end all of them have."""
    thread = threading.Thread(target=carrier.carry_all, args=(frames,), kwargs={"rate": rate})
    thread.start()
    try:
        yield thread
    finally:
        thread.join()


def restored(processes: Sequence[ProcessorProcess], after: float = 0.0) -> dict[int, float]:
    """The partitions that were taken over after an instant (seconds since the epoch), and when each was last."""
    found: dict[int, float] = {}
    for process in processes:
        for event in process.events("processor.partition_restored") if process.log.exists() else ():
            if (at := instant(event)) > after:
                found[event["partition"]] = max(at, found.get(event["partition"], 0.0))
    return found


def instant(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp()


def until(predicate: Callable[[], bool], timeout: float = 30.0) -> None:
    deadline = time.monotonic() + timeout
    while not predicate():
        assert time.monotonic() < deadline, f"not within {timeout:g} s"
        time.sleep(0.02)


def owned(process: ProcessorProcess) -> set[int]:
    """The partitions whose lag it measures."""
    return {
        partition
        for partition in range(PARTITIONS)
        if f'consumer_lag_messages{{partition="{partition}"' in process.get("/metrics")[1]
    }


def check(kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str, frames: list[bytes]) -> None:
    """Both topics are what naive programs make of the same frames."""
    servers, read = kafka.bootstrap_servers, {"registry_url": registry.url}
    records = wait_for_records(servers, f"{prefix}.calls", all_closed(frames), timeout=120, **read)
    transcripts, alerts = (read_topic(servers, f"{prefix}.{name}", **read) for name in ("transcripts", "alerts"))
    check_calls(frames, records, fell_silent(transcripts, idle=8.0))
    check_alerts(transcripts, alerts)
    assert read_topic(servers, f"{prefix}.dead-letters") == []


@pytest.mark.slow
def test_one_two_three_processes_and_back(
    processor: Processors,
    carrier: Carrier,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
    rules: dict[str, str],
    measured: Callable[[str, object], None],
) -> None:
    frames = many_calls(1)
    one, two, three = (processor(**QUICK, **rules) for _ in range(3))
    one.start()
    one.until_ready()
    with carrying(carrier, frames, rate=150):
        two.start()
        until(lambda: bool(owned(two)))
        three.start()
        until(lambda: all(len(owned(process)) == 1 for process in (one, two, three)))
        for leaver, others in ((one, (two, three)), (two, (three,))):
            left = owned(leaver)
            began = time.time()
            assert leaver.stop() == 0
            until(lambda left=left, others=others, began=began: left <= restored(others, began).keys())  # type: ignore[misc]
            took = max(restored(others, began)[partition] for partition in left) - began
            measured("seconds of a clean hand-over", round(took, 2))
            assert took < 6  # 2 s where nothing else runs
        two.start()
        until(lambda: bool(owned(two)))
    check(kafka, registry, prefix, frames)
    assert two.stop() == 0
    assert three.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(480)
def test_kill_9_thirty_times(
    processor: Processors,
    carrier: Carrier,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
    rules: dict[str, str],
    measured: Callable[[str, object], None],
) -> None:
    dice = random.Random(7)
    frames = many_calls(2)
    processes = [processor(**QUICK, **rules) for _ in range(3)]
    for process in processes:
        process.start()
    processes[0].until_ready()
    kills, began = 0, time.monotonic()
    takes: list[float] = []
    with carrying(carrier, frames, rate=40) as arriving:
        # On a slow machine some hit a process that owns nothing yet.
        while kills < 30 or len(takes) < 15 or arriving.is_alive():
            before = time.time()
            processes[0].kill()
            processes[0].start()
            processes.append(processes.pop(0))
            kills += 1
            # Somebody takes something over, mostly; else two died within one session.
            deadline = time.monotonic() + 4
            while not (found := restored(processes, before)) and time.monotonic() < deadline:
                time.sleep(0.05)
            takes += [min(found.values()) - before] if found else []
            time.sleep(dice.uniform(0.0, 0.6))  # at any moment of what follows
    measured("kills, seconds, and after how many seconds it went on", (kills, time.monotonic() - began, sorted(takes)))
    check(kafka, registry, prefix, frames)
    written = read_topic(kafka.bootstrap_servers, f"{prefix}.transcripts")
    assert len(written) == len(frames)
    for process in processes:
        assert process.stop() == 0


@pytest.mark.slow
def test_an_owner_that_freezes_and_wakes(
    processor: Processors,
    carrier: Carrier,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
    rules: dict[str, str],
) -> None:
    frames = many_calls(3, calls=100)
    one, two = processor(**QUICK, **rules), processor(**QUICK, **rules)
    one.start()
    one.until_ready()
    until(lambda: len(owned(one)) == PARTITIONS)
    two.start()
    until(lambda: bool(owned(two)))
    with carrying(carrier, frames, rate=100):
        mine = owned(one)
        one.pause()
        began = time.time()
        until(lambda: mine <= restored([two], began).keys())
        until(lambda: two.metric("benzinga_processor_sentences_total") > 200)
        fenced = len(two.events("processor.partition_fenced"))
        one.resume()
        until(lambda: bool(one.events("processor.lost")))
    check(kafka, registry, prefix, frames)
    # Whoever woke up did not fence the new owner of what it had lost.
    assert len(two.events("processor.partition_fenced")) == fenced
    assert one.stop() == 0
    assert two.stop() == 0


def test_kill_9_and_how_long_it_takes_to_go_on(
    processor: Processors, carrier: Carrier, measured: Callable[[str, object], None]
) -> None:
    settings = QUICK | {"PROCESSOR__SESSION_TIMEOUT": "6s", "PROCESSOR__IDLE_TIMEOUT": "10m"}
    one, two = processor(**settings), processor(**settings)
    one.start()
    one.until_ready()
    until(lambda: len(owned(one)) == PARTITIONS)
    carrier.carry(*(frame(f"t{number}", 0, "We are open.") for number in range(20)))
    one.until(lambda: one.metric("benzinga_processor_open_calls") == 20)
    two.start()
    until(lambda: bool(owned(two)))
    mine = owned(one)
    one.kill()
    began = time.time()
    until(lambda: mine <= restored([two], began).keys())
    took = max(restored([two], began)[partition] for partition in mine) - began
    measured("seconds after kill -9", took)
    assert took < 15  # 10 s where nothing else runs
    two.until(lambda: two.metric("benzinga_processor_open_calls") == 20)
    assert two.stop() == 0


@pytest.mark.slow
def test_a_static_member_comes_back_to_what_it_had(
    processor: Processors,
    carrier: Carrier,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
    rules: dict[str, str],
) -> None:
    frames = many_calls(4, calls=60)
    session = {"PROCESSOR__SESSION_TIMEOUT": "20s"}
    one, two = (processor(**QUICK | rules | session, PROCESSOR__INSTANCE_ID=f"pod-{n}") for n in range(2))
    for process in (one, two):
        process.start()
        process.until_ready()
    until(lambda: bool(owned(one)) and bool(owned(two)))
    with carrying(carrier, frames, rate=100):
        mine, began = owned(one), time.time()
        one.kill()
        one.start()
        until(lambda: mine <= restored([one], began).keys())
        assert restored([two], began) == {}
    twin = processor(**QUICK | rules | session, PROCESSOR__INSTANCE_ID="pod-1")
    twin.start()
    assert two.wait() == 1
    assert "must be this process's alone" in two.log_tail()
    check(kafka, registry, prefix, frames)
    assert one.stop() == 0
    assert twin.stop() == 0
