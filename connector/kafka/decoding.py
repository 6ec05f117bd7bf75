"""From a record's bytes to JSON values: what `tail` shows.

Avro is read by the schema it was written with, which the registry has by the id in front of the value.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import date, time
from decimal import Decimal
from io import BytesIO
from math import isfinite
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import fastavro
from fastavro.schema import SchemaParseException

from connector.errors import KafkaError, RegistryError

if TYPE_CHECKING:
    from connector.kafka.registry import Registry

_PREFIX: Final = 5


class UndecodableError(KafkaError):
    """A value is not what it says it is."""


class AvroValues:
    """Decodes values in the Confluent wire format; each schema is asked for once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._schemas: dict[int, Any] = {}

    def decode(self, value: bytes) -> Any:
        """The value as JSON has it. Raises UndecodableError, or RegistryError where the schema cannot be had."""
        if len(value) < _PREFIX or value[0]:
            raise UndecodableError("not in the Confluent wire format: it does not begin with a zero byte and an id")
        schema = self._schema(int.from_bytes(value[1:_PREFIX], "big"))
        body = BytesIO(value[_PREFIX:])
        try:
            datum = fastavro.schemaless_reader(body, schema, None)
        except (ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError) as error:
            raise UndecodableError(f"not what its schema says: {type(error).__name__}: {error}") from error
        if rest := len(body.read()):
            raise UndecodableError(f"not what its schema says: {rest} bytes follow the value")
        return plain(datum)

    def _schema(self, schema_id: int) -> Any:
        if schema_id not in self._schemas:
            text = self._registry.schema_by_id(schema_id)
            try:
                self._schemas[schema_id] = fastavro.parse_schema(json.loads(text))
            except (ValueError, SchemaParseException) as error:
                raise RegistryError(f"the registry's schema {schema_id} is no Avro: {error}") from error
        return self._schemas[schema_id]


def plain(value: Any) -> Any:
    """`value` with nothing in it that JSON has not: instants and days as ISO 8601, bytes as text or base64."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return text_of(value)
    if isinstance(value, Decimal | UUID) or (isinstance(value, float) and not isfinite(value)):
        return str(value)
    return value


def text_of(value: bytes) -> str:
    """UTF-8 as text, anything else as base64."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return b64encode(value).decode("ascii")
