"""The board as rich shows it, fitted to any terminal. Pure: a size and an instant in, one renderable out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from connector.demo.calls_view import alert_lines, call_lines, headline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from connector.demo.board import Board, Happening, Row

_STATE_STYLES: Final = {"live": "green", "reconnecting": "yellow", "starting": "dim"}
_KIND_STYLES: Final = {"gaps": "yellow", "dead-letters": "red", "calls": "cyan", "loss": "magenta"}
_KIND_NAMES: Final = {"gaps": "gap", "dead-letters": "dead letter"}

_LAST_FROM: Final = 20
"""Columns that must be left for a last headline to be worth showing."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table of streams."""

    title: str
    width: int
    cell: Callable[[Row, float], Text]
    total: Callable[[Board, float], str] = lambda _board, _now: ""
    left: bool = False


def _count(value: float, style: str = "") -> Text:
    return Text(f"{value:.0f}", style if value else "dim")


COLUMNS: Final = (
    Column("stream", 11, lambda row, _: Text(row.stream, "bold"), lambda *_: "all", left=True),
    Column("published", 9, lambda row, _: _count(row.published), lambda board, _: str(board.published)),
    Column("state", 12, lambda row, _: Text(row.state, _STATE_STYLES[row.state]), left=True),
    Column("dupes", 5, lambda row, _: _count(row.numbers.duplicates, "cyan"), lambda board, _: str(board.duplicates)),
    Column("gaps", 4, lambda row, _: _count(row.gaps, "yellow"), lambda board, _: str(board.gaps)),
    Column("dead", 4, lambda row, _: _count(row.dead_letters, "red"), lambda board, _: str(board.dead_letters)),
    Column("age", 5, lambda row, now: Text(age(row.last_at, now))),
    Column(
        "rate/s",
        6,
        lambda row, now: Text(f"{row.rate(now):.1f}"),
        lambda board, now: f"{sum(row.rate(now) for row in board.rows.values()):.1f}",
    ),
    Column(
        "received",
        8,
        lambda row, _: _count(row.numbers.received),
        lambda board, _: f"{sum(row.numbers.received for row in board.rows.values()):.0f}",
    ),
)
"""By importance: what does not fit is left out from the end. Shown in the order of `_SHOWN`."""

_SHOWN: Final = ("stream", "state", "rate/s", "received", "published", "dupes", "gaps", "dead", "age")


@dataclass(frozen=True, slots=True)
class Hints:
    """How to look into the topics from another terminal."""

    lines: Sequence[str]
    """By importance. The first two make sense without the others."""


def render(board: Board, hints: Hints, *, width: int, height: int, now: float, elapsed: float) -> RenderableType:
    """The whole screen: `width` by `height` characters, `now` in seconds since the epoch, `elapsed` in seconds."""
    columns, rest = fitting(width)
    short, long = _folded(hints.lines[:2], width), _folded(hints.lines, width)
    lines = shares(height - 1 - len(board.rows) - 2, hints=(len(short), len(long)))
    gap = [Text("")] if lines.gaps else []
    parts: list[RenderableType] = [_title(board, elapsed, width), _table(board, columns, rest, now)]
    if lines.calls:
        parts += [*gap, headline(board.calls, width)]
        parts += call_lines(board.calls, lines.calls - 1) + alert_lines(board.calls, lines.alerts)
    if lines.records:
        parts += [*gap, Text("last records, read from Kafka as read_committed", "bold", no_wrap=True)]
        parts += _feed(board, lines.records - 1)
    if lines.hints:
        parts += [*gap, *(long if lines.hints == len(long) else short)]
    return Group(*parts)


@dataclass(slots=True)
class Shares:
    """Lines below the table; a part's headline is one of its lines, 0 leaves the part out."""

    calls: int = 0
    alerts: int = 0
    records: int = 0
    hints: int = 0
    gaps: int = 0
    """Empty lines, one above each part."""


