"""What has no field or does not fit: path → JSON text (contract §3, "extras").

A path is the names from the frame's root, `content.securities[2].foo`. A name that would make it ambiguous is
written in brackets, as JSON: `content["a.b"]`.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from connector.mapping.redaction import redact_text

LIMIT: Final = 256
"""Most entries one place of the frame may make. More unknown names in one object share the entry `<path>.*`, and
an array with more misfits goes to extras whole: what a hostile frame costs stays in proportion to its bytes."""

_PLAIN_NAME: Final = re.compile(r"[^.\[\]\"*\ud800-\udfff]+")

_encode = msgspec.json.encode


class Extras(dict[str, str]):
    """The extras of one record."""

    __slots__ = ()

    def keep(self, path: str, value: Any) -> None:
        """Keep `value`, without signed URLs and tokens."""
        self[path] = str(value) if type(value) is int else redact_text(json_text(value))

    def keep_unknown(self, path: str, members: dict[str, Any]) -> None:
        """Keep the members of the object at `path` that have no field."""
        if len(members) > LIMIT:
            self.keep(f"{path}.*" if path else "*", members)
            return
        for name, value in members.items():
            self.keep(member(path, name), value)


def member(path: str, name: str) -> str:
    """The path of member `name` of the object at `path`."""
    # The feed's own names are identifiers, the check of which is cheap.
    if not name.isidentifier() and _PLAIN_NAME.fullmatch(name) is None:
        return f"{path}[{json.dumps(name)}]"
    return f"{path}.{name}" if path else name


def json_text(value: Any) -> str:
    """`value` as JSON; ASCII alone where it holds a lone surrogate."""
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        return _ascii_json(value)


def _ascii_json(value: Any) -> str:
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_ascii_json(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_ascii_json, value)) + "]"
    return json.dumps(value)
