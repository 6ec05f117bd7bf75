"""A stream's decoder: the one entrance to this package.

`decode` says what a frame is and who it is known by; `encode` gives the Avro body of a message. A frame without a
surprise is written as soon as it is parsed, any other only once it is sure that the message is to be published.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.errors import EncodeError
from connector.mapping import control, fingerprint
from connector.mapping.binary import long_
from connector.mapping.datum import encoder_for
from connector.mapping.envelope import Envelope
from connector.mapping.parsing import (
    MAX_VALUES,
    NotJsonError,
    Parser,
    TooDeepError,
    has_short_numbers,
    too_many_values,
)
from connector.mapping.plain import PlainBody
from connector.mapping.redaction import redact_bytes, redact_text
from connector.mapping.schemas import load_schema
from connector.mapping.transcripts import Transcripts
from connector.messages import DeadLetter, DeadLetterReason, Decoded, Message
from connector.streams import Protocol, Stream

__all__ = ["Decoder", "EncodeError", "Encoded", "encoder_for"]


@dataclass(slots=True)
class Encoded:
    """A message as its topic carries it."""

    value: bytes
    """The Avro body, without the registry's prefix."""

    extras: int
    """How many values have no field or did not fit theirs."""


class Decoder:
    """Frames of one stream → messages → Avro. Not to be shared between threads."""

    def __init__(self, stream: Stream) -> None:
        schema = load_schema(stream.name)
        self.stream = stream
        self._parser = Parser()
        self._flat = stream.protocol is Protocol.TRANSCRIPTS
        self._mapping = Transcripts(stream, schema) if self._flat else Envelope(stream, schema)

    def decode(self, frame: bytes) -> Decoded:
        """What `frame` is; never raises, whatever the bytes."""
        if too_many_values(frame):
            return self.dead_letter("schema", f"more than {MAX_VALUES} values", frame)
        return self._mapping.plain_message(frame) or self._look_closely(frame)

    def _look_closely(self, frame: bytes) -> Decoded:
        try:
            parsed = self._parser.parse(frame, short_numbers=self._flat and has_short_numbers(frame))
        except NotJsonError as error:
            return control.of_text(frame) or self.dead_letter("not_json", str(error), frame)
        except TooDeepError as error:
            return self.dead_letter("schema", str(error), frame)
        value = parsed.value
        if type(value) is dict:
            found = self._mapping.message(parsed, frame)
            return self.dead_letter("no_data", found, frame) if isinstance(found, str) else found
        if type(value) is str:
            return control.of_string(value)
        return control.of_text(frame) or self.dead_letter(
            "not_an_object", f"a JSON {_JSON_NAMES.get(type(value), 'number')}", frame
        )

    def encode(self, message: Message, received_at: int) -> Encoded:
        """The Avro body of a message that `decode` returned; `received_at` in microseconds since the epoch.

        Raises EncodeError where the schema cannot hold it, which no frame is known to bring about.
        """
        body = message.body
        if type(body) is PlainBody:
            return Encoded(b"".join((*body.before, long_(received_at), *body.after)), body.extras)
        try:
            value, extras = self._mapping.encode(message, received_at)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            detail = redact_text(f"{type(error).__name__}: {error}")[:200]
            raise EncodeError(f"a message does not fit the schema {self.stream.name}: {detail}") from error
        return Encoded(value, len(extras))

    @staticmethod
    def dead_letter(reason: DeadLetterReason, detail: str, frame: bytes) -> DeadLetter:
        """The dead letter of a frame; signed URLs and tokens inside are `***`."""
        payload, redacted = redact_bytes(frame)
        return DeadLetter(reason, redact_text(detail), payload, fingerprint.of_bytes(payload), redacted)


_JSON_NAMES = {list: "array", bool: "boolean", type(None): "null"}
