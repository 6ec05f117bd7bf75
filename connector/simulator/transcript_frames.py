"""Calls as frames of the transcripts stream: several at once, with everything that may befall a sequence (§3.7)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from connector.simulator.calls import Call, plan_call
from connector.simulator.companies import COMPANIES
from connector.simulator.control_frames import control_frame
from connector.simulator.records import Generated, shuffled, spell
from connector.simulator.values import GO_ZERO_TIME, Dice, nanoseconds, rfc3339

if TYPE_CHECKING:
    from datetime import datetime

    from connector.simulator.channel import FrameKind
    from connector.simulator.oddities import Oddities

EndMarker: TypeAlias = Literal["last-sentence", "empty", "no-sentence", "completed", "repeated", "late", "absent"]
END_MARKERS: Final[tuple[EndMarker, ...]] = (
    "last-sentence", "empty", "no-sentence", "completed", "repeated", "late", "absent",
)  # fmt: skip
"""How a call may end: COMPLETE with the last sentence, with an empty one, without `sentence`; COMPLETED; the last
sentence once more; long after the last sentence; or never."""

_SHAPE_2025: Final = {
    "message": "Call in-progress", "formats": None, "total_files": 0, "total_size": 0, "duration": 0,
    "location": "", "bucket": "", "language": "", "participants": None,
}  # fmt: skip
_SHAPE_2026: Final = {"language": "en", "participants": None}

_LATE: Final = 40
"""So many frames of the stream later comes a `late` end."""


@dataclass(frozen=True, slots=True)
class _Version:
    """One way a sentence was sent."""

    frame: dict[str, Any]
    text: str


@dataclass(slots=True)
class _Running:
    """A call in progress."""

    call: Call
    end: EndMarker
    named: bool
    """Whether speakers have names."""

    year_2026: bool
    """Which of the two documented shapes its frames have."""

    position: int = 0
    sequence: int = 0
    waiting: list[_Version] = field(default_factory=list)
    past: list[_Version] = field(default_factory=list)
    latest: dict[tuple[str, int], str] = field(default_factory=dict)
    """Transcript id and sequence → the text last sent for it: only an equal one is a duplicate."""


class Transcripts:
    """An endless, seeded stream of sentences from `calls` calls at a time."""

    def __init__(self, seed: int | str, oddities: Oddities, *, calls: int = 3, questions: int = 4) -> None:
        self.dice = Dice(seed)
        self.odd = oddities
        self.calls_at_once = calls
        self.questions = questions
        self._running: list[_Running] = []
        self._late: list[tuple[int, _Running, _Version]] = []
        self._count = 0
        self._companies = list(COMPANIES)
        self.dice.random.shuffle(self._companies)

    def next(self, now: datetime) -> Generated:
        """The next frame of some call."""
        self._count += 1
        if self.odd.garbage and self.dice.chance(0.01):
            return Generated(
                json.dumps({"call_id": self.dice.object_id(now), "sentence": f"torn {self.dice.uuid()}"}), "garbage"
            )
        if self.odd.control_frames and self.dice.chance(0.02):
            return Generated(control_frame(self.dice), "control")
        while True:
            if self._late and self._late[0][0] <= self._count:
                _, running, version = self._late.pop(0)
            else:
                running = self._some_call(now)
                next_version = running.waiting.pop(0) if running.waiting else self._advance(running, now)
                if next_version is None:
                    continue
                version = next_version
            return _sent(running, version)

    def _some_call(self, now: datetime) -> _Running:
        while len(self._running) < self.calls_at_once:
            self._running.append(self._begin(now))
        return self.dice.pick(self._running)

    def _begin(self, now: datetime) -> _Running:
        company = self._companies.pop(0)
        self._companies.append(company)
        noisy = self.odd.noisy_speech and self.dice.chance(0.4)
        return _Running(
            plan_call(self.dice, company, now, questions=self.questions, noisy=noisy),
            end=self.dice.pick(END_MARKERS) if self.odd.end_markers else "empty",
            named=self.odd.speakers and self.dice.chance(0.6),
            year_2026=self.dice.chance(0.5),
        )

    def _advance(self, running: _Running, now: datetime) -> _Version | None:
        """The call's next frame; None where it ends without one (for now)."""
        dice, call = self.dice, running.call
        if running.position >= len(call.sentences):
            self._running.remove(running)
            return self._end(running, now)
        if self.odd.corrections and running.past and dice.chance(0.03):
            return self._correct(running)
        if self.odd.restarts and running.position and dice.chance(0.003):
            call.transcript_id, running.sequence = dice.uuid(), 0
        if self.odd.sequence_holes and running.position and dice.chance(0.01):
            running.sequence += dice.integer(1, 3)
        version = self._speak(running, now)
        if running.position == len(call.sentences):
            if running.end == "last-sentence":
                self._running.remove(running)
                return self._version(version.frame | {"status": "COMPLETE"})
        elif self.odd.out_of_order and running.position < len(call.sentences) - 1 and dice.chance(0.03):
            running.waiting.append(version)
            return self._speak(running, now)
        elif self.odd.duplicates and dice.chance(0.02):
            running.waiting.append(version)
        return version

    def _speak(self, running: _Running, now: datetime) -> _Version:
        """The next sentence. It is recognised when it is over: its end is now."""
        call, company = running.call, running.call.company
        spoken = call.sentences[running.position]
        start = now - timedelta(milliseconds=spoken.end_ms - spoken.start_ms)
        frame: dict[str, Any] = {
            "call_id": call.call_id,
            "transcript_id": call.transcript_id,
            "call_title": call.title,
            "sentence": spoken.text,
            "start_time": rfc3339(nanoseconds(start)),
            "end_time": rfc3339(nanoseconds(now)),
            "symbol": company.symbol,
            "exchange": company.exchange,
            "isin": company.isin,
            "name": company.name,
            "cusip": company.cusip,
            "sequence": running.sequence,
            "status": "IN_PROGRESS",
            "words": [dict(word) for word in spoken.words],
            "confidence": spoken.confidence,
            "speaker": spoken.speaker if running.named else "",
            "type": "LIVE",
        }
        created = GO_ZERO_TIME if self.odd.zero_times and not running.year_2026 else rfc3339(nanoseconds(now))
        frame |= _SHAPE_2026 if running.year_2026 else _SHAPE_2025
        frame["created_time"] = created
        running.position += 1
        running.sequence += 1
        if self.odd.unknown_fields and self.dice.chance(0.03):
            frame["engine"] = {"model": "asr-7", "beam": 4}
            frame["words"][0]["alternatives"] = [frame["words"][0]["text"].lower()]
        if self.odd.undocumented_fields and self.dice.chance(0.03):
            person = {"participant_id": call.call_id, "name": company.ceo, "role": "CEO", "mentions": 2}
            frame["participants"] = [person | {"organization": company.name, "human_verified": False}]
        if self.odd.missing_values and self.dice.chance(0.05):
            for name in self.dice.sample(("words", "isin", "cusip", "exchange", "call_title", "end_time"), 2):
                frame[name] = None
        return self._version(frame)

    def _correct(self, running: _Running) -> _Version:
        """An earlier sentence once more: as it was, or heard otherwise."""
        earlier = self.dice.pick(running.past)
        if self.dice.chance(0.3):
            return earlier
        sentence = _corrected(earlier.frame.get("sentence") or "")
        return self._version(earlier.frame | {"sentence": sentence, "confidence": 0.97})

    def _end(self, running: _Running, now: datetime) -> _Version | None:
        if running.end == "absent":
            return None
        frame = running.past[-1].frame | {"status": "COMPLETED" if running.end == "completed" else "COMPLETE"}
        if running.end != "repeated":
            time = rfc3339(nanoseconds(now))
            frame |= {"transcript_id": running.call.transcript_id, "sequence": running.sequence, "sentence": ""}
            frame |= {"words": None, "confidence": 0, "start_time": time, "end_time": time}
        if running.end == "no-sentence":
            del frame["sentence"]
        version = self._version(frame)
        if running.end == "late":
            self._late.append((self._count + _LATE, running, version))
            return None
        return version

    def _version(self, frame: dict[str, Any]) -> _Version:
        written = shuffled(frame, self.dice) if self.odd.key_order and self.dice.chance(0.3) else frame
        if self.odd.string_numbers and self.dice.chance(0.02):
            written = written | {"sequence": str(frame["sequence"])}
        return _Version(frame, spell(written, self.dice, odd=self.odd.spelling))


