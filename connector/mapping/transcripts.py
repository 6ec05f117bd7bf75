"""The transcripts stream: flat sentences without an envelope (fact sheet §3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from connector.mapping import control, fingerprint
from connector.mapping.binary import NULL, long_, string_map
from connector.mapping.convert import record_writer
from connector.mapping.extras import Extras
from connector.mapping.identity import id_text
from connector.mapping.plain import REFUSED, PlainLane
from connector.mapping.shape import read_record
from connector.mapping.times import instant
from connector.mapping.values import integer
from connector.messages import Message, TranscriptPosition

if TYPE_CHECKING:
    from connector.mapping.parsing import Parsed
    from connector.mapping.shape import Schema
    from connector.messages import Control
    from connector.streams import Stream

_END: Final = frozenset({"complete", "completed"})
_REQUIRED: Final = frozenset({"transcript_id", "sequence"})


class Transcripts:
    """Frame ↔ message ↔ Avro body of the transcripts stream."""

    def __init__(self, stream: Stream, schema: Schema) -> None:
        record = read_record(schema)
        names = [field["name"] for field in schema["fields"]]
        if names != ["received_at", *(field.name for field in record.fields), "extras"]:
            raise ValueError(f"schema {stream.name}: received_at comes first, extras last, the feed's fields between")
        self._write = record_writer(record)
        self._plain = PlainLane(record, _REQUIRED)
        self._decode_plain = msgspec.json.Decoder(self._plain.type).decode

    def plain_message(self, frame: bytes) -> Message | None:
        """The message of a frame with short numbers and without a surprise, None for any other frame."""
        try:
            body: Any = self._decode_plain(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return (
            _message((body.transcript_id, body.sequence), body.status, body.start_time, frame, body)
            if body.transcript_id
            else None
        )

    def message(self, parsed: Parsed, frame: bytes) -> Message | Control | str:
        """What the JSON object of a frame is; a sentence where it has no usable structure."""
        body = parsed.value
        if control.is_audio(body):
            return control.of_object(body) or "an audio event"
        if body.get("sentence") is None and body.get("transcript_id") is None:
            return control.of_object(body) or "no sentence, and nothing that says it is a control frame"
        sequence = integer(body.get("sequence"))
        transcript_id = id_text(body.get("transcript_id"))
        if transcript_id is None or sequence is None:
            return "no `transcript_id` or no `sequence`"
        return _message((transcript_id, sequence[0]), body.get("status"), body.get("start_time"), frame, body)

    def encode(self, message: Message, received_at: int) -> tuple[bytes, Extras]:
        """The Avro body, and what went to extras."""
        body = message.body
        extras = Extras()
        if type(body) is not dict:
            try:
                return b"".join((long_(received_at), self._plain.write(body), NULL)), extras
            except REFUSED:
                body = msgspec.to_builtins(body)
        record = self._write(body, "", extras)
        return b"".join((long_(received_at), record, string_map(extras))), extras


def _message(position: tuple[str, int], status: object, start_time: object, frame: bytes, body: Any) -> Message:
    transcript_id, sequence = position
    found = instant(start_time)
    text = id_text(start_time, zero_is_none=False)
    if found is not None and found.unset:
        found = text = None
    return Message(
        message_id=f"{transcript_id}:{sequence}",
        has_feed_id=True,
        record_id=transcript_id,
        fingerprint=fingerprint.of_bytes(frame),
        action="sentence",
        event_time=None if found is None else found.nanoseconds,
        event_time_text=text,
        has_time=found is not None,
        body=body,
        transcript=TranscriptPosition(transcript_id, sequence, ended=type(status) is str and status.lower() in _END),
    )
