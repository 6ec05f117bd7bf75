"""`benzinga-kafka tail`: a topic's records, decoded, one JSON object a line."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.commands.output import emit_json, until_signal
from connector.commands.setup import BROKER_TIMEOUT, ConfigFile, begin
from connector.errors import ConfigurationError, RegistryError
from connector.kafka import clients, topics
from connector.kafka.decoding import AvroValues, UndecodableError
from connector.kafka.reading import follow
from connector.kafka.registry import Registry

if TYPE_CHECKING:
    from confluent_kafka import Message
    from confluent_kafka.admin import AdminClient

    from connector.settings import Settings


def tail(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="With or without the prefix.", show_default=False)],
    config: ConfigFile = None,
    *,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Begin with the oldest record.")] = False,
    max_: Annotated[
        int | None, typer.Option("--max", metavar="N", min=1, help="End after N records.", show_default=False)
    ] = None,
) -> None:
    """Print the committed records of TOPIC as they arrive, until Ctrl-C.

    One JSON object a line: topic, partition, offset, timestamp, key, headers and value. A value that is no text is in
    value_base64; one that cannot be decoded is there as well, and error says why. No consumer group is touched.
    """
    settings = begin(config)
    client = clients.admin(settings.kafka)
    clients.cluster_reached(client, settings.kafka, BROKER_TIMEOUT)
    name, partitions = find_topic(client, settings, topic)
    view = RecordView(settings)
    left = max_
    with (
        until_signal() as stop,
        closing(
            follow(
                settings.kafka,
                name,
                range(partitions),
                stop,
                group_id=f"{settings.topics.prefix}.tail",
                from_beginning=from_beginning,
            )
        ) as records,
    ):
        for message in records:
            emit_json(view.as_json(message))
            if left is not None:
                left -= 1
                if not left:
                    break


def find_topic(client: AdminClient, settings: Settings, topic: str) -> tuple[str, int]:
    """Its full name and number of partitions. Raises ConfigurationError that lists what there is."""
    existing = topics.describe(client)
    for name in (topics.topic_name(settings.topics, topic), topic):
        if name in existing and existing[name].error is None:
            return name, len(existing[name].partitions)
    ours = sorted(name for name in existing if name.startswith(f"{settings.topics.prefix}."))
    offer = f"there are {', '.join(ours)}" if ours else "none of the connector's is there yet: see topics.prefix"
    raise ConfigurationError([f"TOPIC: the cluster has no topic {topic}; {offer}"])


class RecordView:
    """Shows records as JSON objects."""

    def __init__(self, settings: Settings) -> None:
        self._dead_letters = topics.topic_name(settings.topics, topics.DEAD_LETTERS)
        self._avro = AvroValues(Registry(settings.schema_registry))

    def as_json(self, message: Message) -> dict[str, Any]:
        """The whole record."""
        headers = header_texts(message)
        shown: dict[str, Any] = {
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
            "timestamp": _instant(message.timestamp()[1]),
            "key": _text(message.key()),
            "headers": headers,
        }
        value = message.value()
        if not isinstance(value, bytes):
            return shown | {"value": None}
        try:
            return shown | {"value": self._value(str(message.topic()), headers, value)}
        except UnicodeDecodeError:
            return shown | {"value_base64": b64encode(value).decode()}
        except (UndecodableError, RegistryError, json.JSONDecodeError) as error:
            return shown | {"value_base64": b64encode(value).decode(), "error": str(error)}

    def _value(self, topic: str, headers: dict[str, str], value: bytes) -> Any:
        if topic != self._dead_letters:  # whose values are frames, whatever they look like
            if headers.get("content-type") == "application/json":
                return json.loads(value)
            if value[:1] == b"\0":
                return self._avro.decode(value)
        return value.decode("utf-8")


def header_texts(message: Message) -> dict[str, str]:
    """Its headers by name; of several with one name, the last."""
    pairs: Any = message.headers()
    return {name: _text(value) or "" for name, value in pairs or ()}


def _text(value: str | bytes | None) -> str | None:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _instant(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
