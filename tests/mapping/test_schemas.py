"""Every field of the feed has a home, and every schema is as the contract says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
import pytest

from connector.mapping.schemas import load_schema, schema_dir, schema_text
from connector.streams import STREAMS, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

FEED = json.loads(Path(__file__).with_name("feed_fields.json").read_text())
WRAPPER = {
    "id": "message_id", "api_version": "api_version", "kind": "kind", "data": None,
    "data.action": "action", "data.id": "record_id", "data.timestamp": "event_time", "data.content": "content",
}  # fmt: skip
CONTROL_ONLY = {"action", "hls_url", "uid"}
"""Fields of the transcripts socket's audio event and greeting, which are never published."""
PROPERTIES = {"feedName", "feedAliases", "feedMember", "feedScalar", "feedFormat", "addedBy"}
NAMES = sorted(path.stem for path in schema_dir().glob("*.avsc"))


def fields(schema: Any) -> Iterator[dict[str, Any]]:
    """Every field, however deep."""
    if isinstance(schema, list):
        for branch in schema:
            yield from fields(branch)
    elif isinstance(schema, dict):
        yield from fields(schema.get("items"))
        for field in schema.get("fields", ()):
            yield field
            yield from fields(field["type"])


def homes(schema: Any, path: str = "") -> Iterator[str]:
    """The feed's paths that have a field."""
    if isinstance(schema, list):
        for branch in schema:
            yield from homes(branch, path)
    elif isinstance(schema, dict) and schema["type"] == "array":
        yield from homes(schema["items"], f"{path}[]")
    elif isinstance(schema, dict):
        for field in schema.get("fields", ()):
            if field.get("addedBy") == "connector":
                continue
            for name in (field.get("feedName", field["name"]), *field.get("feedAliases", ())):
                own = f"{path}.{name}" if path else name
                yield own
                if "feedMember" in field:
                    yield f"{own}[].{field['feedMember']}"
                yield from homes(field["type"], own)


@pytest.mark.parametrize("name", STREAMS)
def test_every_field_of_the_feed_has_a_home(name: str) -> None:
    schema = load_schema(name)
    if STREAMS[name].protocol is Protocol.TRANSCRIPTS:
        assert set(FEED[name]) - set(homes(schema)) == CONTROL_ONLY
        return
    content = next(field for field in schema["fields"] if field["name"] == "content")
    prefix = "data." if STREAMS[name].content_inline else "data.content."
    found = {prefix + path for path in homes(content["type"])} | set(WRAPPER)
    assert set(FEED[name]) - found == set()
    columns = {field["name"] for field in schema["fields"]}
    assert {column for column in WRAPPER.values() if column} <= columns


def test_the_feed_has_as_many_fields_as_the_fact_sheet_counts() -> None:
    accuracy = [path for path in FEED["ratings"] if ".ratings_accuracy." in path]
    assert len(accuracy) == 46
    legacy = 12  # of a stream that is presumed gone (fact sheet §3.8)
    assert sum(map(len, FEED.values())) - len(accuracy) + legacy == 225


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_valid_documented_and_open(name: str) -> None:
    schema = load_schema(name)
    fastavro.parse_schema(schema)
    assert '"enum"' not in schema_text(name)
    for field in fields(schema):
        assert field["doc"], field["name"]
        known = {"name", "type", "default", "doc"} | PROPERTIES
        assert set(field) <= known, field["name"]
        if isinstance(field["type"], list):
            assert field["type"][0] == "null"
            assert field["default"] is None


@pytest.mark.parametrize("name", STREAMS)
def test_all_payload_fields_are_nullable(name: str) -> None:
    schema = load_schema(name)
    required = {field["name"] for field in fields(schema) if not isinstance(field["type"], list)}
    assert required <= {"message_id", "received_at", "extras"}


def test_gaps_are_as_the_contract_lists_them() -> None:
    schema = load_schema("gaps")
    assert [field["name"] for field in schema["fields"]] == [
        "stream", "reason", "detected_at", "disconnected_at", "connected_at", "last_message_id", "last_event_time",
        "first_message_id", "first_event_time", "transcript_id", "first_missing", "last_missing", "detail",
    ]  # fmt: skip
    assert [isinstance(field["type"], list) for field in schema["fields"]] == [False] * 3 + [True] * 10


def test_news_securities_have_the_contracts_shape() -> None:
    content = next(field for field in load_schema("news")["fields"] if field["name"] == "content")["type"][1]
    types = {field["name"]: field["type"][1] for field in content["fields"]}
    names = [field["name"] for field in types["securities"]["items"]["fields"]]
    assert names == ["symbol", "exchange", "primary", "cusip", "isin"]
    for name in ("authors", "channels", "tags"):
        assert types[name] == {"type": "array", "items": "string"}
