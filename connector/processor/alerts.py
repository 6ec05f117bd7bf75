"""Which alerts a sentence makes fire: no Kafka, no clock, and the same alerts for the same order of arrival.

A sentence is looked at when it arrives, with what its transcript knows then. A phrase may reach into a sentence that
arrived before the phrase's beginning did: then that one is looked at again. Nothing that was found is kept; what has
fired and what the cooldown holds back is an `AlertState`, saved with the call's entry in the transaction of the alert.

For the shell, after `Joiner.add` answered JOINED or CORRECTED:

    looked = engine.look(sentence, call.transcript, call.entry.alerts, now)
    if looked.remember is not None:
        joiner.keep_alerts(sentence.transcript_id, looked.remember)

and each of `looked.alerts` is a record, each of `looked.suppressed` a count. Sentences that are replayed after a
restart are not looked at: what came of them is in the entry.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from connector.errors import DecodeError
from connector.logs import get_logger
from connector.processor.alert_state import AlertState
from connector.processor.hits import Hits, neighbour, window
from connector.processor.spoken import start_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from connector.processor.hits import Hit
    from connector.processor.reader import Word
    from connector.processor.rules import Rule, RuleSet
    from connector.processor.sentence import Sentence
    from connector.processor.transcript import Spoken, Transcript

log = get_logger(__name__)


class AlertDatum(NamedTuple):
    """An alert."""

    alert_id: str
    rule_id: str
    transcript_id: str
    received_at: int
    """When the sentence was received whose arrival made the rule fire; microseconds since the epoch, UTC."""

    datum: dict[str, Any]
    """For `encoder_for("alerts")`."""


class Looked(NamedTuple):
    """What came of a sentence."""

    alerts: Sequence[AlertDatum] = ()
    suppressed: Sequence[str] = ()
    """Rules, one for each alert that the cooldown held back."""

    remember: bytes | None = None
    """JSON to be saved with the call's entry in the same transaction; None where nothing has changed."""


NOTHING: Final = Looked()
"""Mostly."""


class AlertEngine:
    """Looks at sentences, of any number of transcripts; threads may share it."""

    def __init__(self, rules: RuleSet, read_words: Callable[[bytes], Sequence[Word]]) -> None:
        """`read_words` decodes the timings in a record's Avro body: asked where a hit begins, and nowhere else."""
        self.rules = rules
        """May be replaced at any time; counts from the next sentence on."""

        self._read_words = read_words

    def look(self, sentence: Sentence, transcript: Transcript, remembered: bytes | memoryview, now: int) -> Looked:
        """The alerts of a sentence that `transcript` has just taken in, in the order of the rules.

        `remembered` is the last `Looked.remember` of this transcript, `null` before the first; `now` microseconds
        since the epoch. Raises DecodeError where `remembered` is something else.
        """
        hits = Hits(self.rules, transcript)
        sequence = sentence.sequence
        here = hits.of(sequence)
        found = [(sequence, number, here[number]) for number in sorted(here)] if here else []
        if sequence < transcript.highest:  # it came late
            found += [
                (later, number, crossing)
                for later in hits.within_reach(sequence)
                for number, crossing in sorted(hits.of(later).items())
                if any(hit.sequences[0] <= sequence for hit in crossing)
            ]
        if not found:
            return NOTHING
        looking = _Look(
            sentence, transcript, remembered, rules=hits.rules, hits=hits, read_words=self._read_words, now=now
        )
        for at, number, hit in found:
            looking.judge(at, number, hit)
        return looking.result()


