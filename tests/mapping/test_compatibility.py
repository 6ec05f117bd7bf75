"""Every schema reads, and is read by, every earlier committed version of itself: FULL_TRANSITIVE."""

from __future__ import annotations

import json
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest

from connector.mapping.schemas import load_schema, schema_dir
from tests.support.avro_compatibility import problems

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in schema_dir().glob("*.avsc"))


def git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def versions(name: str) -> list[tuple[str, Any]]:
    """Commit and schema of every committed version, the oldest first."""
    path = f"schemas/{name}.avsc"
    log = git("log", "--format=%h", "--reverse", "--", path)
    found = []
    for commit in (log or "").split():
        text = git("show", f"{commit}:{path}")
        if text:
            found.append((commit, json.loads(text)))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_compatible_with_every_committed_version(name: str) -> None:
    history = versions(name)
    if not history:
        warnings.warn(f"schemas/{name}.avsc: NOT COMPARED with earlier versions, there is no git history", stacklevel=1)
        pytest.skip("no git history of the schemas: compatibility is not checked")
    now = load_schema(name)
    for commit, before in history:
        assert problems(now, before) == [], f"cannot read what {commit} wrote"
        assert problems(before, now) == [], f"{commit} cannot read what is written now"


def record(*fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields)}


A = {"name": "a", "type": "string"}
OPTIONAL = {"name": "b", "type": ["null", "long"], "default": None}
TIME = {"type": "long", "logicalType": "timestamp-micros"}


@pytest.mark.parametrize(
    ("reader", "writer", "expected"),
    [
        (record(A), record(A), []),
        (record(A, OPTIONAL), record(A), []),
        (record(A), record(A, OPTIONAL), []),
        (record(A, {"name": "b", "type": "long"}), record(A), [".b: new, without a default"]),
        (record({"name": "a", "type": "long"}), record(A), [".a: string as long"]),
        (record({"name": "a", "type": "long"}), record({"name": "a", "type": "int"}), []),
        (record({"name": "a", "type": "int"}), record({"name": "a", "type": "long"}), [".a: long as int"]),
        (record({"name": "a", "type": ["null", "string"]}), record(A), []),
        (record(A), record({"name": "a", "type": ["null", "string"]}), [".a: null as string"]),
        (record({"name": "a", "type": TIME}), record({"name": "a", "type": "long"}), [".a: None as timestamp-micros"]),
        (
            record({"name": "a", "type": {"type": "array", "items": "string"}}),
            record({"name": "a", "type": {"type": "array", "items": "long"}}),
            [".a[]: long as string"],
        ),
        ({**record(A), "name": "S"}, record(A), [": record R as S"]),
    ],
)
def test_the_rules_of_resolution(reader: Any, writer: Any, expected: list[str]) -> None:
    assert problems(reader, writer) == expected
