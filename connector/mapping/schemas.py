"""Where the Avro schemas are: beside the package in a checkout, inside it once installed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def schema_dir() -> Path:
    """The folder with the `.avsc` files."""
    installed = _PACKAGE / "schemas"
    return installed if installed.is_dir() else _PACKAGE.parent / "schemas"


@cache
def schema_text(name: str) -> str:
    """The schema of topic `name` as it stands in its file: what the registry is given."""
    return (schema_dir() / f"{name}.avsc").read_text(encoding="utf-8")


def load_schema(name: str) -> dict[str, Any]:
    """The schema of topic `name`, parsed; the caller owns the result."""
    schema: dict[str, Any] = json.loads(schema_text(name))
    return schema
