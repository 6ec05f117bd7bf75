"""One earnings call: who says what, word by word, with times and confidence. Believable, seeded, no sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from connector.simulator import speech
from connector.simulator.companies import ANALYSTS, Analyst, Company

if TYPE_CHECKING:
    from datetime import datetime

    from connector.simulator.values import Dice

_QUARTERS: Final = ("first", "second", "third", "fourth")
_MS_PER_LETTER: Final = 62
"""About 150 words a minute."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence as the recogniser heard it."""

    text: str
    speaker: str
    start_ms: int
    """From the beginning of the call."""

    end_ms: int
    words: tuple[dict[str, Any], ...]
    """`text`, `start` and `end` in ms from the sentence's start, `confidence`; the last word ends with the sentence."""

    confidence: float


@dataclass(slots=True)
class Call:
    """A call and everything that is constant over it."""

    company: Company
    call_id: str
    transcript_id: str
    title: str
    sentences: list[Spoken] = field(default_factory=list)


def plan_call(dice: Dice, company: Company, now: datetime, *, questions: int = 4, noisy: bool = False) -> Call:
    """A whole call: operator, disclaimer, prepared remarks, questions and answers, good-bye."""
    quarter = dice.integer(1, 4)
    call = Call(company, dice.object_id(now), dice.uuid(), f"Q{quarter} {now.year} Earnings Call")
    recorder = _Recorder(dice, company, _QUARTERS[quarter - 1], now, noisy=noisy)
    ceo, cfo = f"{company.ceo}, CEO", f"{company.cfo}, CFO"
    recorder.say("Operator", speech.WELCOME)
    recorder.say("Investor Relations", speech.DISCLAIMER)
    recorder.say(ceo, _some(dice, speech.CEO, 12))
    recorder.say(cfo, _some(dice, speech.CFO, 12))
    for analyst in dice.sample(ANALYSTS, questions):
        recorder.analyst = analyst
        recorder.say("Operator", (dice.pick(speech.OPERATOR_QA),))
        recorder.say(f"{analyst.name}, {analyst.firm}", _some(dice, speech.QUESTIONS, 2, keep_last=False))
        recorder.say(ceo, _some(dice, speech.ANSWERS, 4, keep_last=False))
        recorder.say(cfo, dice.sample(speech.ANSWERS[1:], dice.integer(0, 2)))
    recorder.say("Operator", speech.CLOSING[:2])
    recorder.say(ceo, speech.CLOSING[2:3])
    recorder.say("Operator", speech.CLOSING[3:])
    call.sentences = recorder.spoken
    return call


def plan_mock_call(dice: Dice, company: Company, now: datetime) -> Call:
    """The short call that a `mock` subscription brings."""
    call = Call(company, dice.object_id(now), dice.uuid(), "Q1 2025 Earnings Call")
    recorder = _Recorder(dice, company, "first", now, noisy=False)
    recorder.say("", speech.MOCK)
    call.sentences = recorder.spoken
    return call


def _some(dice: Dice, sentences: tuple[str, ...], count: int, *, keep_last: bool = True) -> list[str]:
    """The greeting, some of the middle in the order of the list, and the hand-over at the end."""
    middle = sentences[1:-1] if keep_last else sentences[1:]
    chosen = set(dice.sample(middle, max(count - dice.integer(0, count // 3), 1)))
    return [sentences[0], *(text for text in middle if text in chosen), *(sentences[-1:] if keep_last else ())]


class _Recorder:
    """Keeps the clock of the call and turns text into recognised words."""

    def __init__(self, dice: Dice, company: Company, quarter: str, now: datetime, *, noisy: bool) -> None:
        self.spoken: list[Spoken] = []
        self.analyst: Analyst = ANALYSTS[0]
        self._dice = dice
        self._company = company
        self._noisy = noisy
        self._clock = 0
        self._quarter = quarter
        self._year = str(now.year)

    def say(self, speaker: str, templates: tuple[str, ...] | list[str]) -> None:
        """Add these sentences, one after the other."""
        for template in templates:
            self._sentence(speaker, self._fill(template))

    def _sentence(self, speaker: str, text: str) -> None:
        dice = self._dice
        low, high = (0.35, 0.75) if self._noisy else (0.86, 1.0)
        words: list[dict[str, Any]] = []
        position = 0
        for word in text.split():
            end = position + max(len(word), 2) * _MS_PER_LETTER + dice.integer(20, 160)
            confidence = round(dice.number(low, high), 2)
            # JSON of the feed writes a whole confidence without decimals.
            words.append(
                {
                    "confidence": int(confidence) if confidence == int(confidence) else confidence,
                    "end": end,
                    "start": position,
                    "text": word,
                }
            )
            position = end
        mean = round(sum(word["confidence"] for word in words) / len(words), 2)
        # Live segments overlap now and then: the next one begins before this one has ended.
        overlap = dice.integer(200, 2500) if self._noisy and dice.chance(0.1) else 0
        start = max(self._clock - overlap, 0)
        self.spoken.append(Spoken(text, speaker, start, start + position, tuple(words), mean))
        self._clock = start + position + dice.integer(150, 900)

    def _fill(self, template: str) -> str:
        dice, company, analyst = self._dice, self._company, self.analyst
        name = company.name
        if self._noisy and dice.chance(0.5):
            name = _misheard(name)
        return template.format(
            name=name,
            product=company.product,
            ceo=company.ceo,
            cfo=company.cfo,
            ceo_first=company.ceo.split(" ")[0],
            cfo_first=company.cfo.split(" ")[0],
            analyst=analyst.name,
            analyst_first=analyst.name.split(" ")[0],
            firm=analyst.firm,
            quarter=self._quarter,
            year=self._year,
            daytime=dice.pick(("morning", "afternoon")),
            amount=dice.integer(80, 900),
            amount2=dice.integer(901, 1900),
            small=dice.integer(4, 60),
            small2=dice.decimal(1.1, 3.9, (1,)),
            pct=dice.integer(2, 24),
            bps=dice.integer(2, 30) * 10,
            margin=dice.decimal(18, 66, (1,)),
            eps=dice.decimal(0.04, 3.2),
            days=f"{dice.integer(2, 12)} days",
        )


def _misheard(name: str) -> str:
    """A company's name as live recognition garbles it: `Deltrix` → `del tricks`."""
    return name.lower().replace("x", "cks").replace("v", "b ").replace("ph", "f").replace("ei", "ie").strip()
