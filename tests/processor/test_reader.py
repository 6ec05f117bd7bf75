"""The partial reader against the generic one, on good bytes, other versions' bytes and bad bytes."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import DecodeError
from connector.mapping.datum import encoder_for
from connector.mapping.schemas import load_schema
from connector.processor.reader import Word, read_sentence, read_words, reader_for
from connector.processor.sentence import Sentence

SCHEMA = load_schema("transcripts")
PARSED = fastavro.parse_schema(load_schema("transcripts"))
encode = encoder_for("transcripts")

LONG = st.integers(-(2**63), 2**63 - 1)
INSTANT = st.one_of(
    st.integers(1_700_000_000_000_000, 1_800_000_000_000_000), LONG, st.sampled_from([0, 2**48, 2**55 - 1, 2**55])
)
TEXT = st.one_of(st.sampled_from(["", "AAPL", "Tim Cook, CEO"]), st.text(max_size=200))
WORD = st.fixed_dictionaries(
    {}, optional={"text": TEXT | st.none(), "start": LONG, "end": LONG, "confidence": st.floats(0, 1)}
)


PRIMITIVES = {"string": TEXT, "long": LONG, "double": st.floats(allow_nan=False)}


def values(schema: Any) -> st.SearchStrategy[Any]:
    match schema:
        case ["null", inner]:
            return st.none() | values(inner)
        case str():
            return PRIMITIVES[schema]
        case {"logicalType": "timestamp-micros"}:
            return INSTANT
        case {"type": "array"}:
            return st.lists(WORD, max_size=5)
    return st.dictionaries(TEXT, TEXT, max_size=3)


REQUIRED = {"received_at": INSTANT, "transcript_id": TEXT.filter(bool), "sequence": LONG}
DATA = st.fixed_dictionaries(
    REQUIRED,
    optional={one["name"]: values(one["type"]) for one in SCHEMA["fields"] if one["name"] not in REQUIRED},
)
EXAMPLE: dict[str, Any] = {
    "received_at": 1_748_861_727_000_123, "transcript_id": "t", "sequence": 300, "sentence": "x" * 200,
    "start_time": 1_748_861_724_000_000, "confidence": 0.5, "symbol": "AAPL", "created_time": 5,
    "words": [{"text": "We", "start": 0, "end": 306, "confidence": 0.93}, {"text": "expect"}],
}  # fmt: skip


def as_read(data: dict[str, Any], value: bytes) -> Sentence:
    names = {"text": "sentence"}
    fields = [name for name in Sentence.__struct_fields__ if name not in {"partition", "offset", "value"}]
    return Sentence(**{name: data.get(names.get(name, name)) for name in fields}, partition=4, offset=77, value=value)


@given(DATA)
def test_a_sentence_is_read_as_it_was_written(data: dict[str, Any]) -> None:
    value = encode(data)
    assert read_sentence(value, 4, 77) == as_read(data, value)
    words = [
        Word(one.get("text"), one.get("start"), one.get("end"), one.get("confidence"))
        for one in data.get("words") or ()
    ]
    assert read_words(value) == words


@given(DATA)
def test_the_generic_writers_bytes_are_read_too(data: dict[str, Any]) -> None:
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, PARSED, data)
    assert read_sentence(buffer.getvalue(), 4, 77) == as_read(data, buffer.getvalue())


def test_words_in_sized_blocks_are_read() -> None:
    value = encode(EXAMPLE | {"words": []})
    before, after = value[:-4], value[-4:]
    assert after == b"\0\0\0\0", "no words, participants, formats and extras"
    word = b"\2\4We\0\0\0"
    blocks = b"\1" + bytes([len(word) * 2]) + word + b"\2" + word + b"\0"
    assert [word.text for word in read_words(before + blocks + b"\0\0\0")] == ["We", "We"]


@pytest.mark.parametrize("length", range(len(encode({**EXAMPLE, "words": None})) - 9))
def test_a_record_that_ends_too_early_is_refused(length: int) -> None:
    with pytest.raises(DecodeError, match="partition 4, offset 77"):
        read_sentence(encode(EXAMPLE)[:length], 4, 77)


@given(st.binary(max_size=300), st.integers(0, 200))
def test_no_bytes_do_anything_but_read_or_be_refused(noise: bytes, keep: int) -> None:
    for value in (noise, encode(EXAMPLE)[:keep] + noise):
        for read in (lambda body: read_sentence(body, 4, 77), read_words):
            try:
                read(value)
            except DecodeError:
                continue


@pytest.mark.parametrize("lost", ["transcript_id", "sequence"])
def test_a_record_without_its_place_is_refused(lost: str) -> None:
    with pytest.raises(DecodeError, match="no transcript_id or no sequence"):
        read_sentence(encode({**EXAMPLE, lost: None}), 4, 77)


def test_a_union_branch_or_a_length_that_cannot_be_is_refused() -> None:
    value = bytearray(encode(EXAMPLE))
    value[8] = 4
    with pytest.raises(DecodeError, match="no branch 4"):
        read_sentence(bytes(value), 4, 77)
    value[8:10] = b"\2\1"
    with pytest.raises(DecodeError, match="negative"):
        read_sentence(bytes(value), 4, 77)


def test_the_same_schema_in_other_words_is_read_the_fast_way() -> None:
    schema = load_schema("transcripts")
    schema["doc"] = "Otherwise."
    for one in schema["fields"]:
        one.pop("doc")
    assert reader_for(schema) is read_sentence


def written(schema: Any, data: dict[str, Any]) -> bytes:
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(json.loads(json.dumps(schema))), data)
    return buffer.getvalue()


def test_a_record_of_a_later_version_is_read() -> None:
    later = load_schema("transcripts")
    later["fields"].insert(2, {"name": "mood", "type": ["null", "string"], "default": None})
    found = reader_for(later)(written(later, EXAMPLE | {"mood": "good"}), 4, 77)
    assert found == as_read(EXAMPLE, found.value)
    assert read_words(found.value)[0] == Word("We", 0, 306, 0.93)


def test_a_record_of_an_earlier_version_is_read() -> None:
    earlier = load_schema("transcripts")
    earlier["fields"] = [one for one in reversed(earlier["fields"]) if one["name"] not in {"symbol", "words"}]
    found = reader_for(earlier)(
        written(earlier, {k: v for k, v in EXAMPLE.items() if k not in {"symbol", "words"}}), 4, 77
    )
    assert found == as_read({**EXAMPLE, "symbol": None}, found.value)
    assert read_words(found.value) == []


def test_a_bad_record_of_another_version_is_refused() -> None:
    later = load_schema("transcripts")
    later["fields"].insert(2, {"name": "mood", "type": ["null", "string"], "default": None})
    read = reader_for(later)
    for value in (b"", b"\2\2\xff", written(later, EXAMPLE)[:30], written(later, {**EXAMPLE, "sequence": None})):
        with pytest.raises(DecodeError, match="partition 4, offset 77"):
            read(value, 4, 77)


@pytest.mark.parametrize("schema", [{"type": "record"}, {"type": "nonsense"}, {"type": "array"}])
def test_a_schema_that_is_none_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(DecodeError, match="no Avro"):
        reader_for(schema)


def test_a_schema_that_cannot_be_resolved_is_refused() -> None:
    other = {"type": "record", "name": "Other", "fields": [{"name": "received_at", "type": "string"}]}
    with pytest.raises(DecodeError):
        reader_for(other)(b"\2x", 4, 77)