def shares(spare: int, *, hints: tuple[int, int]) -> Shares:
    """Who gets which of the `spare` lines; `hints`: lines of the short ones, and of all of them."""
    found = Shares()

    def give(part: str, lines: int, *, whole: bool = False) -> None:
        nonlocal spare
        more = min(lines - getattr(found, part), spare)
        if more > 0 and not (whole and getattr(found, part) + more < lines):
            setattr(found, part, getattr(found, part) + more)
            spare -= more

    # A sight of everything first, then a way to look closer, then air, then more of everything.
    for part, lines in (("calls", 3), ("alerts", 2), ("records", 3)):
        give(part, lines)
    give("hints", hints[0], whole=True)
    for part, lines in (("calls", 4), ("alerts", 3), ("records", 4)):
        give(part, lines)
    give("gaps", 3, whole=True)
    give("hints", hints[1], whole=True)
    for part, lines in (("calls", 6), ("alerts", 6), ("records", 10**6)):
        give(part, lines)
    return found


def _folded(lines: Sequence[str], width: int) -> list[Text]:
    """Folded rather than cut: a command is there to be copied."""
    return [Text(text[i : i + width], "dim") for text in lines for i in range(0, len(text), width)]


def fitting(width: int) -> tuple[list[Column], int]:
    """The columns that fit into `width`, as shown, and what is left for the last headline (0: not shown)."""
    chosen: list[Column] = []
    used = 0
    for column in COLUMNS:
        if used + column.width + 1 <= width or not chosen:
            chosen.append(column)
            used += column.width + 1
        else:
            break
    chosen.sort(key=lambda column: _SHOWN.index(column.title))
    rest = width - used
    return chosen, rest if rest >= _LAST_FROM else 0


def age(then: float | None, now: float) -> str:
    """How long ago, in at most five characters."""
    if then is None:
        return "-"
    seconds = max(0.0, now - then)
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f}s"
    if seconds < 100:  # noqa: PLR2004
        return f"{seconds:.0f}s"
    minutes = seconds / 60
    return f"{minutes:.0f}m" if minutes < 100 else f"{minutes / 60:.0f}h"  # noqa: PLR2004


def _title(board: Board, elapsed: float, width: int) -> Text:
    minutes, seconds = divmod(int(elapsed), 60)
    left = f"benzinga-kafka demo  {minutes}:{seconds:02d}  {board.published} messages in Kafka"
    right = "Ctrl-C ends it"
    gap = width - len(left) - len(right)
    text = Text(left, "bold", no_wrap=True, overflow="ellipsis")
    return text.append(" " * gap + right, "dim") if gap > 1 else text


def _table(board: Board, columns: list[Column], rest: int, now: float) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_footer=True)
    for column in columns:
        _add(table, column.title, column.total(board, now), width=column.width, left=column.left)
    if rest:
        _add(table, "last", "", width=rest, left=True)
    for row in board.rows.values():
        cells = [column.cell(row, now) for column in columns]
        table.add_row(*cells, *([Text(row.last)] if rest else []))
    return table


def _add(table: Table, title: str, total: str, *, width: int, left: bool) -> None:
    options: dict[str, Any] = {"width": width, "no_wrap": True, "overflow": "ellipsis"}
    table.add_column(
        Text(title), Text(total), justify="left" if left else "right",
        header_style="bold underline", footer_style="bold", **options,
    )  # fmt: skip


def _feed(board: Board, lines: int) -> list[Text]:
    shown = list(board.happenings)[-lines:] if lines else []
    return [_line(happening) for happening in shown] + [Text("")] * (lines - len(shown))


def _line(happening: Happening) -> Text:
    clock = time.strftime("%H:%M:%S", time.localtime(happening.at))
    style = _KIND_STYLES.get(happening.kind, "")
    name = _KIND_NAMES.get(happening.kind)
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{clock} ", "dim").append(f"{happening.stream:<11} ", "bold")
    return text.append(f"{name}: {happening.text}" if name else happening.text, style)
