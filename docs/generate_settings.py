"""Write `docs/settings.md` from the settings model: `python docs/generate_settings.py`."""  # noqa: INP001 - a script

from __future__ import annotations

import json
import types
import typing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, SecretStr

from connector.settings import ENV_PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

PAGE: Final = Path(__file__).with_name("settings.md")

_INTRODUCTION: Final = f"""\
# Settings

<!-- Made from connector/settings.py by docs/generate_settings.py; not to be edited by hand. -->

One YAML tree, which every command takes with `--config FILE`. Each setting is also an environment variable:
`{ENV_PREFIX}` and the path in capitals, joined by two underscores (`feed.token` is `{ENV_PREFIX}FEED__TOKEN`). The
environment wins over the file. Unknown settings are errors, and all problems are told at once. Durations are written
`250ms`, `10s`, `30m`, `12h`, `30d`; lists and maps in the environment are JSON.
"""

_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_NAMES: Final = {
    str: "text", int: "number", float: "number", bool: "true or false", Path: "path", SecretStr: "secret",
    timedelta: "duration", dict: "map",
}  # fmt: skip
_TYPES: Final = (type, types.GenericAlias, types.UnionType, type(typing.Annotated[int, 0]))
"""What stands in a union or at the head of an `Annotated`, other than its remarks."""


def page() -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    for name, field in Settings.model_fields.items():
        group = _model(field.annotation)
        if group is None:
            raise TypeError(f"{name}: the tree's first level holds groups only")
        parts += [
            f"\n## {name}\n\n{group.__doc__}\n",
            "\n| setting | type | default | meaning |\n| --- | --- | --- | --- |\n",
        ]
        parts += [f"| {' | '.join(_escaped(cell) for cell in row)} |\n" for row in _rows(name, group)]
    return "".join(parts)


def _rows(path: str, group: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    for name, field in group.model_fields.items():
        below = f"{path}.{field.alias or name}"
        if (inner := _model(field.annotation)) is not None:
            yield from _rows(below, inner)
            continue
        yield f"`{below}`", _type_name(field.annotation), _default(field), field.description or ""
        if (entry := _entry(field.annotation)) is not None:
            yield from _rows(f"{below}.*", entry)


def _model(annotation: Any) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _entry(annotation: Any) -> type[BaseModel] | None:
    """The model of a map's values, where they have one."""
    arguments = typing.get_args(annotation)
    return _model(arguments[1]) if typing.get_origin(annotation) is dict else None


def _type_name(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in {typing.Union, types.UnionType, typing.Annotated}:
        named = [_type_name(item) for item in arguments if item is not type(None) and isinstance(item, _TYPES)]
        return " or ".join(dict.fromkeys(named))
    if origin is list:
        return f"list of {_type_name(arguments[0])}"
    return _NAMES.get(origin or annotation, "any")


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return ""
    if isinstance(value, timedelta):
        return f"`{_duration(value)}`"
    if isinstance(value, list | dict | bool | int):
        return f"`{json.dumps(value)}`"
    return f"`{value}`"


def _duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, size in _UNITS:
        # `90s` rather than a minute and a half; `30d` rather than hours.
        if seconds and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds * 1000:g}ms" if seconds else "0"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
