"""Distinct, believable frames that are cheap to make in great numbers.

The simulator's generator writes some hundreds of messages of about the wanted size. In each, the ids, the sequence and
the times become holes; message `n` is the next of these texts with its own values in them. So neither an id nor a time
ever recurs, and words, names and numbers recur as often as they do in some hundred messages, not in each.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connector.simulator import Oddities, source
from connector.streams import STREAMS, Protocol

TEXTS: Final = 400
"""Different texts among which the messages take turns."""

CALLS: Final = 24
"""Transcripts that run at the same time, so that every partition gets some."""

_START: Final = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
_TOLERANCE: Final = 0.12
"""Transcripts are taken as they are spoken, where their size is within this of the wanted one."""

_TEXT_ID: Final = "@id@"
_NUMBER: Final = 987_654_321_000_001
_TIME: Final = "@time@"
_HOLES: Final = re.compile(f"{_TEXT_ID}|{_NUMBER}|{_TIME}")
_LONG_TEXT: Final = {"insights": "analyst_insights", "bulls-bears": "bull_case", "news": "body"}


class Frames:
    """The messages of one stream, by number. `size` is their mean in bytes, about; None: as the generator has it.

    Sentences are of so many `calls`, which take turns.
    """

    def __init__(self, stream: str, size: int | None = None, *, calls: int = CALLS) -> None:
        self._calls = calls
        self.stream = stream
        self._transcripts = STREAMS[stream].protocol is Protocol.TRANSCRIPTS
        self._texts = [_split(_json(frame)) for frame in self._made(size)]
        self._now = time.time_ns() // 1_000_000_000

    def payload(self, n: int) -> bytes:
        """Message `n`, from 0."""
        parts, holes = self._texts[n % len(self._texts)]
        if self._transcripts:
            sequence, call = divmod(n, self._calls)
            values = {_TEXT_ID: b"%012x" % call, str(_NUMBER): b"%d" % sequence}
        else:
            values = {_TEXT_ID: b"%012x" % n, str(_NUMBER): b"%d" % (100_000_000 + n)}
        values[_TIME] = self._time(n)
        pieces = [parts[0]]
        for hole, part in zip(holes, parts[1:], strict=True):
            pieces += (values[hole], part)
        return b"".join(pieces)

    def key(self, n: int) -> str:
        """The Kafka key of message `n`, where the stream's messages have ids of their own."""
        if self._transcripts:
            sequence, call = divmod(n, self._calls)
            return f"19a052dd-59fa-4217-bf40-{call:012x}:{sequence}"
        return f"5f0d7f3e-0000-4000-8000-{n:012x}"

    def _time(self, n: int) -> bytes:
        """A millisecond later for each message, around now."""
        seconds, millis = divmod(n, 1000)
        return f"{datetime.fromtimestamp(self._now + seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z".encode()

    def _made(self, size: int | None) -> list[dict[str, Any]]:
        frames = source(self.stream, 0, Oddities.clean(), calls=CALLS)
        made: list[dict[str, Any]] = []
        now = _START
        while len(made) < TEXTS:
            frame: dict[str, Any] = json.loads(frames.next(now).text)
            now += timedelta(milliseconds=250)
            if self._transcripts:
                if size is None or abs(len(_json(frame)) / size - 1) < _TOLERANCE:
                    made.append(_sentence(frame))
            elif frame["data"].get("content") or self.stream == "consensus":
                made.append(_record(frame, self.stream))
        if size is not None and self.stream in _LONG_TEXT:
            _fit(made, _LONG_TEXT[self.stream], size)
        return made


def _sentence(frame: dict[str, Any]) -> dict[str, Any]:
    return frame | {
        "transcript_id": f"19a052dd-59fa-4217-bf40-{_TEXT_ID}",
        "sequence": _NUMBER,
        "start_time": _TIME,
        "status": "IN_PROGRESS",
    }


def _record(frame: dict[str, Any], stream: str) -> dict[str, Any]:
    data = frame["data"]
    data[STREAMS[stream].time_field] = _TIME
    if stream == "news":
        data["id"] = data["content"]["id"] = data["content"]["revision_id"] = _NUMBER
    elif stream != "consensus":
        data["id"] = data["content"]["id"] = f"695bdd0f7bad{_TEXT_ID}"
    return {**frame, "id": f"5f0d7f3e-0000-4000-8000-{_TEXT_ID}"}


def _fit(frames: list[dict[str, Any]], name: str, size: int) -> None:
    """Cut a message's long text, or append other messages' texts to it, until the message has `size` bytes."""
    texts = [frame["data"]["content"].get(name) or "" for frame in frames]
    for index, frame in enumerate(frames):
        text, other = texts[index], index
        missing = size - len(_json(frame).encode())
        wanted = max(0, len(text) + missing)
        while len(text) < wanted:
            other += 7
            text += texts[other % len(texts)] or "."
        frame["data"]["content"][name] = text[:wanted]


def _json(frame: dict[str, Any]) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def _split(text: str) -> tuple[list[bytes], list[str]]:
    """The constant parts of a text, and the kind of hole between each two."""
    return [part.encode() for part in _HOLES.split(text)], _HOLES.findall(text)
