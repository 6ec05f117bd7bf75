"""Frames nobody can use, frames that are too large, and connections that end in every way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from connector.simulator import Oddities
from tests.e2e.conftest import TOKEN, messages
from tests.support.consume import read_topic, wait_for_records
from tests.support.oracle import check, expected

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry
    from connector.simulator.threaded import ThreadedSimulator
    from tests.support.source import SourceProcess

GARBAGE: dict[bytes, str] = {
    b"{": "not_json",
    b"{'single': 'quotes'}": "not_json",
    b"\xff\xfe\x00binary": "not_json",
    b'{"data": NaN}': "not_json",
    b"[]": "not_an_object",
    b"[{}]": "not_an_object",
    b"null": "not_an_object",
    b"true": "not_an_object",
    b"{}": "no_data",
    b'{"data": null}': "no_data",
    b'{"data": []}': "no_data",
    b'{"data": "text"}': "no_data",
    b'{"foo": 1}': "no_data",
    b"[" * 100_000: "schema",  # nested deeper than anybody's JSON: what it is cannot be known
}
CONTROL = [b"ping", b"pong", b'"pong"', b"12345", b'"Subscribed to X"', b'{"message": "Connected", "uid": "u"}']
CONTROL += [b'{"status": "ok"}', b'{"type": "authentication_error", "message": "no", "params": []}']


def test_garbage_is_dead_lettered_byte_for_byte_and_the_stream_goes_on(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, kafka: EmbeddedKafka, prefix: str
) -> None:
    process = source('["ratings"]')
    process.start()
    process.until_ready()
    feed.wait(lambda simulator: simulator.connected("ratings"))
    secret = b'{"oops": "https://x/?token=%s&a=1"}' % TOKEN.encode()
    for payload in (*GARBAGE, secret):
        feed.call(lambda simulator, payload=payload: simulator.faults.garbage("ratings", payload))
    for payload in CONTROL:
        feed.call(lambda simulator, payload=payload: simulator.publish("ratings", payload, kind="control"))
    for payload in GARBAGE:  # again: equal bytes are the same dead letter
        feed.call(lambda simulator, payload=payload: simulator.faults.garbage("ratings", payload))
    feed.wait(lambda simulator: simulator.traffic.start("ratings", rate=0, count=20))
    wanted = expected("ratings", messages(feed, "ratings"))
    process.until(lambda: process.metric("benzinga_source_records_published_total") == len(wanted))
    assert feed.call(lambda simulator: simulator.channels["ratings"].connections) == 1

    check(wanted, read_topic(kafka.bootstrap_servers, f"{prefix}.ratings"))
    letters = read_topic(kafka.bootstrap_servers, f"{prefix}.dead-letters")
    by_payload = {letter.value: letter for letter in letters}
    assert len(by_payload) == len(letters) == len(GARBAGE) + 1
    for payload, reason in GARBAGE.items():
        letter = by_payload[payload]
        assert (letter.key, letter.headers["stream"], letter.headers["reason"]) == ("ratings", "ratings", reason)
        assert {"detail", "received-at", "connector-version"} <= letter.headers.keys()
        assert "redacted" not in letter.headers
    [masked] = [letter for letter in letters if letter.headers.get("redacted")]
    assert masked.value is not None
    assert TOKEN.encode() not in masked.value
    assert b"***" in masked.value
    assert process.metric("benzinga_source_dead_letters_total") == len(letters)
    assert process.metric("benzinga_source_control_frames_total") >= len(CONTROL)

    # A restart reads the dead letters back: a replay that brings them again adds nothing.
    assert process.stop() == 0
    process.start()
    process.until_ready()
    feed.wait(lambda simulator: simulator.connected("ratings", times=2))
    for payload in GARBAGE:
        feed.call(lambda simulator, payload=payload: simulator.faults.garbage("ratings", payload))
    process.until(lambda: process.metric("benzinga_source_duplicates_total") >= len(GARBAGE))
    assert process.stop() == 0
    assert len(read_topic(kafka.bootstrap_servers, f"{prefix}.dead-letters")) == len(letters)


def test_text_that_is_not_utf_8_does_not_stop_the_stream(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, kafka: EmbeddedKafka, prefix: str
) -> None:
    process = source('["news"]')
    process.start()
    process.until_ready()
    feed.wait(lambda simulator: simulator.connected("news"))
    payload = b'{"data": {"title": "\xff"}}'
    feed.call(lambda simulator: simulator.faults.garbage("news", payload, text=True))
    [letter] = wait_for_records(kafka.bootstrap_servers, f"{prefix}.dead-letters", 1)
    assert letter.value == payload
    feed.wait(lambda simulator: simulator.traffic.start("news", rate=0, count=5))
    process.until(lambda: process.metric("benzinga_source_records_published_total") >= 4)


def test_a_frame_that_is_too_large_is_said_once_and_the_connection_stays(
    source: Callable[..., SourceProcess],
    feed: ThreadedSimulator,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
) -> None:
    process = source('["news"]', SOURCE__MAX_FRAME_BYTES="50000")
    process.start()
    process.until_ready()
    feed.wait(lambda simulator: simulator.connected("news"))
    large = '{"data": {"id": 1, "timestamp": "2026-01-05T19:42:36Z", "content": {"body": "%s"}}}' % ("x" * 60_000)
    feed.call(lambda simulator: simulator.publish("news", large))
    feed.wait(lambda simulator: simulator.traffic.start("news", rate=0, count=5))
    process.until(lambda: process.metric("benzinga_source_gaps_total", reason="too_large") == 1)
    process.until(lambda: process.events("stream.live") != [])
    for times in (2, 3):  # every replay brings it again
        feed.call(lambda simulator: simulator.faults.drop("news"))
        feed.wait(lambda simulator, times=times: simulator.connected("news", times=times))
        process.until(lambda times=times: len(process.events("stream.live")) == times)
    assert process.stop() == 0
    gaps = read_topic(kafka.bootstrap_servers, f"{prefix}.gaps", registry_url=registry.url)
    assert [(gap.key, gap.decoded["reason"]) for gap in gaps] == [("news", "too_large")]
    assert feed.call(lambda simulator: simulator.channels["news"].connections) == 3


def test_a_monstrous_frame_ends_the_connection_but_makes_no_loop(
    source: Callable[..., SourceProcess],
    feed: ThreadedSimulator,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
) -> None:
    process = source('["news"]', SOURCE__MAX_FRAME_BYTES="20000")
    process.start()
    process.until_ready()
    feed.wait(lambda simulator: simulator.connected("news"))
    process.until(lambda: process.events("stream.live") != [])
    feed.call(lambda simulator: simulator.publish("news", '{"data": {"body": "%s"}}' % ("x" * 200_000)))
    feed.wait(lambda simulator: simulator.connected("news", times=2))
    feed.wait(lambda simulator: simulator.traffic.start("news", rate=50, count=50))
    wanted = expected("news", messages(feed, "news")[1:])
    process.until(lambda: process.metric("benzinga_source_records_published_total") == len(wanted))
    assert process.stop() == 0
    assert feed.call(lambda simulator: simulator.channels["news"].connections) == 2
    gaps = read_topic(kafka.bootstrap_servers, f"{prefix}.gaps", registry_url=registry.url)
    assert {gap.decoded["reason"] for gap in gaps} == {"too_large", "no_replay"}


@pytest.mark.parametrize("how", ["reset", "fin", "clean"])
def test_a_dropped_connection_is_made_again_and_nothing_is_missing(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, kafka: EmbeddedKafka, prefix: str, how: str
) -> None:
    process = source('["insights"]')
    process.start()
    process.until_ready()
    feed.wait(lambda simulator: simulator.connected("insights"))
    feed.wait(lambda simulator: simulator.traffic.start("insights", rate=0, count=40))
    process.until(lambda: process.metric("benzinga_source_records_published_total") > 30)
    feed.call(lambda simulator: simulator.faults.drop("insights", how))
    feed.wait(lambda simulator: simulator.traffic.start("insights", rate=0, count=40, seed=2))
    wanted = expected("insights", messages(feed, "insights"))
    process.until(lambda: process.metric("benzinga_source_records_published_total") == len(wanted))
    process.until(lambda: len(process.events("stream.live")) == 2)
    assert process.stop() == 0
    check(wanted, read_topic(kafka.bootstrap_servers, f"{prefix}.insights"))
    assert read_topic(kafka.bootstrap_servers, f"{prefix}.gaps") == []


def test_every_close_code_leads_to_a_new_connection(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator
) -> None:
    process = source('["earnings"]')
    process.start()
    process.until_ready()
    codes = (1000, 1001, 1002, 1003, 1007, 1008, 1011, 1012, 1013, 3000, 4001, 4003, 4999)
    for times, code in enumerate(codes, start=1):
        feed.wait(lambda simulator, times=times: simulator.connected("earnings", times=times))
        feed.call(lambda simulator, code=code: simulator.faults.close("earnings", code, "because"))
    feed.wait(lambda simulator: simulator.connected("earnings", times=len(codes) + 1))
    process.until(lambda: process.metric("benzinga_source_reconnects_total", reason="closed") == len(codes))
    assert process.get("/readyz")[0] == 200


def test_the_largest_frame_is_kept_whole(
    source: Callable[..., SourceProcess],
    feed: ThreadedSimulator,
    kafka: EmbeddedKafka,
    registry: EmbeddedRegistry,
    prefix: str,
) -> None:
    process = source('["news"]')
    process.start()
    process.until_ready()
    feed.wait(lambda simulator: simulator.connected("news"))
    body = "x\u00e9" * 5_500_000  # 16.5 MB of UTF-8, just below 16 MiB
    frame = json.dumps({"data": {"id": 1, "content": {"id": 2, "body": body}}}, ensure_ascii=False)
    feed.call(lambda simulator: simulator.publish("news", frame))
    feed.wait(lambda simulator: simulator.traffic.start("news", rate=0, count=5))
    process.until(lambda: process.metric("benzinga_source_records_published_total") >= 5)
    wanted = expected("news", messages(feed, "news"))
    records = wait_for_records(
        kafka.bootstrap_servers,
        f"{prefix}.news",
        len(wanted),
        registry_url=registry.url,
        options={"fetch.message.max.bytes": "20971520"},
    )
    check(wanted, records)
    assert max(len(record.decoded["content"]["body"] or "") for record in records) == len(body)
    assert feed.call(lambda simulator: simulator.channels["news"].connections) == 1


def test_ten_thousand_messages_at_once(
    source: Callable[..., SourceProcess], feed: ThreadedSimulator, kafka: EmbeddedKafka, prefix: str
) -> None:
    process = source('["earnings"]')
    process.start()
    process.until_ready()
    feed.wait(lambda simulator: simulator.connected("earnings"))
    process.until(lambda: process.events("stream.live") != [])
    feed.wait(
        lambda simulator: simulator.traffic.start("earnings", rate=0, count=10_000, oddities=Oddities.clean()),
        timeout=90,
    )
    wanted = expected("earnings", messages(feed, "earnings"))
    process.until(lambda: process.metric("benzinga_source_records_published_total") == len(wanted), timeout=60)
    check(wanted, read_topic(kafka.bootstrap_servers, f"{prefix}.earnings"))
