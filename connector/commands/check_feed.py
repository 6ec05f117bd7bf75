"""Whether the feed lets us in: one real handshake a stream, closed in order, so that the slot is free again at once."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from connector.commands import findings
from connector.errors import ConfigurationError
from connector.feed.dial import dial
from connector.feed.endings import HANDSHAKE_ERRORS, handshake_ending
from connector.feed.retry import decide
from connector.feed.url import check_url, stream_url
from connector.streams import STREAMS

if TYPE_CHECKING:
    from connector.commands.findings import Finding
    from connector.settings import Settings
    from connector.streams import Stream

_CONFLICT: Final = 429


async def check_feed(settings: Settings) -> list[Finding]:
    """Try every configured stream, side by side: the feed allows one connection for each."""
    problems: list[Finding] = []
    token = ""
    try:
        check_url(settings.feed.url)
    except ConfigurationError as error:
        problems += findings.of_error(error)
    try:
        token = settings.feed.read_token()
    except ConfigurationError as error:
        problems += findings.of_error(error)
    if problems:
        return problems
    names = settings.feed.streams
    found = await asyncio.gather(*(_check_stream(STREAMS[name], settings, token) for name in names))
    return _merged(dict(zip(names, found, strict=True)))


async def _check_stream(stream: Stream, settings: Settings, token: str) -> Finding:
    began = time.monotonic()
    try:
        connection = await dial(
            stream_url(stream, settings.feed, token),
            open_timeout=settings.feed.open_timeout.total_seconds(),
            max_frame_bytes=settings.source.max_frame_bytes,
        )
    except HANDSHAKE_ERRORS as error:
        ending = handshake_ending(error)
        if ending.status == _CONFLICT:
            return findings.note(
                "the feed answers 429: a connection for this key and stream is open already; "
                "fine if `source` runs, else look for who else uses the key"
            )
        hint = decide(ending, first_attempt=True).hint
        return findings.problem(f"{ending.detail}{f'; {hint}' if hint else ''}")
    seconds = time.monotonic() - began
    await connection.close()
    return findings.ok(f"connected in {seconds:.1f} s")


def _merged(found: dict[str, Finding]) -> list[Finding]:
    """What several streams have in common, said once."""
    streams = defaultdict(list)
    for name, finding in found.items():
        said = "connected" if finding.level is findings.Level.OK else finding.sentence
        streams[finding.level, said].append((name, finding))
    merged = []
    for members in streams.values():
        names = ", ".join(name for name, _ in members)
        slowest = max((finding for _, finding in members), key=lambda finding: finding.sentence)
        merged.append(findings.Finding(slowest.level, f"feed, {names}: {slowest.sentence}", slowest.exit_code))
    return merged
