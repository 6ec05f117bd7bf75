"""Where the demo's alert rules are: `docs/examples/rules.yaml` in a checkout, beside this module once installed."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve()


def rules_file() -> Path:
    """The example that the documentation shows."""
    installed = _HERE.with_suffix(".yaml")
    return installed if installed.is_file() else _HERE.parents[2] / "docs" / "examples" / "rules.yaml"
