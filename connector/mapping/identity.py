"""What a message is known by: its ids as text (contract §3, "Record id", "Message id")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from connector.mapping.times import instant
from connector.mapping.values import number_text
from connector.messages import Message

if TYPE_CHECKING:
    from connector.mapping.extras import Extras

_ACTIONS: Final = {"created": "created", "updated": "updated", "deleted": "deleted", "removed": "deleted"}
_SPELLINGS: Final = _ACTIONS | {sent.capitalize(): action for sent, action in _ACTIONS.items()}
"""The documented actions as they are spelled, and what each is called here."""

MAX_ID: Final = 1024
"""Characters of an id. The feed's have 36 at most; keys, headers and the dedup windows, which hold thousands of ids of
each partition, are bounded by this whatever the feed sends. Longer text is kept in `extras`, as what is no id."""

_FINGERPRINT_IN_ID: Final = 16
_NONE: Final = (None, "", UNSET)


def id_text(value: Any, *, zero_is_none: bool = True) -> str | None:
    """An id as text; None for `""`, null, and (unless it may stand for itself) the number 0.

    What is neither text nor number is no id, and neither is text of more than MAX_ID characters, or that UTF-8 cannot
    hold: keys are UTF-8.
    """
    if type(value) is str:
        if not value or len(value) > MAX_ID:
            return None
        if value.isascii():
            return value
        try:
            value.encode()
        except UnicodeEncodeError:
            return None
        return value
    if zero_is_none and value == 0:
        return None
    number = str(value) if type(value) is int else number_text(value)
    return None if number is not None and len(number) > MAX_ID else number


def message_of(
    *,
    feed_id: str | None,
    content_id: str | None,
    data_id: str | None,
    action: object,
    time: object,
    fingerprint: str,
    body: Any = None,
) -> Message:
    """The message of an enveloped stream: `feed_id` the envelope's id, `time` as sent; ids as `id_text` has them."""
    nanoseconds, time_text = _event_time(time)
    return Message(
        message_id=feed_id or (f"{data_id}:{fingerprint[:_FINGERPRINT_IN_ID]}" if data_id else fingerprint),
        has_feed_id=feed_id is not None,
        record_id=content_id or data_id,
        fingerprint=fingerprint,
        action=_action(action),
        event_time=nanoseconds,
        event_time_text=time_text,
        has_time=nanoseconds is not None,
        body=body,
    )


def _event_time(value: object) -> tuple[int | None, str | None]:
    """Nanoseconds, and the text as sent; Go's zero time is neither."""
    found = instant(value)
    if found is not None and found.unset:
        return None, None
    text = id_text(value, zero_is_none=False)
    return (None if found is None else found.nanoseconds), text


def _action(value: object) -> str | None:
    """Lower case, `removed` → `deleted`; None where it is no text."""
    if type(value) is not str or not value:
        return None
    if (usual := _SPELLINGS.get(value)) is not None:
        return usual
    text = id_text(value.lower())
    return None if text is None else _ACTIONS.get(text, text)


def keep_wrapper(extras: Extras, message: Message, data_id: object, action: object) -> None:
    """Keep what `data` says of itself and the message's own fields do not."""
    record_id = message.record_id
    if data_id not in _NONE and (record_id is None or id_text(data_id) != record_id):
        extras.keep("data.id", data_id)
    if action not in _NONE and not _says_all(action, message.action):
        extras.keep("data.action", action)


def _says_all(sent: object, action: str | None) -> bool:
    """Whether `action` tells what was sent: documented spellings do, others only where nothing changed."""
    return action is not None and (sent == action or (type(sent) is str and sent.lower() in _ACTIONS))
