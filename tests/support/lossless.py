"""Nothing lost, nothing invented: compares a frame with the record it became.

Written from the contract and the schemas' properties alone, with the standard library and fastavro; none of the
mapping's own code is used. Numbers are compared exactly, as the decimals their literals are.
"""

from __future__ import annotations

import email.utils
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import fastavro

ACTIONS = {"created", "updated", "deleted", "removed"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZERO = "0001-01-01T00:00:00Z"


class LostError(AssertionError):
    """Something of the frame is neither in the record nor in its extras, or the other way round."""


def exact(text: str | bytes) -> Any:
    """JSON with numbers as exact decimals."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def read(value: bytes, schema: Any) -> dict[str, Any]:
    """The record, with instants in microseconds and days as numbers; the bytes must be the generic writer's."""
    plain = fastavro.parse_schema(_without_logical_types(schema))
    stream = io.BytesIO(value)
    record: Any = fastavro.schemaless_reader(stream, plain, None)
    if stream.read():
        raise LostError("bytes are left over behind the record")
    again = io.BytesIO()
    fastavro.schemaless_writer(again, plain, record)
    if again.getvalue() != value:
        raise LostError("fastavro writes other bytes for this record")
    return record  # type: ignore[no-any-return]


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _without_logical_types(value) for key, value in schema.items() if key != "logicalType"}
    return [_without_logical_types(item) for item in schema] if isinstance(schema, list) else schema


class Comparison:
    """One frame and its record."""

    def __init__(self, frame: bytes, record: dict[str, Any], schema: dict[str, Any]) -> None:
        self.frame = exact(frame)
        self.record = record
        self.extras = {path: exact(text) for path, text in record["extras"].items()}
        self.schema = schema

    def check_transcript(self) -> None:
        fields = [field for field in self.schema["fields"] if field.get("addedBy") != "connector"]
        self.object(self.frame, fields, self.record, "")

    def check_envelope(self, *, inline: bool, time_field: str) -> None:
        record, data = self.record, self.frame["data"]
        content = data.get("content")
        ids = [content.get("id") if isinstance(content, dict) else None, data.get("id")]
        self.root(ids)
        siblings = {name: value for name, value in data.items() if name not in {"action", "id", "content"}}
        if not none(data.get("action")) and not self.kept("data.action", data["action"]):
            lower = str(data["action"]).lower()
            expected = "deleted" if lower == "removed" else lower
            if record["action"] != expected or (lower not in ACTIONS and lower != data["action"]):
                raise LostError(f"action {data['action']!r} became {record['action']!r}")
        if not inline:
            self.time(siblings.pop(time_field, None), time_field)
            self.unknown(siblings, "data", frozenset())
        fields = next(field for field in self.schema["fields"] if field["name"] == "content")["type"][1]["fields"]
        if inline:
            content = self.merged(siblings, content)
        if isinstance(content, dict):
            self.object(content, fields, record["content"], "content")
        elif not none(content) and not self.kept("content", content):
            raise LostError("content is lost")

    def root(self, ids: list[Any]) -> None:
        record, frame = self.record, self.frame
        for name in ("api_version", "kind"):
            if not none(frame.get(name)) and not self.kept(name, frame[name]):
                self.value(frame[name], {"type": ["null", "string"]}, record[name], name)
        if not none(frame.get("id")) and not self.kept("id", frame["id"]):
            self.same_text(frame["id"], record["message_id"], "id")
        if not none(ids[1]) and not self.kept("data.id", ids[1]):
            self.same_text(ids[1], record["record_id"], "data.id")
        unknown = {name: value for name, value in frame.items() if name not in {"id", "api_version", "kind", "data"}}
        self.unknown(unknown, "", frozenset({"content"}))

    def merged(self, siblings: dict[str, Any], content: Any) -> Any:
        if not isinstance(content, dict):
            if not none(content) and not self.kept("content", content):
                raise LostError("content is lost")
            return siblings or None
        both = dict(siblings) | content
        for name, value in siblings.items():
            if name in content and not none(value) and not same_json(content[name], value):
                if none(content[name]):
                    both[name] = value
                elif not self.kept(join("data", name), value):
                    raise LostError(f"data.{name} is lost")
        return both

    def time(self, value: Any, name: str) -> None:
        record = self.record
        if none(value) or value == ZERO or self.kept(join("data", name), value) or is_zero(value):
            return
        self.same_text(value, record["event_time_text"], name)
        micros = microseconds(value)
        if record["event_time"] != micros:
            raise LostError(f"{name} {value!r} became {record['event_time']}")

    def object(self, source: dict[str, Any], fields: list[Any], record: dict[str, Any], path: str) -> None:
        homes = {name: field for field in fields for name in names_of(field)}
        self.unknown({name: value for name, value in source.items() if name not in homes}, path, frozenset())
        for name, value in source.items():
            if name in homes and not none(value) and not self.kept(join(path, name), value):
                self.value(value, homes[name], record[homes[name]["name"]], join(path, name))
        for field in fields:
            if record[field["name"]] is not None and all(none(source.get(name)) for name in names_of(field)):
                raise LostError(f"{path}.{field['name']} is invented")

    def unknown(self, members: dict[str, Any], path: str, bracketed: frozenset[str]) -> None:
        together = f"{path}.*" if path else "*"
        for name, value in members.items():
            own = f"{path}[{json.dumps(name)}]" if name in bracketed else join(path, name)
            if not self.kept(own, value) and self.extras.get(together, {}).get(name, LostError) != value:
                raise LostError(f"{own} is lost")

    def kept(self, path: str, value: Any) -> bool:
        return path in self.extras and same_json(self.extras[path], value)

    def value(self, value: Any, field: dict[str, Any], found: Any, path: str) -> None:
        type_ = field["type"][1]
        if field.get("feedFormat") == "json":
            ok = found is not None and same_json(exact(found), value)
        elif isinstance(type_, dict) and type_["type"] == "record":
            value = {field["feedScalar"]: value} if isinstance(value, str) and "feedScalar" in field else value
            if not isinstance(value, dict) or found is None:
                raise LostError(f"{path} is lost")
            return self.object(value, type_["fields"], found, path)
        elif isinstance(type_, dict) and type_["type"] == "array":
            return self.array(value, field, found, path)
        elif isinstance(value, dict) and "feedMember" in field:
            rest = {name: item for name, item in value.items() if name != field["feedMember"]}
            self.unknown(rest, path, frozenset())
            return self.value(value.get(field["feedMember"]), {"type": field["type"]}, found, path)
        else:
            ok = none(value) or same_scalar(value, type_, found)
        if not ok:
            raise LostError(f"{path}: {value!r} became {found!r}")
        return None

    def array(self, value: Any, field: dict[str, Any], found: Any, path: str) -> None:
        if found is None:
            raise LostError(f"{path} is lost")
        items = [(item, f"{path}[{index}]") for index, item in enumerate(value)] if isinstance(value, list) else []
        items = items if isinstance(value, list) else [(value, path)]
        rest = iter(found)
        for item, own in items:
            if self.kept(own, item):
                continue
            record = next(rest, LostError)
            if record is LostError:
                raise LostError(f"{own} is lost")
            if isinstance(record, str):
                text = item.get(field["feedMember"]) if isinstance(item, dict) else item
                if isinstance(item, dict):
                    others = {name: other for name, other in item.items() if name != field["feedMember"]}
                    self.unknown(others, own, frozenset())
                if text != "" or record != "":
                    self.same_text(text, record, own)
            else:
                self.value(item, field | {"type": ["null", field["type"][1]["items"]]}, record, own)
        if next(rest, LostError) is not LostError:
            raise LostError(f"{path}: an element is invented")

    def same_text(self, value: Any, found: Any, path: str) -> None:
        if found is None or not (found == value or (isinstance(value, Decimal) and number(found) == value)):
            raise LostError(f"{path}: {value!r} became {found!r}")


