"""What must be in Kafka, worked out from the simulator's own record of what it sent.

Pure but for reading the record file, which it follows while the simulator writes it; a frame's text stays in the file.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from connector.demo.identity import digest, ends_call, of_envelope, of_sentence
from connector.demo.naive_join import NaiveJoin
from connector.kafka.topics import TRANSCRIPTS
from connector.streams import STREAMS, Stream

if TYPE_CHECKING:
    from pathlib import Path

    from connector.demo.identity import Identity

MESSAGES: Final = frozenset({"message", "duplicate"})
"""Kinds of frames that say something."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One line of the record: a frame the simulator published."""

    stream: str
    kind: str
    """`message`, `duplicate`, `control` or `garbage`: what it was meant to be."""

    delivered: bool
    """Whether a client was there to be sent it."""

    payload: bytes
    sent_at: float = 0.0
    """Seconds since the epoch."""


def sent(line: bytes) -> Sent:
    """Read one line of the record."""
    row: dict[str, Any] = json.loads(line)
    encoded = row.get("payload_base64")
    payload = base64.b64decode(encoded) if encoded is not None else row["payload"].encode()
    return Sent(row["stream"], row["kind"], row["delivered"], payload, row["sent_at"] / 1e6)


@dataclass(slots=True)
class Unheard:
    """A sentence sent while nobody was connected: the transcripts socket never brings it again."""

    transcript_id: str
    known: bool
    """Whether the call was running as far as a client could know, so that a gap has to be said."""


@dataclass(slots=True)
class Expectation:
    """What one stream's records must be."""

    stream: Stream
    frames: int = 0
    """Messages the simulator sent, repeats counted."""

    wanted: Counter[str] = field(default_factory=Counter)
    """By `Identity.text`: how many records there must be."""

    keys: dict[str, set[str]] = field(default_factory=dict)
    """By `Identity.text`: the keys it was sent under, one of which its record has."""

    places: dict[str, int] = field(default_factory=dict)
    """By `Identity.text`: where in the record file its first frame is."""

    dead_letters: set[str] = field(default_factory=set)
    """Digests of the frames nobody could use."""

    unheard: list[Unheard] = field(default_factory=list)
    untimed: set[str] = field(default_factory=set)
    """Fingerprints that are told apart by their key as well."""

    _last: dict[str, str] = field(default_factory=dict)
    _running: dict[str, bool] = field(default_factory=dict)

    def add(self, frame: Sent, place: int) -> None:
        """The simulator sent `frame`, which stands at `place` in its record."""
        if frame.kind == "garbage":
            # Not in the cache of a replay: only who was connected can have it.
            if frame.delivered:
                self.dead_letters.add(digest(frame.payload))
        elif frame.kind in MESSAGES:
            self.frames += 1
            if self.stream.has_replay:
                self._message(of_envelope(frame.payload, self.stream.time_field), place)
            else:
                self._sentence(frame, place)

    @property
    def messages(self) -> int:
        """How many records there must be."""
        return self.wanted.total()

    def identity(self, key: str, fingerprint: str) -> str:
        """`Identity.text` of a record with this key and fingerprint."""
        return f"{fingerprint} {key}" if fingerprint in self.untimed else fingerprint

    def _message(self, identity: Identity, place: int) -> None:
        if not identity.timed:
            self.untimed.add(identity.fingerprint)
        self.wanted[identity.text] = 1
        self._remember(identity, place)

    def _sentence(self, frame: Sent, place: int) -> None:
        body = json.loads(frame.payload)
        transcript = str(body["transcript_id"])
        if not frame.delivered:
            self.unheard.append(Unheard(transcript, self._running.get(transcript, False)))
            return
        identity = of_sentence(frame.payload)
        self._running[transcript] = self._running.get(transcript, True) and not ends_call(body)
        if self._last.get(identity.key) == identity.fingerprint:
            return
        # A correction, and a return to an earlier text, is published; only the last version again is a duplicate.
        self._last[identity.key] = identity.fingerprint
        self.untimed.add(identity.fingerprint)
        self.wanted[identity.text] += 1
        self._remember(identity, place)

    def _remember(self, identity: Identity, place: int) -> None:
        self.keys.setdefault(identity.text, set()).add(identity.key)
        self.places.setdefault(identity.text, place)


class Ledger:
    """Follows the record file; a context manager."""

    def __init__(self, path: Path) -> None:
        self.expectations = {name: Expectation(stream) for name, stream in STREAMS.items()}
        self.joined = NaiveJoin()
        """What the sentences that somebody was there for add up to."""
        self._file = path.open("rb")
        self._end = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.close()

    def follow(self) -> None:
        """Take in what was written since the last time; not while `payload` is called."""
        self._file.seek(self._end)
        # Not `for line in file`: that reads ahead, and a torn last line must be left for the next time.
        while (line := self._file.readline()).endswith(b"\n"):
            frame = sent(line)
            self.expectations[frame.stream].add(frame, self._end)
            if frame.stream == TRANSCRIPTS and frame.delivered and frame.kind in MESSAGES:
                self.joined.add(frame.payload, frame.sent_at)
            self._end += len(line)

    def payload(self, place: int) -> bytes:
        """The frame that stands at `place`; from any thread."""
        with self._lock:
            self._file.seek(place)
            line = self._file.readline()
        return sent(line).payload
