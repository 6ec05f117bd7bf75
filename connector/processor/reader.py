"""Avro body of a `transcripts` record → Sentence: only what joining needs, the word timings where they are asked for.

The generic reader spends most of its time on what nobody joins, the words. What is read here is written out field by
field from the schema at import, as a function that stops behind the last field it needs. Records written by another
version of the schema are first made into records of this one, by Avro's schema resolution.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import fastavro
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException
from msgspec import Struct

from connector.errors import DecodeError, EncodeError
from connector.mapping.datum import encoder_for
from connector.mapping.schemas import load_schema
from connector.processor import avro
from connector.processor.sentence import Sentence

if TYPE_CHECKING:
    from connector.mapping.shape import Schema

SCHEMA: Final = load_schema("transcripts")

_NAMES: Final = {"text": "sentence"}
"""Fields of Sentence that the schema calls otherwise."""
_PLACE: Final = frozenset({"partition", "offset", "value"})
"""Fields of Sentence that are not in the record."""


SentenceReader: TypeAlias = Callable[[bytes, int, int], Sentence]
"""Avro body (without the registry's prefix), partition and offset → Sentence. Raises DecodeError."""


class Word(Struct, frozen=True, gc=False):
    """A word and when it was spoken; what the feed left out is None."""

    text: str | None
    start_ms: int | None
    """From the sentence's start."""

    end_ms: int | None
    confidence: float | None


def read_sentence(value: bytes, partition: int, offset: int) -> Sentence:
    """The sentence of a record written with this version's schema. Raises DecodeError where it is none.

    What lies behind the last field that joining needs is not looked at, so that it may still be broken.
    """
    try:
        sentence = _read(value, partition, offset)
    except avro.BROKEN as error:
        raise DecodeError(f"{_place(partition, offset)}: {type(error).__name__}: {error}") from error
    # Nullable in the schema, as every field of the feed is; the source publishes none without them.
    if not sentence.transcript_id or sentence.sequence is None:
        raise DecodeError(f"{_place(partition, offset)}: no transcript_id or no sequence")
    return sentence


def read_words(value: bytes) -> list[Word]:
    """The word timings in `Sentence.value`; empty where the feed sent none. Raises DecodeError."""
    try:
        return _words(value) or []
    except avro.BROKEN as error:
        raise DecodeError(f"transcripts: the words are not what the schema says: {error}") from error


def reader_for(writer_schema: Schema) -> SentenceReader:
    """The reader of records that were written with `writer_schema`, as the registry has it.

    Raises DecodeError where that schema cannot be resolved to this version's.
    """
    if _shape(writer_schema) == _shape(SCHEMA):
        return read_sentence
    try:
        writer, reader = fastavro.parse_schema(writer_schema), fastavro.parse_schema(SCHEMA)
    except (SchemaParseException, *avro.BROKEN) as error:
        raise DecodeError(f"transcripts: a record's schema is no Avro: {error}") from error
    encode = encoder_for("transcripts")

    def read(value: bytes, partition: int, offset: int) -> Sentence:
        try:
            datum: Any = fastavro.schemaless_reader(BytesIO(value), writer, reader)
            own = encode(datum)
        except (EncodeError, SchemaResolutionError, *avro.BROKEN) as error:
            raise DecodeError(f"{_place(partition, offset)}: {type(error).__name__}: {error}") from error
        return read_sentence(own, partition, offset)

    return read


def _place(partition: int, offset: int) -> str:
    return f"transcripts, partition {partition}, offset {offset}: not what its schema says"


def _shape(schema: Any) -> Any:
    """What of a schema decides how its records lie in bytes: names and types, no documentation or defaults."""
    if isinstance(schema, list):
        return [_shape(branch) for branch in schema]
    if isinstance(schema, dict):
        layout = {key: _shape(schema[key]) for key in ("type", "items", "values", "fields") if key in schema}
        if "fields" in schema:
            layout["fields"] = [(field["name"], _shape(field["type"])) for field in schema["fields"]]
        return layout
    return schema


def _compile_sentence() -> SentenceReader:
    names = {name: _NAMES.get(name, name) for name in Sentence.__struct_fields__}
    values = [name if name in _PLACE else f"_{column}" for name, column in names.items()]
    wanted = {column for name, column in names.items() if name not in _PLACE}
    read: SentenceReader = avro.fast_reader(
        SCHEMA, "value, partition, offset", wanted, f"Sentence({', '.join(values)})", Sentence=Sentence
    )
    return read


def _compile_words() -> Callable[[bytes], list[Word] | None]:
    read: Callable[[bytes], list[Word] | None] = avro.fast_reader(SCHEMA, "value", {"words"}, "_words", Item=Word)
    return read


_read: Final = _compile_sentence()
_words: Final = _compile_words()
