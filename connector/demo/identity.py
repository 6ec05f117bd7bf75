"""Which frames are the same message: the contract's rules (§3), written a second time with the standard library alone.

What checks the connector must not use it: nothing here comes from `connector.mapping`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

_ZERO_TIME: Final = "0001-01-01T00:00:00"


@dataclass(frozen=True, slots=True)
class Identity:
    """What one message is known by."""

    key: str
    fingerprint: str
    timed: bool
    """Whether `data` carries a time, so that equal fingerprints mean the same message whatever the key."""

    @property
    def text(self) -> str:
        """Equal for two frames that are the same message."""
        return self.fingerprint if self.timed else f"{self.fingerprint} {self.key}"


def digest(data: bytes) -> str:
    """BLAKE2b-128 in hex."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def of_envelope(frame: bytes, time_field: str) -> Identity:
    """The identity of an enveloped message."""
    body = json.loads(frame)
    data = body["data"]
    fingerprint = digest(json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    data_id = _id(data.get("id"))
    derived = f"{data_id}:{fingerprint[:16]}" if data_id else fingerprint
    content = data.get("content")
    inner = content.get(time_field) if isinstance(content, dict) and time_field == "updated_at" else None
    time = data.get(time_field) or inner
    timed = bool(time) and not str(time).startswith(_ZERO_TIME)
    return Identity(_id(body.get("id")) or derived, fingerprint, timed)


def of_sentence(frame: bytes) -> Identity:
    """The identity of one version of a sentence."""
    body = json.loads(frame)
    return Identity(f"{body['transcript_id']}:{body['sequence']}", digest(frame), timed=False)


def ends_call(body: dict[str, Any]) -> bool:
    """Whether a sentence is the end marker of its call."""
    return str(body.get("status")).upper() in {"COMPLETE", "COMPLETED"}


def _id(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int) or value in {"", 0}:
        return None
    return str(value)
