"""Group commit, and what happens to records that Kafka refuses."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import KafkaError as RdKafkaError

from connector.errors import KafkaError
from connector.kafka.transactions import RejectedError
from connector.mapping.decoder import Decoder
from connector.messages import DeadLetter
from connector.source.publisher import Publisher
from connector.streams import STREAMS
from tests.source.test_intake import Bench, article

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.kafka.records import Record


class Topic:
    """Stands for a transactional producer: keeps what was committed, refuses or breaks as told."""

    def __init__(self) -> None:
        self.batches: list[list[Record]] = []
        self.refused_key, self.refused_topic = b"", ""
        self.breaks = 0
        self.hold: asyncio.Event | None = None
        self.began = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def publish(self, records: list[Record]) -> None:
        self._loop.call_soon_threadsafe(self.began.set)
        if self.hold is not None:
            asyncio.run_coroutine_threadsafe(self.hold.wait(), self._loop).result(10)
        if self.breaks:
            self.breaks -= 1
            raise KafkaError("gone")
        refused = [
            record
            for record in records
            if (record.key == self.refused_key and record.topic.endswith("news")) or record.topic == self.refused_topic
        ]
        if refused:
            raise RejectedError(refused, RdKafkaError(RdKafkaError.MSG_SIZE_TOO_LARGE))
        self.batches.append(list(records))


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def publisher(bench: Bench, executor: ThreadPoolExecutor) -> Publisher:
    return Publisher(
        "news",
        bench.outbox,
        builder=bench.builder,
        decoder=Decoder(STREAMS["news"]),
        metrics=bench.metrics,
        executor=executor,
        on_committed=bench.pipeline.committed,
    )


async def finished(bench: Bench, executor: ThreadPoolExecutor, topic: Any) -> None:
    bench.outbox.close()
    await publisher(bench, executor).run(topic)


async def test_what_arrives_during_a_commit_is_the_next_batch(executor: ThreadPoolExecutor) -> None:
    bench, topic = Bench(), Topic()
    topic.hold = asyncio.Event()
    running = asyncio.create_task(publisher(bench, executor).run(topic))  # type: ignore[arg-type]
    bench.receive(article(1))
    await asyncio.wait_for(topic.began.wait(), 10)
    bench.receive(article(2), article(3))
    topic.hold.set()
    bench.outbox.close()
    await running
    assert [len(batch) for batch in topic.batches] == [1, 2]
    assert bench.metric("records_published_total") == 3
    assert bench.metric("publish_seconds_count") == 3
    assert len(bench.outbox) == 0


async def test_a_message_kafka_refuses_becomes_a_dead_letter_in_the_same_transaction(
    executor: ThreadPoolExecutor,
) -> None:
    bench, topic = Bench(), Topic()
    topic.refused_key = b"a"
    large = article(1, message_id="a")
    bench.receive(large, article(2))
    await finished(bench, executor, topic)
    [batch] = topic.batches
    assert [record.topic for record in batch] == ["benzinga.dead-letters", "benzinga.news"]
    assert batch[0].value == large
    assert bench.metric("dead_letters_total", reason="encode") == 1
    assert bench.metric("records_published_total") == 1


async def test_a_dead_letter_kafka_refuses_is_said_on_gaps(executor: ThreadPoolExecutor) -> None:
    bench, topic = Bench(), Topic()
    topic.refused_topic = "benzinga.dead-letters"
    bench.receive(b"{" + b"x" * 1000)
    assert isinstance(bench.pending[0].origin, DeadLetter)
    await finished(bench, executor, topic)
    [[record]] = topic.batches
    assert record.topic == "benzinga.gaps"
    assert bench.metric("gaps_total", reason="too_large") == 1


async def test_a_producer_that_breaks_leaves_the_batch_in_flight(executor: ThreadPoolExecutor) -> None:
    bench, topic = Bench(), Topic()
    topic.breaks = 1
    bench.receive(article(1), article(2))
    bench.outbox.close()
    with pytest.raises(KafkaError, match="gone"):
        await publisher(bench, executor).run(topic)  # type: ignore[arg-type]
    assert len(bench.outbox.in_flight) == 2
    await publisher(bench, executor).run(topic)  # type: ignore[arg-type]
    assert [len(batch) for batch in topic.batches] == [2]


async def test_a_batch_is_bounded(executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.source.publisher.MAX_RECORDS", 2)
    bench, topic = Bench(), Topic()
    bench.receive(*(article(number) for number in range(5)))
    await finished(bench, executor, topic)
    assert [len(batch) for batch in topic.batches] == [2, 2, 1]
