"""What rules would have done with sentences that were kept, as JSON lines: the same decoding, joining and matching."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from connector.errors import DecodeError
from connector.mapping.decoder import Decoder
from connector.mapping.times import instant
from connector.messages import Control, DeadLetter
from connector.processor.alerts import AlertEngine
from connector.processor.reader import read_sentence, read_words
from connector.processor.transcript import Outcome, Transcript
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.processor.alerts import AlertDatum
    from connector.processor.rules import RuleSet

_NULL: Final = b"null"
_LINE: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ADDED: Final = ("received_at", "extras")
"""Fields of a record that are not the feed's."""


class Trial:
    """Takes lines in their order. A transcript is never closed, so that the file may hold any time."""

    def __init__(self, rules: RuleSet) -> None:
        self.sentences = 0
        self.suppressed: Counter[str] = Counter()
        """By rule, the alerts that its cooldown held back."""

        self._engine = AlertEngine(rules, read_words)
        self._decoder = Decoder(STREAMS["transcripts"])
        self._transcripts: dict[str, Transcript] = {}
        self._remembered: dict[str, bytes] = {}
        self._clock = 0

    def take(self, number: int, line: bytes) -> Sequence[AlertDatum]:
        """The alerts of line `number`: a frame of the feed, or a record of `transcripts` as `tail` prints it.

        A frame does not say when it was received, which is what a cooldown goes by: then it is when the sentence
        began. Control frames are passed over. Raises DecodeError where the line is neither.
        """
        frame, received_at = _frame(line)
        message = self._decoder.decode(frame)
        if isinstance(message, Control):
            return ()
        if isinstance(message, DeadLetter):
            raise DecodeError(f"no sentence: {message.detail}")
        if received_at is None and message.event_time is not None:
            received_at = message.event_time // 1000
        self._clock = self._clock if received_at is None else received_at
        sentence = read_sentence(self._decoder.encode(message, self._clock).value, 0, number)
        name = sentence.transcript_id
        transcript = self._transcripts.setdefault(name, Transcript())
        self.sentences += 1
        if transcript.add(sentence) not in {Outcome.JOINED, Outcome.CORRECTED}:
            return ()
        looked = self._engine.look(sentence, transcript, self._remembered.get(name, _NULL), self._clock)
        if looked.remember is not None:
            self._remembered[name] = looked.remember
        self.suppressed.update(looked.suppressed)
        return looked.alerts


def _frame(line: bytes) -> tuple[bytes, int | None]:
    """The feed's frame, and when it was received (microseconds since the epoch) where the line says so."""
    try:
        fields = _LINE.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return line, None  # a control frame may be anything; what is none is told by the decoder
    if "topic" not in fields or "value" not in fields:
        return line, None
    try:
        value: dict[str, Any] = msgspec.json.decode(fields["value"], type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise DecodeError("no sentence: the record's value is no object") from error
    received = instant(value.get("received_at"))
    sent = {name: field for name, field in value.items() if name not in _ADDED}
    return msgspec.json.encode(sent), None if received is None else received.nanoseconds // 1000
