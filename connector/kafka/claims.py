"""Who owns a stream: one record a claim on `internal.ownership`, in the first transaction after a fence.

An owner that leaves in order writes its claim once more, released, in the last transaction of its epoch: a process that
was fenced cannot release what another one has claimed since.

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
    """That `instance` took `stream` over, or that it gave it up again."""

    stream: str
    instance: str
    claimed_at: int
    """Microseconds since the epoch, UTC."""

    group: str | None = None
    """The consumer group through which it owns the stream; None in the claims of older versions."""

    released_at: int | None = None
    """When it gave the stream up, its socket closed and everything published; microseconds since the epoch, UTC."""


def source_group(settings: Settings) -> str:
    """The consumer group of the sources that carry these streams.

    A group's members must all be able to take every partition, so sources with other streams are another group.
    """
    name = f"{settings.topics.prefix}.source"
    carried = set(settings.feed.streams)
    return name if carried == set(STREAMS) else f"{name}.{'+'.join(stream for stream in STREAMS if stream in carried)}"


def claim_partition(stream: str) -> int:
    """Its partition of `internal.ownership`: one a stream, in the catalogue's order."""
    return list(STREAMS).index(stream)


def claim_record(settings: Settings, stream: str, instance: str) -> Record:
    """The record by which `instance` claims `stream` now."""
    return _record(settings, Claim(stream, instance, time.time_ns() // 1000, source_group(settings)))


def release_record(settings: Settings, claim: Record) -> Record:
    """The record by which the owner that wrote `claim` gives the stream up now."""
    made = msgspec.json.decode(claim.value or b"", type=Claim)
    return _record(settings, msgspec.structs.replace(made, released_at=time.time_ns() // 1000))


def _record(settings: Settings, claim: Claim) -> Record:
    return Record(
        topic_name(settings.topics, OWNERSHIP),
        claim_partition(claim.stream),
        claim.stream.encode(),
        msgspec.json.encode(claim),
        [("content-type", "application/json")],
        (claim.released_at or claim.claimed_at) // 1000,
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
