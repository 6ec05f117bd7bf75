"""The transactional producer: which way each class of error goes, and what a real broker does."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka import KafkaException

from connector.errors import FencedError, KafkaError
from connector.kafka import clients
from connector.kafka.records import Record
from connector.kafka.transactions import Action, RejectedError, State, StoppedError, TransactionalProducer, decide
from connector.settings import KafkaSettings
from tests.support.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.embedded import EmbeddedKafka


def error(code: int = 1, *, fatal: bool = False, retriable: bool = False, abort: bool = False) -> RdKafkaError:
    return RdKafkaError(code, "said", fatal, retriable, abort)


@pytest.mark.parametrize(
    ("given", "action"),
    [
        (error(RdKafkaError._FENCED, fatal=True), Action.FENCED),
        (error(RdKafkaError.INVALID_PRODUCER_EPOCH, abort=True), Action.FENCED),
        (error(fatal=True), Action.BROKEN),
        (error(abort=True), Action.ABORT),
        (error(retriable=True), Action.RETRY),
        (error(RdKafkaError._TIMED_OUT), Action.RETRY),
        (error(RdKafkaError._STATE), Action.BROKEN),
    ],
)
def test_each_class_of_error_has_its_way(given: RdKafkaError, action: Action) -> None:
    assert decide(given) is action


class ScriptedProducer:
    """Stands for librdkafka: raises what the script says, in turn, and remembers the calls."""

    def __init__(self, **script: list[RdKafkaError]) -> None:
        self.calls: list[str] = []
        self._script = script

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self._script.get(name):
            raise KafkaException(self._script[name].pop(0))

    def init_transactions(self, _timeout: float) -> None:
        self._call("init_transactions")

    def begin_transaction(self) -> None:
        self._call("begin_transaction")

    def produce(self, *_args: Any, **_kwargs: Any) -> None:
        self._call("produce")

    def commit_transaction(self, _timeout: float) -> None:
        self._call("commit_transaction")

    def abort_transaction(self, _timeout: float) -> None:
        self._call("abort_transaction")

    def poll(self, _timeout: float) -> None:
        self.calls.append("poll")

    def purge(self) -> None:
        self.calls.append("purge")


def record(topic: str = "t", value: bytes = b"v", partition: int = 0) -> Record:
    return Record(topic, partition, b"k", value, [], int(time.time() * 1000))


def fenced(fake: ScriptedProducer, ends: list[str] | None = None) -> TransactionalProducer:
    producer = TransactionalProducer(lambda: fake, "id", (ends if ends is not None else []).append)  # type: ignore[arg-type, return-value]
    producer.fence()
    return producer


def test_a_commit_that_timed_out_is_called_again_not_aborted() -> None:
    fake = ScriptedProducer(commit_transaction=[error(RdKafkaError._TIMED_OUT), error(retriable=True)])
    ends: list[str] = []
    fenced(fake, ends).publish([record()])
    assert fake.calls.count("commit_transaction") == 3
    assert "abort_transaction" not in fake.calls
    assert ends == ["committed"]


def test_an_aborted_batch_is_sent_again_whole() -> None:
    fake = ScriptedProducer(commit_transaction=[error(abort=True)], abort_transaction=[error(retriable=True)])
    ends: list[str] = []
    fenced(fake, ends).publish([record(), record()])
    assert fake.calls.count("produce") == 4
    assert ends == ["aborted", "committed"]


def test_a_fatal_error_breaks_the_producer_and_leaves_the_outcome_open() -> None:
    producer = fenced(ScriptedProducer(commit_transaction=[error(fatal=True)]))
    with pytest.raises(KafkaError) as caught:
        producer.publish([record()])
    assert not isinstance(caught.value, FencedError)
    assert producer.state is State.BROKEN


def test_a_stopped_producer_gives_a_waiting_call_up() -> None:
    producer = fenced(ScriptedProducer(commit_transaction=[error(retriable=True)] * 1000))
    threading.Timer(0.05, producer.stop).start()
    with pytest.raises(StoppedError):
        producer.publish([record()])


def test_a_producer_that_is_closed_cannot_publish() -> None:
    producer = fenced(ScriptedProducer())
    producer.close()
    with pytest.raises(RuntimeError, match="closed cannot become open"):
        producer.publish([record()])


@pytest.fixture
def make(kafka: EmbeddedKafka, prefix: str) -> Callable[..., TransactionalProducer]:
    def make_(**options: str | int) -> TransactionalProducer:
        settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, options=options)
        return TransactionalProducer(lambda: clients.producer(settings, prefix), prefix)

    return make_


@pytest.fixture
def topic(kafka: EmbeddedKafka, prefix: str) -> str:
    create_topics(kafka.bootstrap_servers, prefix, partitions=1)
    return prefix


def test_the_newer_producer_fences_the_older_one(make: Callable[..., TransactionalProducer], topic: str) -> None:
    old, new = make(), make()
    old.fence()
    old.publish([record(topic)])
    new.fence()
    with pytest.raises(FencedError):
        old.publish([record(topic)])
    assert old.state is State.FENCED
    new.publish([record(topic)])


def test_a_record_the_client_will_not_take_is_named(make: Callable[..., TransactionalProducer], topic: str) -> None:
    producer = make(**{"message.max.bytes": 2000})
    producer.fence()
    large, small = record(topic, b"x" * 5000), record(topic)
    with pytest.raises(RejectedError) as caught:
        producer.publish([small, large])
    assert caught.value.records == [large]
    producer.publish([small])


def test_a_record_the_broker_will_not_take_is_named(
    make: Callable[..., TransactionalProducer], kafka: EmbeddedKafka, prefix: str
) -> None:
    create_topics(kafka.bootstrap_servers, prefix, partitions=1, config={"max.message.bytes": "1000000"})
    producer = make(**{"compression.type": "none"})
    producer.fence()
    large, small = record(prefix, b"x" * 2_000_000), record(prefix)
    with pytest.raises(RejectedError) as caught:
        producer.publish([small, large])
    assert caught.value.records == [large]
    producer.publish([small])
