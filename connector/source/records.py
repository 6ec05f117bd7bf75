"""From what a frame turned out to be to the record that is produced: topic, partition, key, headers, value.

Source: contract §3 (topics, headers) and the CloudEvents Kafka binding 1.0.2, §3.2.3 (binary mode).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from connector import __version__
from connector.kafka.partitioner import partition_for
from connector.kafka.records import Headers, Record, rfc_3339, utf8
from connector.kafka.registry import wire_prefix
from connector.kafka.tail import FINGERPRINT, REDRIVEN, REPLAYED
from connector.kafka.topics import DEAD_LETTERS, GAPS, topic_name
from connector.mapping.decoder import encoder_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.messages import DeadLetter, Message
    from connector.settings import TopicsSettings
    from connector.source.gaps import Gap
    from connector.streams import Stream

_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class RecordBuilder:
    """Makes the records of one stream."""

    def __init__(
        self,
        stream: Stream,
        topics: TopicsSettings,
        partitions: Mapping[str, int],
        schema_ids: Mapping[str, int],
    ) -> None:
        """`partitions`: by topic name; `schema_ids`: by schema name, the stream's and `gaps`."""
        self.topic = topic_name(topics, stream.name)
        self.dead_letters = topic_name(topics, DEAD_LETTERS)
        self.gaps = topic_name(topics, GAPS)
        self.partitions = partitions[self.topic]
        self.dead_letters_partition = partition_for(stream.name, partitions[self.dead_letters])
        self.gaps_partition = partition_for(stream.name, partitions[self.gaps])
        self._key = stream.name.encode()
        self._prefix = wire_prefix(schema_ids[stream.name])
        self._gaps_prefix = wire_prefix(schema_ids["gaps"])
        self._encode_gap = encoder_for("gaps")
        self._name = f"benzinga.{stream.name}"
        self._constant: Headers = [
            ("content-type", b"application/avro"),
            ("ce_specversion", b"1.0"),
            ("ce_source", f"benzinga/{stream.name}".encode()),
        ]
        self._types = {
            None if action == "message" else action: self._type(action)
            for action in ("created", "updated", "deleted", "sentence", "message")
        }

    def _type(self, action: str) -> tuple[str, bytes]:
        return "ce_type", utf8(f"{self._name}.{action}")

    def partition(self, message: Message) -> int:
        """The partition of the stream's topic that `message` belongs to."""
        return partition_for(message.routing_text, self.partitions)

    def message(
        self, message: Message, partition: int, value: bytes, received_at: int, *, replayed: bool, redriven: bool
    ) -> Record:
        """The record of `message`, whose Avro body is `value`."""
        key = utf8(message.message_id)
        action = message.action
        headers: Headers = [
            *self._constant,
            ("ce_id", key),
            self._types.get(action) or self._type(action or "message"),
            (FINGERPRINT, message.fingerprint.encode()),
        ]
        time = message.event_time_text
        if time is not None and _RFC_3339.fullmatch(time):
            headers.append(("ce_time", time.encode()))
        if message.record_id is not None:
            headers.append(("benzinga-record-id", utf8(message.record_id)))
        if replayed:
            headers.append((REPLAYED, b"true"))
        if redriven:
            headers.append((REDRIVEN, b"true"))
        return Record(self.topic, partition, key, self._prefix + value, headers, received_at // 1000)

    def dead_letter(self, letter: DeadLetter, received_at: int) -> Record:
        """The record of a frame without usable structure."""
        headers: Headers = [
            ("stream", self._key),
            ("reason", letter.reason.encode()),
            ("detail", utf8(letter.detail)),
            ("received-at", rfc_3339(received_at).encode()),
            ("connector-version", __version__.encode()),
            (FINGERPRINT, letter.fingerprint.encode()),
        ]
        if letter.redacted:
            headers.append(("redacted", b"true"))
        return Record(
            self.dead_letters, self.dead_letters_partition, self._key, letter.payload, headers, received_at // 1000
        )

    def gap(self, gap: Gap) -> Record:
        """The record that says what may be missing."""
        value = self._gaps_prefix + self._encode_gap(gap.datum())
        headers: Headers = [("content-type", b"application/avro")]
        if gap.fingerprint:
            headers.append((FINGERPRINT, gap.fingerprint.encode()))
        return Record(self.gaps, self.gaps_partition, self._key, value, headers, gap.detected_at // 1000)
