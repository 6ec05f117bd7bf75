"""BLAKE2b-128 of what a frame says (contract §3, "Fingerprint").

The reference is Python's standard library: `json.dumps(data, sort_keys=True, separators=(",", ":"),
ensure_ascii=False)`. msgspec writes the same bytes, several times faster, unless a number has an exponent
(`1e+16` against `1e16`) or a string holds a lone surrogate; `Parsed.plain` tells.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any, Final

import msgspec

_DIGEST_SIZE: Final = 16
_MAX_DIGITS: Final = 4300

_canonical = msgspec.json.Encoder(order="sorted").encode


def of_bytes(payload: bytes) -> str:
    """The fingerprint of bytes as they are."""
    return blake2b(payload, digest_size=_DIGEST_SIZE).hexdigest()


def of_data(data: Any) -> str:
    """The fingerprint of a frame's `data`, parsed into objects or dicts, where parsing called it plain."""
    return blake2b(_canonical(data), digest_size=_DIGEST_SIZE).hexdigest()


def of_frame(frame: bytes) -> str:
    """The fingerprint of the `data` of any frame that is a JSON object, by the reference."""
    data = json.loads(frame, parse_int=_integer)["data"]
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return of_bytes(text.encode("utf-8", "surrogatepass"))


def _integer(literal: str) -> int | str:
    # The reference knows no longer integers; as a string they still tell one message from another.
    return int(literal) if len(literal) <= _MAX_DIGITS else literal
