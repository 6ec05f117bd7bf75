"""docs/logging.md lists every event of the code, with its levels and fields, and no other."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
LEVELS = {
    "debug": "debug", "info": "info", "warning": "warning",
    "error": "error", "exception": "error", "critical": "critical",
}  # fmt: skip
EVERYWHERE = {"stream", "exc_info"}
"""Fields that the page explains once."""


@dataclass
class Event:
    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    open: bool = False
    """Whether a call passes `**fields`: there may be more of them than can be read in the code."""


def is_logger(node: ast.expr) -> bool:
    match node:
        case ast.Name(id="log" | "_log") | ast.Attribute(attr="_log" | "log"):
            return True
        case ast.Call(func=ast.Name(id="get_logger")):
            return True
        case _:
            return False


def calls() -> Iterator[tuple[Path, ast.Call, str]]:
    for path in sorted((ROOT / "connector").rglob("*.py")):
        if path.name == "logs.py":  # it tells others' events again
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_logger(node.func.value):
                yield path, node, node.func.attr


@pytest.fixture(scope="module")
def logged() -> dict[str, Event]:
    events: defaultdict[str, Event] = defaultdict(Event)
    for path, call, method in calls():
        if method not in LEVELS:
            continue
        name = call.args[0]
        assert isinstance(name, ast.Constant), f"{path}:{call.lineno}: an event's name is written where it is logged"
        event = events[name.value]
        event.levels.add(LEVELS[method])
        event.fields |= {keyword.arg for keyword in call.keywords if keyword.arg} - EVERYWHERE
        event.open |= any(keyword.arg is None for keyword in call.keywords)
    return dict(events)


@pytest.fixture(scope="module")
def documented() -> dict[str, Event]:
    rows = re.findall(
        r"^\| `([a-z_.]+)` \| ([a-z, ]+) \| ([^|]*) \| [^|]+ \|$",
        (ROOT / "docs/logging.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len({name for name, *_ in rows}) == len(rows), "an event has two rows"
    return {
        name: Event(set(levels.split(", ")), set(re.findall(r"`(\w+)`", fields)) - EVERYWHERE)
        for name, levels, fields in rows
    }


def test_names_are_stable_and_say_who_speaks(logged: dict[str, Event]) -> None:
    assert len(logged) > 50
    assert not [name for name in logged if not re.fullmatch(r"[a-z]+\.[a-z_]+", name)]


def test_every_event_has_its_row(logged: dict[str, Event], documented: dict[str, Event]) -> None:
    missing = {
        f"| `{name}` | {', '.join(sorted(event.levels))} | {' '.join(f'`{one}`' for one in sorted(event.fields))} | … |"
        for name, event in logged.items()
        if name not in documented
    }
    assert not missing, "add to docs/logging.md:\n" + "\n".join(sorted(missing))


def test_every_row_has_its_event(logged: dict[str, Event], documented: dict[str, Event]) -> None:
    assert documented.keys() <= logged.keys()


def test_levels_and_fields_are_those_of_the_code(logged: dict[str, Event], documented: dict[str, Event]) -> None:
    wrong = {
        name: (event.levels, event.fields)
        for name, event in logged.items()
        if (row := documented.get(name)) is not None
        and not (
            row.levels == event.levels and (row.fields >= event.fields if event.open else row.fields == event.fields)
        )
    }
    assert not wrong, f"docs/logging.md says otherwise; the code logs {wrong}"
