"""Lag in messages and seconds, and what an outage of Kafka does to deadlines."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from connector.metrics import ProcessorMetrics, new_registry
from connector.processor.call import JoinSettings
from connector.processor.effects import PublishCall
from connector.processor.inbox import End, Inbox
from connector.processor.joiner import Joiner
from connector.processor.lag import OUTAGE, RECONNECT, Lag, PartitionLag
from connector.settings import KafkaSettings
from tests.support.sentences import HOUR, MINUTE, SECOND, START, sentence

SETTINGS = JoinSettings(10 * SECOND, 30 * MINUTE, 12 * HOUR, 24 * HOUR)


@pytest.mark.parametrize(
    ("end", "position", "waiting", "processed", "expected"),
    [
        pytest.param(7, 7, 0, START - HOUR, (0, 0.0), id="idle for an hour"),
        pytest.param(7, 9, 0, START, (0, 0.0), id="read beyond what was measured"),
        pytest.param(9, 7, START - 5 * SECOND, START - 6 * SECOND, (2, 5.0), id="what waits is the oldest"),
        pytest.param(9, 7, 0, START - 6 * SECOND, (2, 6.0), id="not even fetched"),
        pytest.param(9, 7, 0, 0, (2, 0.0), id="of an age nobody knows"),
        pytest.param(9, 7, START + SECOND, 0, (2, 0.0), id="the source's clock is ahead"),
    ],
)
def test_the_lag_of_a_partition(
    end: int, position: int, waiting: int, processed: int, expected: tuple[int, float]
) -> None:
    lag = PartitionLag()
    measured = lag.measured(START, end, position, waiting=waiting, processed=processed, now=START)
    assert measured == lag.latest == (end, *expected)


def test_what_comes_after_a_quiet_hour_is_not_an_hour_old() -> None:
    lag = PartitionLag()
    lag.measured(START, 7, 7, waiting=0, processed=START - HOUR, now=START)
    later = START + SECOND
    assert lag.measured(later, 8, 7, waiting=0, processed=START - HOUR, now=later).seconds == 1.0


def test_after_an_outage_the_end_is_no_silence_until_a_source_can_have_published() -> None:
    lag = PartitionLag()
    for at in (0, SECOND, SECOND + OUTAGE):
        lag.answered(START + at, START + at)
        assert lag.held_until == 0
    back = START + SECOND + 2 * OUTAGE + SECOND
    lag.answered(back, back)
    assert lag.held_until == back + RECONNECT
    lag.answered(back + SECOND, back + SECOND)
    assert lag.held_until == back + RECONNECT


def test_a_call_that_was_silent_during_an_outage_is_closed_only_when_the_source_had_its_turn() -> None:
    lag, joiner = PartitionLag(), Joiner(0, SETTINGS)
    joiner.add(sentence(0), START)
    lag.answered(START, START)
    back = START + HOUR  # Kafka was away all the time, for the source as well

    def closed(at: int) -> list[str]:
        lag.answered(at, at)
        joiner.hold(lag.held_until)
        joiner.read_until(at)
        return [effect.reason for effect in joiner.due(at) if isinstance(effect, PublishCall)]

    for second in range(RECONNECT // SECOND):
        assert closed(back + second * SECOND) == []
    joiner.add(sentence(1, at=20 * 60, offset=1), back + RECONNECT - SECOND)  # received meanwhile, published now
    assert closed(back + RECONNECT) == ["idle"]
    assert joiner.open_calls == 0


def test_a_short_hiccup_delays_nothing() -> None:
    lag, joiner = PartitionLag(), Joiner(0, SETTINGS)
    joiner.add(sentence(0), START)
    for at in (START + 30 * MINUTE - OUTAGE, START + 30 * MINUTE):
        lag.answered(at, at)
        joiner.hold(lag.held_until)
        joiner.read_until(at)
    assert [effect.reason for effect in joiner.due(at) if isinstance(effect, PublishCall)] == ["idle"]


class Cluster:
    """An admin client: what it answers at once is the test's to say."""

    def __init__(self) -> None:
        self.end: int | None = 7
        """The last stable offset; None: the cluster is away."""

    def list_offsets(self, asked: dict[TopicPartition, object], **_options: object) -> dict[TopicPartition, Any]:
        answers: dict[TopicPartition, Any] = {}
        for here in asked:
            answer = answers[here] = Future[Any]()
            if self.end is None:
                answer.set_exception(KafkaException(KafkaError(KafkaError._TRANSPORT)))
            else:
                answer.set_result(SimpleNamespace(offset=self.end))
        return answers


class Worker:
    """What a worker shows of itself."""

    def __init__(self) -> None:
        self.partition, self.inbox, self.processed, self.last_timestamp = 0, Inbox(), 5, 0
        self.open_calls, self.next_deadline, self.held_until = 1, None, 0

    def hold(self, until: int) -> None:
        self.held_until = until


def test_who_comes_after_a_worker_that_broke_in_an_outage_is_held_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, clock, registry = Cluster(), SimpleNamespace(now=START), new_registry()
    monkeypatch.setattr("connector.kafka.clients.admin", lambda _settings: cluster)
    monkeypatch.setattr("connector.processor.lag.now_micros", lambda: clock.now)
    monkeypatch.setattr("connector.processor.lag.time", SimpleNamespace(monotonic=lambda: clock.now / 1e6))
    lag = Lag(KafkaSettings(), "t", ProcessorMetrics(registry))

    def measure(worker: Worker, seconds: int) -> None:
        for _ in range(seconds):
            clock.now += SECOND
            lag.poll({0: worker})  # type: ignore[dict-item]

    broken, successor = Worker(), Worker()
    measure(broken, 3)
    assert broken.inbox.end() == End(0, (clock.now - SECOND, 7))
    labels = {"topic": "t", "partition": "0"}
    assert registry.get_sample_value("benzinga_processor_consumer_lag_messages", labels) == 2
    cluster.end = None
    measure(broken, 2 * OUTAGE // SECOND)
    assert broken.inbox.end() == End(0, (clock.now - 2 * OUTAGE, 7)), "it knows of no later end"
    assert broken.held_until == 0
    cluster.end = 9
    measure(broken, 2)
    held_until = clock.now + RECONNECT
    assert broken.held_until == held_until
    measure(successor, 2)
    assert successor.held_until == held_until
    lag.forget(0)
    assert registry.get_sample_value("benzinga_processor_consumer_lag_messages", labels) is None
    assert lag.status(0, "live", 5, 1).lag_messages is None
