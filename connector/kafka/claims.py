"""Who owns a stream: one record a claim on `internal.ownership`, in the first transaction after a fence.

A producer that finds itself fenced cannot tell by librdkafka's error whether another process took over or the broker
gave its epoch up (a transaction that timed out, say). The last claim tells: another instance's means give up, our own
means fence again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from connector.kafka.records import Record
from connector.kafka.tail import TailReader
from connector.kafka.topics import OWNERSHIP, topic_name
from connector.streams import STREAMS

if TYPE_CHECKING:
    import threading

    from connector.settings import Settings


class Claim(msgspec.Struct, frozen=True):
    """That `instance` took `stream` over."""

    stream: str
    instance: str
    claimed_at: int
    """Microseconds since the epoch, UTC."""


def claim_partition(stream: str) -> int:
    """Its partition of `internal.ownership`: one a stream, in the catalogue's order."""
    return list(STREAMS).index(stream)


def claim_record(settings: Settings, stream: str, instance: str) -> Record:
    """The record by which `instance` claims `stream` now."""
    now = time.time_ns()
    claim = Claim(stream, instance, now // 1000)
    return Record(
        topic_name(settings.topics, OWNERSHIP),
        claim_partition(stream),
        stream.encode(),
        msgspec.json.encode(claim),
        [("content-type", "application/json")],
        now // 1_000_000,
    )


def last_claim(settings: Settings, stream: str, stop: threading.Event) -> Claim | None:
    """The last committed claim, None where nobody ever claimed the stream. Blocks."""
    topic = topic_name(settings.topics, OWNERSHIP)
    partition = claim_partition(stream)
    with TailReader(settings.kafka, f"{settings.topics.prefix}.tail", stop) as tail:
        rows = tail.read(topic, [partition], 1, lambda _value, _timestamp: True)
    if not rows[partition]:
        return None
    return msgspec.json.decode(rows[partition][-1].value, type=Claim)