def names_of(field: dict[str, Any]) -> list[str]:
    return [field.get("feedName", field["name"]), *field.get("feedAliases", ())]


def none(value: Any) -> bool:
    return value is None or value == ""


def join(path: str, name: str) -> str:
    if name == "" or re.search(r'[.\[\]"*\ud800-\udfff]', name):
        return f"{path}[{json.dumps(name)}]"
    return f"{path}.{name}" if path else name


def number(text: Any) -> Decimal | None:
    try:
        return Decimal(text) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", text) else None
    except (InvalidOperation, TypeError):
        return None


def same_json(one: Any, other: Any) -> bool:
    """Equal, and of the same JSON types: `True` is not 1."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[name], other[name]) for name in one)
    return type(one) is type(other) and one == other


def same_scalar(value: Any, type_: Any, found: Any) -> bool:
    match type_:
        case {"logicalType": "timestamp-micros"}:
            return is_zero(value) if found is None else found == microseconds(value)
        case {"logicalType": "date"}:
            return is_zero(value) if found is None else date(1970, 1, 1) + timedelta(found) == date.fromisoformat(value)
        case "boolean":
            return type(found) is bool and (value is found or value == str(found).lower())
        case "string":
            return found is not None and (value == found or (type(value) is Decimal and number(found) == value))
    if found is None or isinstance(value, bool):
        return False
    # A double is the value it has exactly, or the one whose shortest text reads as it.
    return (value if type(value) is Decimal else number(value)) in {Decimal(found), Decimal(repr(found))}


def is_zero(value: Any) -> bool:
    return isinstance(value, str) and microseconds(value) == microseconds(ZERO)


def microseconds(value: Any) -> int | None:  # noqa: PLR0911 - one return a format
    """A time as the standard library reads it, cut to microseconds."""
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{8,13}(\.[0-9]{1,9})?", value):
        value = Decimal(value)
    if isinstance(value, Decimal):
        if abs(value) > 10**14 or 0 < abs(value) < 1:
            return None
        return int(value * (10**6 if abs(value) <= 10**11 else 10**3) // 1)
    if not isinstance(value, str):
        return None
    if match := re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[-+]\d\d:\d\d)", value):
        day, clock, decimals, zone = match.groups()
        try:
            moment = datetime.fromisoformat(f"{day}T{clock}+00:00")
        except ValueError:
            return None
        micros = (moment - EPOCH) // timedelta(microseconds=1) + int((decimals or "0")[:6].ljust(6, "0"))
        if zone not in {"Z", "z"}:
            seconds = int(zone[1:3]) * 3600 + int(zone[4:]) * 60
            micros -= (seconds if zone[0] == "+" else -seconds) * 10**6
        return micros
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return None if moment.tzinfo is None else (moment - EPOCH) // timedelta(microseconds=1)
