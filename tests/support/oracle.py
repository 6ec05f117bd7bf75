"""What must be on the topics, said from the frames alone: the contract's identity rules, written a second time.

Nothing of the connector's is used but the partitioner, which has the Java client's own test vectors.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.kafka.partitioner import partition_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.consume import Record


@dataclass(frozen=True)
class Expected:
    """One record that must be there."""

    key: str
    fingerprint: str
    record_id: str | None
    routing: str
    action: str
    body: dict[str, Any]
    frame: bytes

    @property
    def identity(self) -> tuple[str, str]:
        return self.key, self.fingerprint


def digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def canonical(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def text_of(value: Any) -> str | None:
    """An id as text; none where there is none."""
    if isinstance(value, bool) or value in (None, "", 0):
        return None
    return str(value) if isinstance(value, str | int) else None


def envelope(frame: bytes) -> Expected:
    body = json.loads(frame)
    data = body["data"]
    content = data.get("content")
    fingerprint = digest(canonical(data))
    data_id = text_of(data.get("id"))
    content_id = text_of(content.get("id")) if isinstance(content, dict) else None
    record_id = content_id or data_id
    derived = f"{data_id}:{fingerprint[:16]}" if data_id else fingerprint
    key = text_of(body.get("id")) or derived
    action = str(data.get("action") or "message").lower()
    action = "deleted" if action == "removed" else action
    return Expected(key, fingerprint, record_id, record_id or key, action, body, frame)


def sentence(frame: bytes) -> Expected:
    body = json.loads(frame)
    transcript = str(body["transcript_id"])
    key = f"{transcript}:{int(body['sequence'])}"
    return Expected(key, digest(frame), transcript, transcript, "sentence", body, frame)


def is_timed(stream: str, body: dict[str, Any]) -> bool:
    """Whether a message's `data` carries a time, so that equal fingerprints mean the same message."""
    time = body["data"].get("updated_at" if stream == "consensus" else "timestamp")
    if stream == "consensus" and not time and isinstance(body["data"].get("content"), dict):
        time = body["data"]["content"].get("updated_at")
    return bool(time) and not str(time).startswith("0001-01-01T00:00:00")


def expected(stream: str, frames: Iterable[bytes]) -> list[Expected]:
    """What `frames`, in the feed's order and without control frames, must become: duplicates taken out."""
    if stream == "transcripts":
        return _sentences(frames)
    ids: set[tuple[str, str]] = set()
    contents: set[str] = set()
    out = []
    for frame in frames:
        item = envelope(frame)
        if item.identity in ids or (is_timed(stream, item.body) and item.fingerprint in contents):
            continue
        ids.add(item.identity)
        contents.add(item.fingerprint)
        out.append(item)
    return out


def _sentences(frames: Iterable[bytes]) -> list[Expected]:
    last: dict[str, str] = {}
    out = []
    for frame in frames:
        item = sentence(frame)
        if last.get(item.key) != item.fingerprint:
            last[item.key] = item.fingerprint
            out.append(item)
    return out


def identities(records: Iterable[Record]) -> Counter[tuple[str, str]]:
    """What is on a topic, as often as it is there."""
    return Counter((record.key or "", record.headers["benzinga-fingerprint"]) for record in records)


def check(wanted: list[Expected], records: list[Record]) -> None:
    """Nothing lost, nothing twice, nothing invented; every record in its partition, each record's messages in order."""
    found = identities(records)
    asked = Counter(item.identity for item in wanted)
    assert not asked - found, f"lost: {list((asked - found).items())[:5]}"
    assert not found - asked, f"twice or invented: {list((found - asked).items())[:5]}"


def check_placement(wanted: list[Expected], records: list[Record], partitions: int) -> None:
    """Partitions as the Java client chooses them, and each record's messages in the feed's order."""
    by_identity = {item.identity: item for item in wanted}
    order: dict[str, list[tuple[str, str]]] = {}
    for record in records:
        item = by_identity[record.key or "", record.headers["benzinga-fingerprint"]]
        assert record.partition == partition_for(item.routing, partitions)
        order.setdefault(item.routing, []).append(item.identity)
    for routing, found in order.items():
        assert found == [item.identity for item in wanted if item.routing == routing]
