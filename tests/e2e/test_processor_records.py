"""One processor and records of every kind: late, poison, cut off, too large, of an unknown schema, after an outage."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from connector.embedded import EmbeddedKafka, EmbeddedRegistry
from connector.kafka.records import Record
from tests.support.calls import all_closed, check_calls, fell_silent, write_rules
from tests.support.consume import read_topic, wait_for_records
from tests.support.speech import Carrier, frame, many_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.source import ProcessorProcess

    Processors = Callable[..., ProcessorProcess]

SECOND = 1_000_000
QUICK = {
    "PROCESSOR__GRACE": "300ms",
    "PROCESSOR__SESSION_TIMEOUT": "1500ms",
    "LOG__LEVEL": "info",
}


@pytest.fixture
def carrier(kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str) -> Iterator[Carrier]:
    """One partition, whatever `topics.partitions` says: the processor goes by what is there."""
    with Carrier(kafka.bootstrap_servers, registry.url, prefix, partitions=1) as made:
        yield made


@pytest.fixture
def calls(kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str) -> Callable[[int], list[dict]]:
    """Waits for so many records on `calls`: what they say."""

    def wait(count: int) -> list[dict]:
        found = wait_for_records(kafka.bootstrap_servers, f"{prefix}.calls", count, registry_url=registry.url)
        return [record.decoded for record in found]

    return wait


def started(process: ProcessorProcess) -> ProcessorProcess:
    process.start()
    process.until_ready()
    return process


def sentences(process: ProcessorProcess, outcome: str) -> float:
    return process.metric("benzinga_processor_sentences_total", outcome=outcome)


def test_late_too_late_and_everything_in_between(
    processor: Processors, carrier: Carrier, calls: Callable[[int], list[dict]], kafka: EmbeddedKafka, prefix: str
) -> None:
    process = started(processor(**QUICK, PROCESSOR__KEEP_CLOSED="6s"))
    carrier.carry(frame("t", 0, "First."), frame("t", 2, "Third.", status="COMPLETE"))
    [call] = calls(1)
    assert (call["revision"], call["state"], call["missing"]) == (1, "complete", [{"first": 1, "last": 1}])
    assert process.metric("benzinga_processor_missing_sentences_total") == 1
    carrier.carry(frame("t", 1, "Second."), frame("t", 1, "Second."))
    call = calls(2)[-1]
    assert (call["revision"], call["text"], call["missing"]) == (2, "First. Second. Third.", [])
    process.until(lambda: sentences(process, "duplicate") == 1)
    # The call's sentences are no longer in memory, and a record among them cannot be read: it was a dead letter.
    assert process.stop() == 0
    carrier.produce(Record(carrier.topic, 0, b"t:7", b"\0\0\0\0\1nonsense", [], int(time.time() * 1000)))
    process.start()
    carrier.carry(frame("t", 1, "Second, corrected."))
    call = calls(3)[-1]
    assert (call["revision"], call["text"]) == (3, "First. Second, corrected. Third.")
    # Kept no longer.
    process.until(lambda: carry_until_late(process, carrier), timeout=60)
    letters = read_topic(kafka.bootstrap_servers, f"{prefix}.dead-letters")
    assert {letter.headers["reason"] for letter in letters} == {"schema", "too_late"}
    assert process.metric("benzinga_processor_dead_letters_total", reason="too_late") >= 1
    assert len({call["transcript_id"] for call in calls(3)}) == 1
    assert process.stop() == 0


def carry_until_late(process: ProcessorProcess, carrier: Carrier) -> bool:
    carrier.carry(frame("t", 1, "Second, corrected."))
    time.sleep(0.2)
    return sentences(process, "late") > 0


def test_a_call_that_fell_silent_before_a_restart_closes_on_time(
    processor: Processors, carrier: Carrier, calls: Callable[[int], list[dict]]
) -> None:
    process = started(processor(**QUICK, PROCESSOR__IDLE_TIMEOUT="6s"))
    carrier.carry(frame("t", 0, "We begin."), frame("t", 1, "And then"))
    said_at = time.time()
    process.until(lambda: process.metric("benzinga_processor_open_calls") == 1)
    process.kill()
    started(process)
    ready_at = time.time()  # a slow machine may take longer for it than the call is silent
    [call] = calls(1)
    assert (call["state"], call["text"]) == ("idle", "We begin. And then")
    published_at = call["published_at"].timestamp()
    assert said_at + 5.9 < published_at < max(ready_at, said_at + 6) + 6
    process.until(lambda: process.metric("benzinga_processor_calls_published_total", reason="idle") == 1)
    assert process.stop() == 0


def test_poison_becomes_a_dead_letter_and_the_partition_goes_on(
    processor: Processors, carrier: Carrier, calls: Callable[[int], list[dict]], kafka: EmbeddedKafka, prefix: str
) -> None:
    process = started(processor(**QUICK))
    good = carrier.record(frame("t", 0, "Before."))
    poison = [b"", b"not Avro", good.value[:20], b"\0\xff\xff\xff\xff" + good.value[5:], None]
    records = [Record(carrier.topic, 0, b"t:9", value, [], good.timestamp) for value in poison]
    carrier.produce(good, *records, carrier.record(frame("t", 1, "After.", status="COMPLETE")))
    [call] = calls(1)
    assert call["text"] == "Before. After."
    letters = read_topic(kafka.bootstrap_servers, f"{prefix}.dead-letters")
    assert [letter.value for letter in letters] == [value or b"" for value in poison]
    assert {letter.headers["reason"] for letter in letters} == {"schema"}
    assert process.metric("benzinga_processor_dead_letters_total", reason="schema") == len(poison)
    assert process.events("processor.partition_failed") == []
    assert process.stop() == 0


def test_what_retention_took_from_an_open_call_is_said(
    processor: Processors, carrier: Carrier, calls: Callable[[int], list[dict]], kafka: EmbeddedKafka
) -> None:
    process = started(processor(**QUICK))
    carrier.carry(*(frame("t", n, f"Number {n}.") for n in range(6)))
    process.until(lambda: process.metric("benzinga_processor_consumer_lag_messages") == 0)
    process.until(lambda: sentences(process, "joined") == 6)
    process.kill()
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.delete_records([TopicPartition(carrier.topic, 0, 4)])[TopicPartition(carrier.topic, 0, 4)].result(30)
    started(process)
    carrier.carry(frame("t", 6, "Number 6.", status="COMPLETE"))
    [call] = calls(1)
    assert call["text"] == "Number 4. Number 5. Number 6."
    assert call["missing"] == [{"first": 0, "last": 3}]
    process.until(lambda: process.metric("benzinga_processor_missing_sentences_total") == 4)
    assert process.events("processor.call_cut_by_retention")
    assert process.stop() == 0


def test_a_call_of_ten_thousand_sentences_and_one_that_kafka_refuses(
    processor: Processors, carrier: Carrier, calls: Callable[[int], list[dict]], kafka: EmbeddedKafka, prefix: str
) -> None:
    process = started(processor(**QUICK))
    carrier.carry(
        *(frame("large", n, f"We expect {n}.", status="COMPLETE" if n == 9_999 else None) for n in range(10_000))
    )
    [call] = calls(1)
    assert (call["sentence_count"], call["missing"], call["state"]) == (10_000, [], "complete")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    smaller = ConfigEntry("max.message.bytes", "600000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, f"{prefix}.calls", incremental_configs=[smaller])
    admin.incremental_alter_configs([resource])[resource].result(30)
    words = "".join(f"{number:x} " for number in range(140_000))  # lz4 makes it smaller, but not small
    long = [frame("long", n, words[n * 40_000 : (n + 1) * 40_000]) for n in range(19)]
    carrier.carry(*long, frame("long", 19, None, status="COMPLETE"), frame("short", 0, "Brief.", status="COMPLETE"))
    call = calls(2)[-1]
    assert call["transcript_id"] == "short"
    [letter] = wait_for_records(kafka.bootstrap_servers, f"{prefix}.dead-letters", 1)
    assert (letter.value, letter.headers["reason"]) == (b"long", "encode")
    process.until(lambda: process.metric("benzinga_processor_dead_letters_total", reason="encode") == 1)
    process.until(lambda: process.metric("benzinga_processor_calls_published_total", reason="complete") == 2)
    assert process.stop() == 0


def test_an_unknown_schema_waits_for_the_registry(processor: Processors, kafka: EmbeddedKafka, prefix: str) -> None:
    with (
        EmbeddedRegistry() as registry,
        Carrier(kafka.bootstrap_servers, registry.url, prefix, partitions=1) as carrier,
    ):
        process = started(processor(**QUICK, SCHEMA_REGISTRY__URL=registry.url))
        good = carrier.record(frame("t", 1, "Known to another id.", status="COMPLETE"))
        schema_id = int.from_bytes(good.value[1:5], "big")
        with urllib.request.urlopen(f"{registry.url}/schemas/ids/{schema_id}", timeout=10) as answer:
            schema = json.loads(json.load(answer)["schema"])
        again = json.dumps({"schema": json.dumps(schema | {"doc": "Another text, and so another id."})}).encode()
        request = urllib.request.Request(
            f"{registry.url}/subjects/{prefix}.other-value/versions", again, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            other = json.load(answer)["id"]
        assert other != schema_id
        registry.stop()
        carrier.carry(frame("t", 0, "Before it."), frame("first", 0, "All of it.", status="COMPLETE"))
        strange = Record(
            carrier.topic, 0, good.key, b"\0" + other.to_bytes(4, "big") + good.value[5:], [], good.timestamp
        )
        carrier.produce(strange)
        process.until(lambda: process.events("processor.registry_waiting") != [])
        process.until(lambda: process.metric("benzinga_processor_consumer_lag_messages") >= 1)
        process.until(lambda: sentences(process, "joined") == 2)  # what came before does not wait
        assert process.get("/livez")[0] == 200
        registry.start()
        # It keeps nothing: whoever runs it has to bring the schemas back.
        process.until(lambda: process.metric("benzinga_processor_consumer_lag_messages") == 0, timeout=60)
        assert process.events("processor.partition_failed") == []
        assert process.stop() == 0


def test_rules_change_while_it_runs(
    processor: Processors,
    carrier: Carrier,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
    tmp_path: Path,
) -> None:
    file = tmp_path / "rules.yaml"
    process = started(processor(**QUICK, **write_rules(file, [{"id": "one", "any": ["margin"], "cooldown": 0}])))
    carrier.carry(frame("t", 0, "Our margin grew."))

    def alerts(count: int) -> list[dict]:
        found = wait_for_records(kafka.bootstrap_servers, f"{prefix}.alerts", count, registry_url=registry.url)
        return [record.decoded for record in found]

    [first] = alerts(1)
    file.write_text("rules: [{id: two, any: [")
    process.until(lambda: process.metric("benzinga_processor_rules_reloads_total", result="refused") == 1)
    write_rules(file, [{"id": "two", "any": ["margin"], "cooldown": 0}])
    process.until(lambda: process.metric("benzinga_processor_rules_reloads_total", result="ok") == 1)
    carrier.carry(frame("t", 1, "The margin fell."))
    second = alerts(2)[-1]
    assert (first["rule_id"], second["rule_id"]) == ("one", "two")
    assert first["rules_version"] != second["rules_version"]
    assert process.metric("benzinga_processor_rules_info", version=second["rules_version"]) == 1
    assert process.metric("benzinga_processor_rules_info") == 1
    assert process.stop() == 0


def test_lag_is_told_when_stopped_slow_idle_and_behind_an_open_transaction(
    processor: Processors, carrier: Carrier, prefix: str
) -> None:
    def lag(kind: str) -> float:
        return process.metric(f"benzinga_processor_consumer_lag_{kind}")

    process = started(processor(**QUICK))
    carrier.carry(frame("t", 0, "Now."))
    process.until(lambda: sentences(process, "joined") == 1)
    process.until(lambda: lag("messages") == 0)
    # Idle, then something old arrives while it is frozen: it was received long ago.
    process.pause()
    long_ago = int((time.time() - 100) * SECOND)
    carrier.produce(*(carrier.record(frame("t", n, "Then."), long_ago) for n in range(1, 4)))
    open_transaction = carrier._producer._producer
    open_transaction.begin_transaction()
    open_transaction.produce(carrier.topic, carrier.record(frame("t", 9, "Not yet.")).value, b"t:9", 0)
    open_transaction.flush()
    process.resume()
    process.until(lambda: sentences(process, "joined") == 4)
    process.until(lambda: lag("messages") == 0)  # what is not committed is nobody's lag
    assert lag("seconds") == 0
    assert sentences(process, "joined") == 4
    open_transaction.commit_transaction()
    process.until(lambda: sentences(process, "joined") == 5)
    assert process.stop() == 0


@pytest.mark.slow
def test_a_broker_that_is_killed_and_comes_back(
    processor: Processors, registry: EmbeddedRegistry, prefix: str, tmp_path: Path
) -> None:
    with EmbeddedKafka() as kafka, Carrier(kafka.bootstrap_servers, registry.url, prefix, partitions=1) as carrier:
        rules = write_rules(tmp_path / "rules.yaml")
        process = started(processor(**QUICK, **rules, KAFKA__BOOTSTRAP_SERVERS=kafka.bootstrap_servers))
        frames = many_calls(9, calls=40)
        half = len(frames) // 2
        carrier.carry_all(frames[:half], rate=0)
        kafka.broker(0).kill()
        time.sleep(1)  # long enough for every client to notice
        assert process.get("/livez")[0] == 200
        kafka.broker(0).start()
        carrier.carry_all(frames[half:], rate=0)
        # Calls without an end marker are told by silence: they stay open here.
        process.until(lambda: process.metric("benzinga_processor_consumer_lag_messages") == 0, timeout=60)
        process.until(lambda: sum_of(process) == len(frames), timeout=60)
        assert process.stop() == 0
        process.start()
        process.until_ready()  # before it listens to signals, a stop would end it like any other program
        read = {"registry_url": registry.url}
        ended = {json.loads(one)["transcript_id"] for one in frames if b'"status": "C' in one or b'"status": "c' in one}
        mine = [one for one in frames if json.loads(one)["transcript_id"] in ended]
        records = wait_for_records(kafka.bootstrap_servers, f"{prefix}.calls", all_closed(mine), timeout=60, **read)
        transcripts = read_topic(kafka.bootstrap_servers, f"{prefix}.transcripts", **read)
        check_calls(mine, records, fell_silent(transcripts, idle=1800.0))
        assert process.stop() == 0


def sum_of(process: ProcessorProcess) -> float:
    return process.metric("benzinga_processor_sentences_total")
