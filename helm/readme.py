"""The chart's README: what a person has to know, and a table of every value, made from the comments in values.yaml.

The comments are written as helm-docs reads them: `# -- ` and a text that ends where the value begins.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_KEY: Final = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z_][\w.]*):")
_LONGEST_DEFAULT: Final = 60
"""Characters of a default that fit into the table; the rest is looked up in values.yaml."""


class Value(NamedTuple):
    """A line of the table."""

    path: str
    default: Any
    text: str


def page(chart: Path) -> str:
    """The whole page."""
    head = (chart / "README.md.gotmpl").read_text(encoding="utf-8")
    rows = [
        "| value | type | default | meaning |\n| --- | --- | --- | --- |\n",
        *(_row(value) for value in documented(chart / "values.yaml")),
    ]
    return head.replace("{{ values }}", "".join(rows).rstrip())


def documented(path: Path) -> Iterator[Value]:
    """Every value with a comment, in the order of the file."""
    text = path.read_text(encoding="utf-8")
    tree = yaml.safe_load(text)
    stack: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("# -- "):
            comment = [stripped.removeprefix("# -- ")]
        elif stripped.startswith("#") and comment:
            comment.append(stripped.removeprefix("#").strip())
        elif match := _KEY.match(line):
            indent = len(match["indent"])
            stack = [item for item in stack if item[0] < indent] + [(indent, match["key"])]
            if comment:
                keys = [key for _, key in stack]
                yield Value(".".join(keys), _at(tree, keys), " ".join(comment))
            comment = []


def leaves(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all values that hold no further names."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    else:
        yield path


def _at(tree: Any, keys: list[str]) -> Any:
    for key in keys:
        tree = tree[key]
    return tree


def _row(value: Value) -> str:
    text = json.dumps(value.default, ensure_ascii=False)
    default = f"`{text}`" if len(text) <= _LONGEST_DEFAULT else "see values.yaml"
    kinds = {dict: "map", list: "list", bool: "true or false", int: "number", str: "text", type(None): "any"}
    cells = (f"`{value.path}`", kinds[type(value.default)], default, value.text)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
