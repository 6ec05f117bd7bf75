"""What a message is known by: its ids as text (contract §3, "Record id", "Message id")."""

from __future__ import annotations

from typing import Any

from connector.mapping.values import number_text


def id_text(value: Any, *, zero_is_none: bool = True) -> str | None:
    """An id as text; None for `""`, null, and (unless it may stand for itself) the number 0.

    What is neither text nor number is no id, and neither is text that UTF-8 cannot hold: keys are UTF-8.
    """
    if type(value) is str:
        if not value:
            return None
        try:
            value.encode()
        except UnicodeEncodeError:
            return None
        return value
    if zero_is_none and value == 0:
        return None
    return number_text(value)
