"""The six streams in the common envelope: `{id, api_version, kind, data: {action, id, timestamp, content}}`.

Consensus is the odd one: its fields may sit directly in `data` (fact sheet §3.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from connector.mapping import control, fingerprint
from connector.mapping.binary import NULL, SOME, long_, string, string_map
from connector.mapping.convert import record_writer
from connector.mapping.extras import Extras, json_text, member
from connector.mapping.identity import id_text, keep_wrapper, message_of
from connector.mapping.plain import REFUSED
from connector.mapping.plain_envelope import PlainEnvelope
from connector.mapping.shape import read_record
from connector.mapping.tables import STRINGS
from connector.mapping.times import MICROSECOND, instant
from connector.mapping.values import string_

if TYPE_CHECKING:
    from connector.mapping.parsing import Parsed
    from connector.mapping.shape import Schema
    from connector.messages import Control, Message
    from connector.streams import Stream

_FIELDS: Final = (
    "message_id", "api_version", "kind", "action", "record_id",
    "event_time", "event_time_text", "received_at", "content", "extras",
)  # fmt: skip
"""The wrapper, in the order in which `encode` writes it."""

_ROOT: Final = frozenset({"id", "api_version", "kind", "data"})


class Envelope:
    """Frame ↔ message ↔ Avro body of one enveloped stream."""

    def __init__(self, stream: Stream, schema: Schema) -> None:
        if tuple(field["name"] for field in schema["fields"]) != _FIELDS:
            raise ValueError(f"schema {stream.name}: its fields must be {', '.join(_FIELDS)}")
        content = next(field for field in schema["fields"] if field["name"] == "content")
        record = read_record(content["type"][1])
        self._write_content = record_writer(record)
        self._time_field = stream.time_field
        self._inline = stream.content_inline
        self._siblings = frozenset({"action", "id", "content"} | (set() if self._inline else {self._time_field}))
        self._plain = PlainEnvelope(stream, record, self._siblings)
        self.plain_message = self._plain.message

    def message(self, parsed: Parsed, frame: bytes) -> Message | Control | str:
        """What the JSON object of a frame is; a sentence where it has no usable structure."""
        body = parsed.value
        data = body.get("data")
        if type(data) is not dict:
            if data is None:
                return control.of_object(body) or "no `data`, and nothing that says it is a control frame"
            return "`data` is no object"
        content = data.get("content")
        time = data.get(self._time_field)
        if self._inline and not time and type(content) is dict:
            time = content.get(self._time_field)
        return message_of(
            feed_id=id_text(body.get("id"), zero_is_none=False),
            content_id=id_text(content.get("id")) if type(content) is dict else None,
            data_id=id_text(data.get("id")),
            action=data.get("action"),
            time=time,
            fingerprint=fingerprint.of_data(data) if parsed.plain else fingerprint.of_frame(frame),
            body=body,
        )

    def encode(self, message: Message, received_at: int) -> tuple[bytes, Extras]:
        """The Avro body, and what went to extras."""
        body, extras = message.body, Extras()
        data = body["data"]
        content = self._content(data, extras)
        api_version = self._text("api_version", body, extras)
        kind = self._text("kind", body, extras)
        self._keep_the_rest(message, extras)
        time = message.event_time
        return b"".join(
            (
                string(message.message_id),
                api_version,
                kind,
                STRINGS[message.action],
                STRINGS[message.record_id],
                NULL if time is None else SOME + long_(time // MICROSECOND),
                STRINGS[message.event_time_text],
                long_(received_at),
                content,
                string_map(extras),
            )
        ), extras

    def _content(self, data: dict[str, Any], extras: Extras) -> bytes:
        content = data.get("content")
        if type(content) is not dict:
            if content is not None and content != "":
                extras.keep("content", content)
            content = None
        if self._inline:
            content = self._merged(data, content, extras)
        if content is None:
            return NULL
        misfits = Extras()
        try:
            record = self._plain.write_content(msgspec.convert(content, self._plain.content_type), misfits)
        except REFUSED:
            return SOME + self._write_content(content, "content", extras)
        extras.update(misfits)
        return SOME + record

    def _merged(self, data: dict[str, Any], content: dict[str, Any] | None, extras: Extras) -> dict[str, Any] | None:
        """Consensus: the fields of `data` and of `data.content` as one object; None where there are none."""
        inline = {name: value for name, value in data.items() if name not in self._siblings}
        if content is None:
            return inline or None
        for name in inline.keys() & content.keys():
            ours, theirs = inline[name], content[name]
            if theirs in (None, ""):
                content = {**content, name: ours}
            elif ours not in (None, "") and json_text(ours) != json_text(theirs):  # `True` is not 1
                extras.keep(member("data", name), ours)
        return {**inline, **content}

    def _text(self, name: str, body: dict[str, Any], extras: Extras) -> bytes:
        value = body.get(name)
        if value is None:
            return NULL
        data = string_(value)
        if data is None:
            extras.keep(name, value)
        return data or NULL

    def _keep_the_rest(self, message: Message, extras: Extras) -> None:
        """Everything outside `content` that the wrapper's own fields do not say."""
        body = message.body
        data = body["data"]
        feed_id = body.get("id")
        if not message.has_feed_id and feed_id is not None and feed_id != "":
            extras.keep("id", feed_id)
        keep_wrapper(extras, message, data.get("id"), data.get("action"))
        if not self._inline and message.event_time_text is None:
            time = data.get(self._time_field)
            found = instant(time)
            if time is not None and time != "" and (found is None or not found.unset):
                extras.keep(member("data", self._time_field), time)
        if not body.keys() <= _ROOT:
            unknown = {name: value for name, value in body.items() if name not in _ROOT}
            if "content" in unknown:  # the path `content` is that of `data.content`
                extras.keep('["content"]', unknown.pop("content"))
            extras.keep_unknown("", unknown)
        if not self._inline and not data.keys() <= self._siblings:
            extras.keep_unknown("data", {name: value for name, value in data.items() if name not in self._siblings})
