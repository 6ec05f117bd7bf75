"""Frames that are about the connection, not about the market (contract §3, "Control frames")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.mapping.redaction import redact_text
from connector.messages import Control

if TYPE_CHECKING:
    from connector.messages import ControlType

_MAX_TEXT: Final = 200
_MAX_READ: Final = 65_536
_SIGNS: Final = ("message", "status", "event", "type", "action")
"""An object without a record is a control frame where one of these is a string."""

_TEXTS: Final[dict[str, ControlType]] = {"ping": "ping", "pong": "pong"}
_WORDS: Final[dict[str, ControlType]] = {
    "ping": "ping", "pong": "pong", "heartbeat": "status",
    "error": "error", "invalid_request_error": "error", "not_found_error": "error", "creation_error": "error",
    "update_error": "error", "deletion_error": "error", "forbidden_error": "error", "authentication_error": "error",
    "subscribe": "subscribed", "subscribed": "subscribed", "unsubscribe": "subscribed", "unsubscribed": "subscribed",
    "connected": "greeting", "greeting": "greeting", "welcome": "greeting",
    "connected to the server": "greeting",
}  # fmt: skip
_ACKNOWLEDGEMENTS: Final = ("subscribed", "unsubscribed")


def of_text(frame: bytes) -> Control | None:
    """The control frame that is no JSON object: `ping`, `pong`, bare digits, `Subscribed to …` without quotes."""
    text = frame.strip()
    if text.isdigit():
        return Control("number", _shown(text[:_MAX_READ].decode()))
    word = text[:_MAX_READ].decode("utf-8", "replace")
    if word.lower() in _TEXTS:
        return Control(_TEXTS[word.lower()], word.lower())
    if word.lower().startswith(_ACKNOWLEDGEMENTS):
        return Control("subscribed", _shown(word))
    return None


def of_string(text: str) -> Control:
    """A JSON string."""
    word = text[:_MAX_READ].strip().lower()
    if word in _TEXTS:
        return Control(_TEXTS[word], word)
    if word.startswith(_ACKNOWLEDGEMENTS):
        return Control("subscribed", _shown(text))
    return Control("string", _shown(text))


def of_object(frame: dict[str, Any]) -> Control | None:
    """A JSON object without a record; None where nothing says that it is a control frame."""
    signs = {name: value for name in _SIGNS if type(value := frame.get(name)) is str}
    if not signs:
        return None
    type_ = _type_of(frame, signs)
    if type_ == "audio":
        # The rest of an audio event is a signed URL.
        signs = {name: frame[name] for name in ("action", "symbol", "call_id") if type(frame.get(name)) is str}
    return Control(type_, _shown(" ".join(f"{name}={value[:_MAX_READ]}" for name, value in signs.items())))


def is_audio(frame: dict[str, Any]) -> bool:
    """Whether this is the transcripts socket's audio event."""
    action = frame.get("action")
    return type(action) is str and action.lower() == "audio" and frame.get("sentence") is None


def _type_of(frame: dict[str, Any], signs: dict[str, str]) -> ControlType:
    if is_audio(frame):
        return "audio"
    words = {name: value[:_MAX_TEXT].strip().lower() for name, value in signs.items()}
    named = [_WORDS[word] for word in words.values() if word in _WORDS]
    if "error" in named or frame.get("error") or words.get("type", "").endswith("_error"):
        return "error"
    if named:
        return named[0]
    return _type_of_message(words, has_uid="uid" in frame)


def _type_of_message(words: dict[str, str], *, has_uid: bool) -> ControlType:
    """The type of an object that says in no single word what it is."""
    message = words.get("message", "")
    if message.startswith(_ACKNOWLEDGEMENTS):
        return "subscribed"
    if message and (has_uid or message.startswith("connected")):
        return "greeting"
    if message and words.get("type", "status") not in {"status", "info", "message"}:
        return "error"  # the errors page's shape: `type`, `message`, perhaps `params` (fact sheet §1.2)
    return "other" if words.keys() == {"action"} else "status"


def _shown(text: str) -> str:
    text = redact_text(text[:_MAX_READ])
    return text.encode("utf-8", "backslashreplace").decode()[:_MAX_TEXT]
