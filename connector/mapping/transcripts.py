"""The transcripts stream: flat sentences without an envelope (fact sheet §3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from connector.mapping import control, fingerprint
from connector.mapping.binary import long_, string_map
from connector.mapping.convert import record_writer
from connector.mapping.extras import Extras
from connector.mapping.identity import MAX_ID, id_text
from connector.mapping.parsing import has_short_numbers
from connector.mapping.plain import REFUSED, PlainBody, struct_of, writer_of
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
        self._write_plain = writer_of(record, "")
        self._decode_plain = msgspec.json.Decoder(struct_of(record, required=_REQUIRED)).decode

    def plain_message(self, frame: bytes) -> Message | None:
        """The message of a frame without a surprise and without long numbers, None for any other frame."""
        if not has_short_numbers(frame):
            return None
        try:
            sent: Any = self._decode_plain(frame)
            extras = Extras()
            record = self._write_plain(sent, extras)
            body = PlainBody((), (record, string_map(extras)), len(extras))
        except REFUSED:
            return None
        position = sent.transcript_id, sent.sequence
        if not 0 < len(sent.transcript_id) <= MAX_ID:
            return None
        return _message(position, sent.status, sent.start_time, frame, body)

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
            return "no `transcript_id`, or too long a one, or no `sequence`"
        return _message((transcript_id, sequence[0]), body.get("status"), body.get("start_time"), frame, body)

    def encode(self, message: Message, received_at: int) -> tuple[bytes, Extras]:
        """The Avro body, and what went to extras."""
        extras = Extras()
        record = self._write(message.body, "", extras)
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
