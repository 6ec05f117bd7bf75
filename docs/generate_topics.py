"""Write `docs/topics.md` from the Avro schemas: `python docs/generate_topics.py`."""  # noqa: INP001 - a script

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connector.kafka.topics import ALERTS, CALLS, GAPS
from connector.mapping.schemas import load_schema
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Path(__file__).with_name("topics.md")

_INTRODUCTION: Final = """\
# Topics and schemas

<!-- Made from schemas/*.avsc by docs/generate_topics.py; not to be edited by hand. -->

`<prefix>.` (`topics.prefix`, by default `benzinga`) comes before each name. Values are Avro in the Confluent wire format under the subject `<topic>-value`, keys are UTF-8 text. `decimal text` and the like are strings as the
feed sent them; every field is nullable unless it says *required*.

| topic | key | partition chosen by | cleanup |
| --- | --- | --- | --- |
| `insights` `ratings` `consensus` `earnings` `bulls-bears` `news` | message id | record id (message id where there is none) | delete |
| `transcripts` | `<transcript_id>:<sequence>` | transcript id | delete |
| `calls` | transcript id | transcript id | compact |
| `alerts` | alert id | transcript id | delete |
| `gaps` `dead-letters` | stream | stream | delete |
| `internal.*` | | | the connector's own: nothing to rely on |

Partitions are computed as the Java client's default partitioner does (murmur2), over the text named.

## Headers

Of every stream record: `content-type: application/avro`; CloudEvents `ce_specversion`, `ce_id` (the key), `ce_source` (`benzinga/<stream>`), `ce_type` (`benzinga.<stream>.<action>`), `ce_time` (where the feed sent an RFC 3339 time);
`benzinga-record-id`, `benzinga-fingerprint` (BLAKE2b-128 of the message), `benzinga-replayed: true` where a replay brought it, `benzinga-redriven: true` where `dead-letters redrive` did.

Of a call and of an alert: `content-type` and the CloudEvents headers without a time; `ce_id` is `<transcript_id>:<revision>` and the alert's id, `ce_type` ends with the state and with the severity.

Of a dead letter, whose value is the frame byte for byte: `stream`, `reason` (`not_json` `not_an_object` `no_data` `schema` `encode` `too_late`), `detail`, `received-at`, `connector-version`, and `redacted: true` where a signed URL or a token
was replaced by `***`. Those of `processor` (`too_late`, `schema`, `encode`) hold the record of `transcripts` as it stands there, schema id and all; where a call or an alert is too large for Kafka, its key alone.
"""  # noqa: E501 - a table's row is one line


def page() -> str:
    """The whole page."""
    return _INTRODUCTION + "".join(_topic(name) for name in (*STREAMS, CALLS, ALERTS, GAPS))


def _topic(name: str) -> str:
    schema = load_schema(name)
    rows = "".join(f"| `{path}` | {kind} | {doc} |\n" for path, kind, doc in _rows(schema, ""))
    return f"\n## `{name}`\n\n{schema['doc']}\n\n| field | type | meaning |\n| --- | --- | --- |\n{rows}"


def _rows(record: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    for field in record["fields"]:
        kind, inner = _kind(field["type"])
        optional = isinstance(field["type"], list)
        collection = kind.startswith(("array", "map"))
        doc = field.get("doc", "").replace("|", "\\|")
        if "feedName" in field:
            doc += f" The feed's name is `{field['feedName']}`."
        yield prefix + field["name"], kind if optional or collection else f"{kind}, *required*", doc
        if inner is not None:
            yield from _rows(inner, f"{prefix}{field['name']}{'[]' if collection else ''}.")


def _kind(schema: Any) -> tuple[str, dict[str, Any] | None]:
    """A type in words, and the record inside it."""
    if isinstance(schema, list):
        return _kind(next(branch for branch in schema if branch != "null"))
    if isinstance(schema, str):
        return schema, None
    if schema["type"] == "record":
        return "record", schema
    if schema["type"] == "array":
        kind, inner = _kind(schema["items"])
        return f"array of {kind}", inner
    if schema["type"] == "map":
        return f"map of {_kind(schema['values'])[0]}", None
    return schema.get("logicalType", schema["type"]), None


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
