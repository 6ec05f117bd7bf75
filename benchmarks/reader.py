"""A consumer, as a process of its own, that notes when it saw each key.

`READER` says where, as JSON: `bootstrap_servers`, `topic`, `isolation`. It says `{"reading": true}` once it stands at
the end of every partition. For each line on standard input it answers with what came since: `{"seen": {key: seconds}}`,
on the monotonic clock, which all processes share.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

from confluent_kafka import OFFSET_END, Consumer, TopicPartition
from confluent_kafka import KafkaError as RdKafkaError

from benchmarks.topics import PARTITIONS


class Reader:
    """Polls in a thread of its own; every partition from its end."""

    def __init__(self, bootstrap_servers: str, topic: str, isolation: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "benchmarks",
                "isolation.level": isolation,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        self._consumer.assign([TopicPartition(topic, partition, OFFSET_END) for partition in range(PARTITIONS)])
        self._seen: dict[str, float] = {}
        self._begun: set[int] = set()
        self.reading = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def seen(self) -> dict[str, float]:
        """What came since the last time."""
        seen, self._seen = self._seen, {}
        return seen

    def _poll(self) -> None:
        while True:
            message = self._consumer.poll(1.0)
            now = time.monotonic()
            if message is None:
                continue
            error, key = message.error(), message.key()
            if error is None and isinstance(key, bytes):
                self._seen.setdefault(key.decode(), now)
            elif error is not None and error.code() == RdKafkaError._PARTITION_EOF:  # noqa: SLF001 - a public constant
                self._begun.add(message.partition() or 0)
                if len(self._begun) == PARTITIONS:
                    self.reading.set()


def main() -> None:
    """Read until standard input ends."""
    reader = Reader(**json.loads(os.environ["READER"]))
    reader.reading.wait()
    _say({"reading": True})
    for _ in sys.stdin:
        _say({"seen": reader.seen()})


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
