"""Whether one Avro schema reads what another wrote (Avro specification, "Schema Resolution").

Covers what the schemas here use: records, nullable unions, arrays, maps, primitives and logical types.
"""

from __future__ import annotations

from typing import Any

PROMOTIONS = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}


def problems(reader: Any, writer: Any, path: str = "") -> list[str]:  # noqa: PLR0911 - one return a rule
    """Why `reader` cannot read everything `writer` wrote; empty where it can."""
    if isinstance(writer, list):
        return [problem for branch in writer for problem in problems(reader, branch, path)]
    if isinstance(reader, list):
        attempts = [problems(branch, writer, path) for branch in reader]
        if any(not attempt for attempt in attempts):
            return []
        return [f"{path}: no branch for {_name(writer)}"] if len(reader) > 2 else attempts[-1]
    ours, theirs = _name(reader), _name(writer)
    if ours != theirs:
        return (
            [] if ours in PROMOTIONS.get(theirs, ()) and _logical(writer) is None else [f"{path}: {theirs} as {ours}"]
        )
    if _logical(reader) != _logical(writer):
        return [f"{path}: {_logical(writer)} as {_logical(reader)}"]
    if ours == "array":
        return problems(reader["items"], writer["items"], f"{path}[]")
    if ours == "map":
        return problems(reader["values"], writer["values"], f"{path}{{}}")
    return _record_problems(reader, writer, path) if ours == "record" else []


def _record_problems(reader: Any, writer: Any, path: str) -> list[str]:
    if reader["name"] != writer["name"]:
        return [f"{path}: record {writer['name']} as {reader['name']}"]
    written = {field["name"]: field for field in writer["fields"]}
    found = []
    for field in reader["fields"]:
        source = next((written[name] for name in (field["name"], *field.get("aliases", ())) if name in written), None)
        own = f"{path}.{field['name']}"
        if source is not None:
            found += problems(field["type"], source["type"], own)
        elif "default" not in field:
            found.append(f"{own}: new, without a default")
    return found


def _name(schema: Any) -> str:
    return schema["type"] if isinstance(schema, dict) else schema


def _logical(schema: Any) -> str | None:
    return schema.get("logicalType") if isinstance(schema, dict) else None
