"""What a record of `transcripts` becomes in one partition's task, without Kafka."""

from __future__ import annotations

from typing import Any

from connector.mapping.datum import encoder_for
from connector.preflight import Ground
from connector.processor.alerts import AlertEngine
from connector.processor.outputs import Outputs
from connector.processor.reader import read_words
from connector.processor.task import Consumed, PartitionTask
from connector.settings import Settings
from tests.support.alerting import rule_set

SCHEMA = 7
TOPICS = ("transcripts", "calls", "alerts", "dead-letters", "internal.calls")
NOW = 1_767_625_200_000_000
DAY = 24 * 3600 * 1_000_000
encode = encoder_for("transcripts")


def new_task() -> PartitionTask:
    settings = Settings()
    ground = Ground({f"benzinga.{name}": 1 for name in TOPICS}, {"calls": 8, "alerts": 9}, "cluster")
    return PartitionTask(
        0,
        settings.processor,
        Outputs(settings.topics, ground),
        schema_id=SCHEMA,
        schema_of=str,
        read_back=lambda _first, _last: None,
        alerts=AlertEngine(rule_set(), read_words),
    )


def consumed(sequence: int, received_at: int, **fields: Any) -> Consumed:
    value = encode({"transcript_id": "t", "sequence": sequence, "received_at": received_at, "extras": {}, **fields})
    key = f"t:{sequence}".encode()
    return Consumed(sequence, received_at // 1000, key, b"\0" + SCHEMA.to_bytes(4, "big") + value)


def test_what_is_too_late_is_kept_as_it_stands_in_the_topic() -> None:
    task = new_task()
    task.add(consumed(0, NOW, sentence="That is all.", status="COMPLETE"), NOW)
    late = consumed(1, NOW + 2 * DAY, sentence="One more thing.")
    task.add(late, NOW + 2 * DAY)
    [letter] = [record for record in task.batch.records if record.topic == "benzinga.dead-letters"]
    assert dict(letter.headers)["reason"] == b"too_late"
    assert letter.value == late.value, "with the id of its schema: without it nobody could read it"
