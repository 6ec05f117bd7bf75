"""The dashboards as the chart ships them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from observability.__main__ import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping


def boards() -> dict[str, dict[str, Any]]:
    """Every dashboard by its file's name without `.json`."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Its panels, without the rows between them."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def filled_in(expr: str, values: Mapping[str, str]) -> str:
    """`expr` with its variables as Grafana would replace them: those not in `values` stand for everything."""
    return re.sub(r"\$(\w+)", lambda match: values.get(match[1], ".+"), expr)
