"""Where a span stands: W3C Trace Context, as a Kafka header.

Source: https://www.w3.org/TR/trace-context-1/ §3.2. Only what is sampled carries a header, so that whoever continues
has nothing to decide.
"""

from __future__ import annotations

import re
from random import getrandbits
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER: Final = "traceparent"

_SAMPLED: Final = 0x01
_FORM: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)


class Place(NamedTuple):
    """A sampled span of a trace."""

    trace_id: int
    """128 bits, not 0."""

    span_id: int
    """64 bits, not 0."""

    def header(self) -> tuple[str, bytes]:
        """The record's header that makes whoever reads it go on from here."""
        return HEADER, f"00-{self.trace_id:032x}-{self.span_id:016x}-01".encode()

    def child(self) -> Place:
        """A new span of the same trace."""
        return Place(self.trace_id, _bits(64))


def new_place() -> Place:
    """The first span of a new trace."""
    return Place(_bits(128), _bits(64))


def place_of(headers: Iterable[tuple[str, str | bytes | None]] | None) -> Place | None:
    """What a record's headers say; None where they say nothing that can be used, or that it is not sampled."""
    for name, value in headers or ():
        if name == HEADER:
            return parse(value) if isinstance(value, bytes) else None
    return None


def parse(value: bytes) -> Place | None:
    """The place in a `traceparent`; None where it is not valid, or not sampled."""
    match = _FORM.fullmatch(value)
    if match is None:
        return None
    version, trace_id, span_id, flags = (int(part, 16) for part in match.groups()[:4])
    # A later version may have more fields; ff is forbidden.
    if version == 0xFF or (version == 0 and match[5]) or not trace_id or not span_id or not flags & _SAMPLED:  # noqa: PLR2004
        return None
    return Place(trace_id, span_id)


def _bits(count: int) -> int:
    return getrandbits(count) or 1