class _Look:
    """A sentence with hits being looked at."""

    def __init__(
        self,
        sentence: Sentence,
        transcript: Transcript,
        remembered: bytes | memoryview,
        *,
        rules: RuleSet,
        hits: Hits,
        read_words: Callable[[bytes], Sequence[Word]],
        now: int,
    ) -> None:
        self._rules = rules
        self._read_words = read_words
        self._arrived = sentence
        self._transcript = transcript
        self._remembered = remembered
        self._hits = hits
        self._now = now
        self._state: AlertState | None = None
        self._alerts: list[AlertDatum] = []
        self._suppressed: list[str] = []

    def result(self) -> Looked:
        remember = self._state.dump() if self._state is not None and self._state.changed else None
        return Looked(self._alerts, self._suppressed, remember)

    def judge(self, sequence: int, number: int, hits: Sequence[Hit]) -> None:
        """Fire, or hold back, where all that the rule with this number asks for is there."""
        rule = self._rules.rules[number]
        spoken = self._transcript.spoken[sequence]
        if not _is_about(rule, self._transcript.about.symbol, spoken.speaker):
            return
        counted = self._counted(rule, hits)
        triggers = {"any", "regex"} if rule.any or rule.regex else {"all"}
        if not any(hit.use.role in triggers for hit in counted):
            return
        if rule.all or rule.none:
            around = [
                hits,
                *(self._hits.of(at).get(number, ()) for at in window(self._transcript, sequence, rule.window)),
            ]
            if any(hit.use.role == "none" for found in around for hit in found):
                return
            said = {hit.term for found in around for hit in self._counted(rule, found) if hit.use.role == "all"}
            if not said.issuperset(rule.all):
                return
        self._fire(sequence, rule, sorted(counted, key=lambda hit: hit.order))

    def _counted(self, rule: Rule, hits: Iterable[Hit]) -> list[Hit]:
        """Those that speak for the rule, and were recognised with enough confidence."""
        return [
            hit
            for hit in hits
            if hit.use.role != "none"
            and ((confidence := self._confidence(hit.sequences)) is None or confidence >= rule.min_confidence)
        ]

    def _fire(self, sequence: int, rule: Rule, hits: list[Hit]) -> None:
        if self._state is None:
            self._state = AlertState.load(self._remembered)
        state, arrived = self._state, self._arrived
        if state.has_fired(rule.id, sequence):
            return
        if state.is_cooling(rule.id, arrived.received_at, rule.cooldown_us):
            if state.hold_back(rule.id, sequence):
                self._suppressed.append(rule.id)
            return
        alert_id = _alert_id(arrived.transcript_id, sequence, rule.id)
        datum = {
            "alert_id": alert_id,
            "rule_id": rule.id,
            "rules_version": self._rules.version,
            "severity": rule.severity,
            "tags": rule.tags,
            "transcript_id": arrived.transcript_id,
            "detected_at": self._now,
            "suppressed_before": state.fire(rule.id, sequence, arrived.received_at),
            **_of_hits(hits),
            **self._of_sentence(sequence, hits),
        }
        self._alerts.append(AlertDatum(alert_id, rule.id, arrived.transcript_id, arrived.received_at, datum))

    def _of_sentence(self, sequence: int, hits: list[Hit]) -> dict[str, Any]:
        transcript = self._transcript
        spoken, about = transcript.spoken[sequence], transcript.about
        before, after = (neighbour(transcript, sequence, step) for step in (-1, 1))
        sequences = sorted({one for hit in hits for one in hit.sequences})
        return {
            "call_id": about.call_id,
            "symbol": about.symbol,
            "name": about.name,
            "call_title": about.call_title,
            "speaker": spoken.speaker,
            "sequences": sequences,
            "sentence": spoken.text,
            "before": None if before is None else transcript.spoken[before].text,
            "after": None if after is None else transcript.spoken[after].text,
            "spoken_at": self._spoken_at(hits[0]),
            "confidence": self._confidence(sequences),
            "sentence_received_at": spoken.received_at,
        }

    def _confidence(self, sequences: Iterable[int]) -> float | None:
        """The lowest; None where no sentence has one."""
        found = [self._transcript.spoken[sequence].confidence for sequence in sequences]
        return min((confidence for confidence in found if confidence is not None), default=None)

    def _spoken_at(self, hit: Hit) -> int | None:
        """When a hit began: by the word timings of its first sentence, where they are at hand."""
        spoken: Spoken = self._transcript.spoken[hit.sequences[0]]
        value = self._transcript.value(hit.sequences[0])
        if spoken.start_time is None or not value:
            return spoken.start_time
        try:
            start_ms = start_of(spoken.text, hit.begin, self._read_words(value))
        except DecodeError as error:  # the sentence was readable: the alert is worth more than its exact second
            log.warning("alerts.words_unreadable", transcript_id=self._arrived.transcript_id, error=str(error))
            start_ms = None
        return spoken.start_time + (start_ms or 0) * 1000


def _of_hits(hits: list[Hit]) -> dict[str, Any]:
    return {
        "term": hits[0].term,
        "matched_text": hits[0].matched_text,
        "hits": [
            {
                "term": hit.term,
                "matched_text": hit.matched_text,
                "start": hit.begin if len(hit.sequences) == 1 else 0,
                "end": hit.end,
            }
            for hit in hits
        ],
    }


def _is_about(rule: Rule, symbol: str | None, speaker: str | None) -> bool:
    """Whether the rule listens to this call and this speaker, in any case."""
    if rule.symbols and (symbol or "").casefold() not in {wanted.casefold() for wanted in rule.symbols}:
        return False
    heard = (speaker or "").casefold()
    return not rule.speakers or any(fnmatchcase(heard, pattern.casefold()) for pattern in rule.speakers)


def _alert_id(transcript_id: str, sequence: int, rule_id: str) -> str:
    said = f"{transcript_id}\0{sequence}\0{rule_id}".encode("utf-8", "surrogatepass")
    return blake2b(said, digest_size=16).hexdigest()
