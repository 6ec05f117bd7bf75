"""Results as tables on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

_console = Console(width=140)


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print rows as one table; its columns are the keys, in order of first appearance."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(title=title, title_justify="left")
    for name in names:
        text = isinstance(rows[0].get(name), str)
        table.add_column(name.replace("_", " "), justify="left" if text else "right")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    _console.print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.1f}" if abs(value) >= 100 else f"{value:,.2f}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
