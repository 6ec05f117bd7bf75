"""The fast lane of the six enveloped streams: frames without a surprise, from bytes to Avro.

A frame is parsed straight into a type made from the stream's schema. msgspec writes its `data` again as the fingerprint
wants it, a function made from the schema writes its content. Whatever is odd about a frame makes it no frame of
this lane: `Envelope` then looks at it name by name.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec import UNSET

from connector.mapping import fingerprint
from connector.mapping.binary import NULL, SOME, long_, some_string, string, string_map
from connector.mapping.extras import Extras
from connector.mapping.identity import MAX_ID, id_text, keep_wrapper, message_of
from connector.mapping.parsing import Numbers
from connector.mapping.plain import REFUSED, PlainBody, attributes, struct_of, writer_of
from connector.mapping.shape import Record
from connector.mapping.tables import STRINGS, OddValueError
from connector.mapping.times import MICROSECOND

if TYPE_CHECKING:
    from connector.messages import Message
    from connector.streams import Stream


_Struct: TypeAlias = Any
"""An object of a type that `struct_of` made."""


class PlainEnvelope:
    """Plain frame → message and Avro body of one enveloped stream."""

    def __init__(self, stream: Stream, record: Record, siblings: frozenset[str]) -> None:
        """`siblings`: what may stand in `data` beside the record's fields."""
        self.content_type = struct_of(record, literal=True)
        self.write_content = writer_of(record, "content")
        self._time_field = stream.time_field
        inline = tuple(field for field in record.fields if stream.content_inline and field.name not in siblings)
        self._inline = tuple(attribute for field in inline for _, attribute in attributes(field))
        members: dict[str, Any] = {"action": str, "id": str | int, "content": self.content_type}
        if not stream.content_inline:
            members[stream.time_field] = str | int
        data = struct_of(Record("Data", inline), literal=True, others=members)
        frame = struct_of(Record("Frame", ()), others={"id": str | int, "api_version": str, "kind": str, "data": data})
        self._numbers = Numbers()
        self._decode = msgspec.json.Decoder(frame, float_hook=self._numbers).decode

    def message(self, frame: bytes) -> Message | None:
        """The message of a frame without a surprise, None for any other frame."""
        self._numbers.unusual = False
        try:
            sent: _Struct = self._decode(frame)
            if not sent.data or self._numbers.unusual:
                return None
            return self._message(sent, sent.data)
        except REFUSED:
            return None

    def _message(self, sent: _Struct, data: _Struct) -> Message:
        """Raises one of REFUSED where `sent` turns out not to be plain."""
        content, time = data.content, getattr(data, self._time_field)
        if not time and content and self._inline:
            time = getattr(content, self._time_field)
        if _is_long(sent.id) or _is_long(time):
            raise OddValueError  # the wrapper's fields do not hold them
        message = message_of(
            feed_id=id_text(sent.id, zero_is_none=False),
            content_id=id_text(content.id) if content else None,
            data_id=id_text(data.id),
            action=data.action,
            time=time,
            fingerprint=fingerprint.of_data(data),
        )
        message.body = self._body(message, sent, data)
        return message

    def _body(self, message: Message, sent: _Struct, data: _Struct) -> PlainBody:
        record_id, time, time_text = message.record_id, message.event_time, message.event_time_text
        content = self._merged(data) if self._inline else data.content
        extras = Extras()
        content_parts = (SOME, self.write_content(content, extras)) if content else (NULL,)
        keep_wrapper(extras, message, data.id, data.action)
        before = (
            string(message.message_id),
            STRINGS[sent.api_version],
            STRINGS[sent.kind],
            STRINGS[message.action],
            # These hardly recur: the table would only fill up with them.
            NULL if record_id is None else some_string(record_id),
            NULL if time is None else SOME + long_(time // MICROSECOND),
            NULL if time_text is None else some_string(time_text),
        )
        return PlainBody(before, (*content_parts, string_map(extras)), len(extras))

    def _merged(self, data: _Struct) -> _Struct | None:
        """Consensus: the fields of `data` and of `data.content` as one object; None where there are none."""
        sent = [(name, value) for name in self._inline if (value := getattr(data, name)) is not UNSET]
        if not sent:
            return data.content
        merged = copy(data.content) if data.content else self.content_type()
        for name, value in sent:
            if getattr(merged, name) is not UNSET:
                raise OddValueError  # both places have it
            setattr(merged, name, value)
        return merged


def _is_long(value: object) -> bool:
    """Whether `id_text` may say that it is no id."""
    return len(value) > MAX_ID if type(value) is str else type(value) is int and value.bit_length() > MAX_ID
