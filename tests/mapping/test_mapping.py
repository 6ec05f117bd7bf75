"""What becomes of a value: field by field, contract §3 and the fact sheet's conventions (§2.1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector.mapping.decoder import Decoder
from connector.mapping.schemas import load_schema
from connector.messages import Message
from connector.streams import STREAMS
from tests.support.lossless import read

DECODERS = {name: Decoder(stream) for name, stream in STREAMS.items()}
RECEIVED_AT = 1_763_856_000_000_000


def encode(stream: str, frame: bytes) -> dict[str, Any]:
    decoder = DECODERS[stream]
    decoded = decoder.decode(frame)
    assert isinstance(decoded, Message), decoded
    encoded = decoder.encode(decoded, RECEIVED_AT)
    record = read(encoded.value, load_schema(stream))
    assert encoded.extras == len(record["extras"])
    return record


def content(stream: str, name: str, literal: str) -> tuple[Any, dict[str, str]]:
    """The field and the extras of a frame whose content has one value."""
    record = encode(stream, f'{{"data":{{"content":{{"{name}":{literal}}}}}}}'.encode())
    return record["content"].get(name), record["extras"]


FITS: list[tuple[str, str, str, Any]] = [
    # text
    ("ratings", "ticker", '"AAPL"', "AAPL"), ("ratings", "ticker", '""', None), ("ratings", "ticker", "null", None),
    ("ratings", "pt_current", '"260.0000"', "260.0000"), ("ratings", "pt_current", "110", "110"),
    ("ratings", "pt_current", "110.5", "110.5"), ("ratings", "pt_current", "1e20", "100000000000000000000"),
    ("ratings", "pt_current", "0.12345678901234567890", "0.12345678901234567890"),
    ("ratings", "pt_current", "-0", "0"), ("ratings", "cusip", '"037833100"', "037833100"),
    # integers
    ("ratings", "importance", "3", 3), ("ratings", "importance", '"3"', 3), ("ratings", "importance", "3.0", 3),
    ("ratings", "importance", '""', None), ("ratings", "importance", '"-3"', -3),
    ("ratings", "importance", "9223372036854775807", 2**63 - 1), ("ratings", "importance", "1e3", 1000),
    ("ratings", "importance", "3.722311980642042e+16", 37223119806420420),
    # doubles
    ("consensus", "high_price_target", "350", 350.0), ("consensus", "high_price_target", "3.92", 3.92),
    ("consensus", "high_price_target", '"3.92"', 3.92), ("consensus", "high_price_target", '"350"', 350.0),
    ("consensus", "high_price_target", '""', None), ("consensus", "high_price_target", "1e300", 1e300),
    # booleans
    ("bulls-bears", "latest", "true", True), ("bulls-bears", "latest", '"false"', False),
    ("bulls-bears", "latest", '""', None),
    # times and days
    ("earnings", "updated", "1728052946", 1728052946 * 10**6),
    ("earnings", "updated", '"1728052946"', 1728052946 * 10**6),
    ("insights", "updated", "1696790400000", 1696790400 * 10**6), ("news", "updated", "null", None),
    ("news", "created_at", '"2025-01-23T17:01:13.000Z"', 1737651673 * 10**6),
    ("news", "created_at", '"0001-01-01T00:00:00Z"', None), ("news", "created_at", '""', None),
    ("earnings", "date", '"2024-10-04"', 20000), ("earnings", "date", '"0001-01-01T00:00:00Z"', None),
    ("earnings", "time", '"16:00:00"', "16:00:00"), ("earnings", "time", '"amc"', "amc"),
    # text or object
    ("ratings", "analyst", '{"name":"RBC Capital"}', "RBC Capital"),
    # arrays
    ("news", "channels", '["News",""]', ["News", ""]), ("news", "channels", '[{"name":"Options"}]', ["Options"]),
    ("news", "channels", "[]", []), ("news", "channels", '"News"', ["News"]), ("news", "channels", "[5]", ["5"]),
    ("news", "channels", '""', None), ("news", "channels", "null", None),
    ("news", "image", '[{"size":"thumb","url":"u"}]', [{"size": "thumb", "url": "u", "alt": None}]),
]  # fmt: skip


@pytest.mark.parametrize(("stream", "name", "literal", "expected"), FITS)
def test_a_value_that_fits(stream: str, name: str, literal: str, expected: Any) -> None:
    found, extras = content(stream, name, literal)
    assert found == expected
    assert type(found) is type(expected)
    assert extras == {}


MISFITS: list[tuple[str, str, str]] = [
    ("ratings", "ticker", "true"), ("ratings", "ticker", '["AAPL"]'), ("ratings", "ticker", '{"a":1}'),
    ("ratings", "ticker", '"\\ud800"'), ("ratings", "importance", "3.5"), ("ratings", "importance", '"03"'),
    ("ratings", "importance", '"high"'), ("ratings", "importance", "true"), ("ratings", "importance", "[]"),
    ("ratings", "importance", "9223372036854775808"), ("ratings", "importance", '"9223372036854775808"'),
    ("ratings", "importance", "1e400"), ("consensus", "high_price_target", "9007199254740993"),
    ("consensus", "high_price_target", "0.12345678901234567890"), ("consensus", "high_price_target", '"n/a"'),
    ("consensus", "high_price_target", '"0.12345678901234567890"'), ("consensus", "high_price_target", "false"),
    ("bulls-bears", "latest", "1"), ("bulls-bears", "latest", '"yes"'), ("earnings", "date", '"04.10.2024"'),
    ("earnings", "date", "20241004"), ("earnings", "updated", '"2024-10-04 10:00:00"'), ("earnings", "updated", "1e17"),
    ("earnings", "updated", "true"), ("news", "channels", "true"), ("news", "image", "5"),
    ("insights", "security", "[]"),
]  # fmt: skip


@pytest.mark.parametrize(("stream", "name", "literal"), MISFITS)
def test_a_value_that_does_not_fit_goes_to_extras(stream: str, name: str, literal: str) -> None:
    found, extras = content(stream, name, literal)
    assert found is None
    assert extras == {f"content.{name}": literal}


@pytest.mark.parametrize(
    ("stream", "name", "literal", "expected"),
    [
        ("news", "created_at", '"2024-10-04T14:42:27.167526889Z"', 1728052947167526),
        ("earnings", "updated", "1728052946.1234567", 1728052946123456),
        ("consensus", "high_price_target", '"350.00"', 350.0),
        ("ratings", "importance", '"3.0"', 3),
    ],
)
def test_a_value_that_fits_but_for_its_text_is_in_both(stream: str, name: str, literal: str, expected: Any) -> None:
    assert content(stream, name, literal) == (expected, {f"content.{name}": literal})


def test_array_elements_that_do_not_fit() -> None:
    frame = {"data": {"content": {
        "tags": ["a", None, {"name": "b", "id": 7}, ["c"], {"x": 1}],
        "securities": [{"symbol": "A", "foo": 1}, "TSX:B", 5, {"symbol": True, "primary": True}, None],
    }}}  # fmt: skip
    record = encode("news", json.dumps(frame).encode())
    none = {"exchange": None, "primary": None, "cusip": None, "isin": None}
    assert record["content"]["tags"] == ["a", "b"]
    assert record["content"]["securities"] == [
        none | {"symbol": "A"}, none | {"symbol": "TSX:B"}, none | {"symbol": None, "primary": True},
    ]  # fmt: skip
    assert record["extras"] == {
        "content.tags[1]": "null",
        "content.tags[2].id": "7",
        "content.tags[3]": '["c"]',
        "content.tags[4]": '{"x":1}',
        "content.securities[0].foo": "1",
        "content.securities[2]": "5",
        "content.securities[3].symbol": "true",
        "content.securities[4]": "null",
    }


def test_paths_of_extras() -> None:
    frame = {
        "foo": [1, {"a": 2.5}], "id": {}, "content": "root", "data.foo": 0, "kind": ["k"],
        "data": {"id": 5, "foo": "\u00e9", "action": "Frozen", "timestamp": {"t": 1},
                 "content": {"id": 6, "foo": None, "a.b": 1, "": 2, "\ud800": 3}},
    }  # fmt: skip
    record = encode("ratings", json.dumps(frame).encode())
    assert record["extras"] == {
        "foo": '[1,{"a":2.5}]',
        "id": "{}",
        '["content"]': '"root"',
        '["data.foo"]': "0",
        "kind": '["k"]',
        "data.id": "5",
        "data.foo": '"\u00e9"',
        "data.action": '"Frozen"',
        "data.timestamp": '{"t":1}',
        "content.foo": "null",
        'content["a.b"]': "1",
        'content[""]': "2",
        'content["\\ud800"]': "3",
    }
    assert record["action"] == "frozen"
    assert record["record_id"] == "6"


def test_both_news_variants_have_one_shape() -> None:
    a = {"authors": ["X"], "channels": ["News"], "tags": [], "securities": [{"symbol": "EBC", "exchange": "NASDAQ"}],
         "created_at": "2024-01-01T17:35:14.000Z", "updated_at": "2024-01-01T17:35:14.000Z"}  # fmt: skip
    b = {"author": "X", "channels": [{"name": "News"}], "tags": [], "stocks": [{"name": "EBC", "exchange": "NASDAQ"}],
         "created": "Mon, 01 Jan 2024 13:35:14 -0400", "updated": "Mon, 01 Jan 2024 13:35:14 -0400"}  # fmt: skip
    one, two = (encode("news", json.dumps({"data": {"content": variant}}).encode()) for variant in (a, b))
    assert one["content"] == two["content"]
    assert one["extras"] == two["extras"] == {}


def test_the_first_name_of_a_field_wins_and_the_other_is_kept() -> None:
    record = encode("news", b'{"data":{"content":{"author":"B","authors":["A"],"created":"","created_at":null}}}')
    assert record["content"]["authors"] == ["A"]
    assert record["extras"] == {"content.author": '"B"'}


@pytest.mark.parametrize(
    "data",
    [
        {"consensus_rating": "BUY", "updated_at": "2026-01-05T19:42:36Z", "foo": 1},
        {"content": {"consensus_rating": "BUY", "updated_at": "2026-01-05T19:42:36Z", "foo": 1}},
        {"content": {"consensus_rating": "BUY", "foo": 1}, "updated_at": "2026-01-05T19:42:36Z"},
        {
            "content": {"consensus_rating": "", "foo": 1},
            "consensus_rating": "BUY",
            "updated_at": "2026-01-05T19:42:36Z",
        },
    ],
)
def test_consensus_fields_count_as_content_wherever_they_are(data: dict[str, Any]) -> None:
    record = encode("consensus", json.dumps({"data": data}).encode())
    assert record["content"]["consensus_rating"] == "BUY"
    assert record["content"]["updated_at"] == record["event_time"] == 1767642156 * 10**6
    assert record["extras"] == {"content.foo": "1"}


def test_consensus_fields_that_differ_are_both_kept() -> None:
    record = encode("consensus", b'{"data":{"ticker":"A","id":"9","content":{"ticker":"B","id":"9"}}}')
    assert record["content"]["ticker"] == "B"
    assert record["extras"] == {"data.ticker": '"A"'}


def test_names_avro_forbids_are_renamed() -> None:
    frame = b'{"data":{"content":{"ratings_accuracy":{"1m_gain_count":"4","1m_stdev":"0.5","4m_stdev":"1"}}}}'
    record = encode("ratings", frame)
    accuracy = record["content"]["ratings_accuracy"]
    assert (accuracy["_1m_gain_count"], accuracy["_1m_stdev"]) == (4, "0.5")
    assert record["extras"] == {"content.ratings_accuracy.4m_stdev": '"1"'}


def test_a_deletion_without_content() -> None:
    record = encode("news", b'{"data":{"action":"Removed","id":7,"timestamp":"2025-01-23T17:01:14.179Z"}}')
    assert record["content"] is None
    assert (record["action"], record["record_id"], record["extras"]) == ("deleted", "7", {})
    assert record["event_time"] == 1737651674179000
    assert record["event_time_text"] == "2025-01-23T17:01:14.179Z"
    assert record["received_at"] == RECEIVED_AT


def test_untyped_transcript_fields_are_json_text() -> None:
    frame = b'{"transcript_id":"t","sequence":1,"participants":[{"name":"A","mentions":1e400}],"formats":[],"words":[]}'
    record = encode("transcripts", frame)
    assert record["participants"] == '[{"name":"A","mentions":1e400}]'
    assert record["formats"] == "[]"
    assert record["words"] == []
    assert record["extras"] == {}


def test_a_flood_of_unknown_names_is_one_entry() -> None:
    flood = {f"k{number}": number for number in range(100_000)}
    record = encode("news", json.dumps({"data": {"content": flood, "id": 1} | flood} | flood).encode())
    assert {path: json.loads(text) for path, text in record["extras"].items()} == dict.fromkeys(
        ("*", "data.*", "content.*"), flood
    )


def test_a_flood_of_misfits_leaves_the_array_whole() -> None:
    flood = [{"foo": number} for number in range(50_000)]
    record = encode("news", json.dumps({"data": {"content": {"securities": flood, "tags": [[]] * 1000}}}).encode())
    assert record["content"]["securities"] is None
    assert json.loads(record["extras"]["content.securities"]) == flood
    assert json.loads(record["extras"]["content.tags"]) == [[]] * 1000