def _sent(running: _Running, version: _Version) -> Generated:
    """Remember what goes out now, and say whether it is what went out last for this sentence."""
    key = (version.frame["transcript_id"], version.frame["sequence"])
    kind: FrameKind = "duplicate" if running.latest.get(key) == version.text else "message"
    running.latest[key] = version.text
    running.past.append(version)
    return Generated(version.text, kind)


def _corrected(sentence: str) -> str:
    """A second hearing: one more word, or other punctuation."""
    return sentence.replace(",", "", 1) if "," in sentence else f"And {sentence[:1].lower()}{sentence[1:]}"


def mock_frames(call: Call, now: datetime) -> list[str]:
    """All frames of a mock call, in the shape of the 2025 sample; the last one is an empty COMPLETE."""
    company, frames = call.company, []
    base = {"call_id": call.call_id, "transcript_id": call.transcript_id, "call_title": call.title}
    base |= {"symbol": company.symbol, "exchange": company.exchange, "isin": company.isin, "name": company.name}
    for sequence, spoken in enumerate(call.sentences):
        frame = base | {
            "cusip": company.cusip,
            "sentence": spoken.text,
            "start_time": rfc3339(nanoseconds(now + timedelta(milliseconds=spoken.start_ms))),
            "end_time": rfc3339(nanoseconds(now + timedelta(milliseconds=spoken.end_ms))),
            "sequence": sequence,
            "status": "IN_PROGRESS",
            "words": list(spoken.words),
            "confidence": spoken.confidence,
            "speaker": "",
            "type": "LIVE",
            **_SHAPE_2025,
            "created_time": GO_ZERO_TIME,
        }
        frames.append(json.dumps(frame, separators=(",", ":")))
    end = base | {"sentence": "", "sequence": len(frames), "status": "COMPLETE", "words": None, "type": "LIVE"}
    return [*frames, json.dumps(end, separators=(",", ":"))]
