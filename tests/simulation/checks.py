"""What must hold after a simulated run: the contract's delivery rules, from what was sent, read and committed alone."""

from __future__ import annotations

from collections import defaultdict
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import fastavro

from connector.mapping.schemas import load_schema
from tests.support.oracle import envelope, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.kafka.records import Record
    from tests.simulation.source_model import SourceModel

PREFIX = 5
"""Bytes of the wire format before the Avro value."""


def problems(model: SourceModel) -> list[str]:
    """Everything that is wrong; empty where all is well."""
    check = _envelopes if model.stream.has_replay else _transcripts
    found = list(check(model))
    if model.left():
        found.append(f"{model.left()} are still pending after the end")
    return found


def _envelopes(model: SourceModel) -> Iterator[str]:
    places = {envelope(frame.payload).fingerprint: frame for frame in model.feed.sent}
    records = model.kafka.records(f"benzinga.{model.stream.name}")
    count: dict[int, int] = defaultdict(int)
    last: dict[str, int] = {}
    for record in records:
        frame = places[_header(record, "benzinga-fingerprint")]
        count[frame.index] += 1
        in_order = model.variant.order == "old-first" and not model.variant.interleaved and model.variant.disks <= 1
        if in_order and frame.index < last.get(frame.name, -1):
            yield f"{frame.index} comes after {last[frame.name]} of the same record"
        last[frame.name] = max(frame.index, last.get(frame.name, -1))
    yield from (f"{index} is there {times} times" for index, times in count.items() if times > 1)
    if model.variant.disks:
        received = {read.frame.index for read in model.received}
        yield from (f"{index} was received and is lost" for index in sorted(received - count.keys()))
    edges = list(_edges(model, records))
    known = _first_known(model)
    for frame in model.feed.sent:
        covered = any(low < frame.index < high for low, high in edges)
        if frame.index not in count and not covered and frame.index > known:
            yield f"{frame.index} is missing without a gap; gaps lie between {edges}"


def _first_known(model: SourceModel) -> int:
    """The message before which nothing can be missed: the first that was received, or that another disk could know."""
    if model.variant.disks == 1:
        return min((read.frame.index for read in model.received), default=len(model.feed.sent))
    places = {envelope(frame.payload).fingerprint: frame.index for frame in model.feed.sent}
    first = model.kafka.first
    return len(model.feed.sent) if first is None else places[_header(first, "benzinga-fingerprint")]


def _edges(model: SourceModel, records: list[Record]) -> Iterator[tuple[int, int]]:
    by_key = {envelope(frame.payload).key: frame.index for frame in model.feed.sent}
    by_print = {envelope(frame.payload).fingerprint: frame.index for frame in model.feed.sent}
    by_key |= {record.key.decode(): by_print[_header(record, "benzinga-fingerprint")] for record in records}
    by_key |= {envelope(read.frame.payload).key: read.frame.index for read in model.received}
    for gap in gaps(model):
        seen = (
            len(model.sent_at) if model.variant.clock_jumps else sum(at <= gap["detected_at"] for at in model.sent_at)
        )
        low = -1 if gap["last_message_id"] is None else by_key[gap["last_message_id"]]
        yield low, seen if gap["first_message_id"] is None else by_key[gap["first_message_id"]]


def _transcripts(model: SourceModel) -> Iterator[str]:
    wanted: dict[str, list[str]] = defaultdict(list)
    found: dict[str, list[str]] = defaultdict(list)
    for read in model.received:
        item = sentence(read.frame.payload)
        if wanted[item.key][-1:] != [item.fingerprint]:
            wanted[item.key].append(item.fingerprint)
    for record in model.kafka.records("benzinga.transcripts"):
        found[record.key.decode()].append(_header(record, "benzinga-fingerprint"))
    for key in wanted.keys() | found.keys():
        one, other = wanted[key], found[key]
        if (model.variant.disks == 1 and one != other) or (
            model.variant.disks and sorted(set(one)) != sorted(set(other))
        ):
            yield f"{key}: versions {_short(other)} instead of {_short(one)}"
        elif not set(other) <= set(one):
            yield f"{key}: {_short(other)} was not received"
        if any(version == after for version, after in pairwise(other)):
            yield f"{key}: twice: {_short(other)}"
    if model.variant.disks == 1:
        yield from _untold(model)


def _untold(model: SourceModel) -> Iterator[str]:
    """Sentences nobody read, of transcripts that were known to run, and that no gap tells of."""
    said = list(gaps(model))
    read = {item.frame.index for item in model.received}
    for frame in model.feed.sent:
        item = sentence(frame.payload)
        sent_at = model.sent_at[frame.index]
        if frame.index in read or any(
            gap["transcript_id"] == frame.name
            and gap["reason"] == "sequence"
            and gap["first_missing"] <= item.body["sequence"] <= gap["last_missing"]
            for gap in said
        ):
            continue
        later = [r for r in model.received if model.connected_at[r.connection] > sent_at]
        began = model.connected_at[later[0].connection] if later else 2**63
        running = any(r.frame.name == frame.name and r.at < began for r in model.received)
        told = any(
            gap["transcript_id"] == frame.name
            and gap["reason"] == "no_replay"
            and sent_at <= gap["connected_at"] <= (later[0].at if later else 2**63)
            for gap in said
        )
        if running and later and not told:
            yield f"{item.key} (#{frame.index}) is missing without a gap"


def gaps(model: SourceModel) -> Iterator[dict[str, Any]]:
    """The records of `gaps`, instants in microseconds."""
    for record in model.kafka.records("benzinga.gaps"):
        datum: Any = fastavro.schemaless_reader(BytesIO((record.value or b"")[PREFIX:]), load_schema("gaps"), None)
        yield {
            name: round(value.timestamp() * 1_000_000) if hasattr(value, "timestamp") else value
            for name, value in datum.items()
        }


def _header(record: Record, name: str) -> str:
    return dict(record.headers)[name].decode()


def _short(versions: list[str]) -> list[str]:
    return [version[:4] for version in versions]
