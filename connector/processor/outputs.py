"""From what joining and alerting ask for to the records that are produced.

Source: contract §3 (topics, keys, partitions); the headers are those of the source's records where they fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector import __version__
from connector.kafka.partitioner import partition_for
from connector.kafka.records import Headers, Record, utf8
from connector.kafka.registry import wire_prefix
from connector.kafka.topics import ALERTS, CALLS, DEAD_LETTERS, OPEN_CALLS, TRANSCRIPTS, topic_name
from connector.mapping.datum import encoder_for

if TYPE_CHECKING:
    from connector.preflight import Ground
    from connector.processor.effects import PublishCall, SaveEntry
    from connector.settings import TopicsSettings


class Outputs:
    """Makes the records of the processor."""

    def __init__(self, topics: TopicsSettings, ground: Ground) -> None:
        self._calls = topic_name(topics, CALLS)
        self._alerts = topic_name(topics, ALERTS)
        self.dead_letters = topic_name(topics, DEAD_LETTERS)
        self._entries = topic_name(topics, OPEN_CALLS)
        self._partitions = ground.partitions
        self._calls_prefix = wire_prefix(ground.schema_ids[CALLS])
        self._alerts_prefix = wire_prefix(ground.schema_ids[ALERTS])
        self._encode_call = encoder_for(CALLS)
        self._encode_alert = encoder_for(ALERTS)

    def call(self, effect: PublishCall, now: int) -> Record:
        """A revision of a call. Raises EncodeError."""
        datum = effect.datum
        value = self._calls_prefix + self._encode_call(datum)
        identity = f"{effect.transcript_id}:{datum['revision']}"
        headers = _headers("calls", identity, str(datum["state"]))
        return self._record(self._calls, effect.transcript_id, value, headers, now)

    def alert(self, datum: dict[str, Any], now: int) -> Record:
        """An alert. Raises EncodeError."""
        value = self._alerts_prefix + self._encode_alert(datum)
        headers = _headers("alerts", str(datum["alert_id"]), str(datum["severity"] or "alert"))
        routing = str(datum["transcript_id"])
        return self._record(self._alerts, str(datum["alert_id"]), value, headers, now, routing=routing)

    def entry(self, effect: SaveEntry, partition: int, now: int) -> Record:
        """What is remembered of a transcript: in the partition of the same number as its sentences'."""
        return Record(self._entries, partition, utf8(effect.transcript_id), effect.value, [], now // 1000)

    def dead_letter(self, value: bytes, reason: str, detail: str, received_at: str, now: int) -> Record:
        """A record of `transcripts` that cannot be processed, as it stands there."""
        headers: Headers = [
            ("stream", TRANSCRIPTS.encode()),
            ("reason", reason.encode()),
            ("detail", utf8(detail)),
            ("received-at", received_at.encode()),
            ("connector-version", __version__.encode()),
        ]
        return self._record(self.dead_letters, TRANSCRIPTS, value, headers, now)

    def _record(
        self, topic: str, key: str, value: bytes, headers: Headers, now: int, *, routing: str | None = None
    ) -> Record:
        partition = partition_for(routing or key, self._partitions[topic])
        return Record(topic, partition, utf8(key), value, headers, now // 1000)


def _headers(stream: str, identity: str, type_: str) -> Headers:
    return [
        ("content-type", b"application/avro"),
        ("ce_specversion", b"1.0"),
        ("ce_id", utf8(identity)),
        ("ce_source", f"benzinga/{stream}".encode()),
        ("ce_type", utf8(f"benzinga.{stream}.{type_}")),
    ]
