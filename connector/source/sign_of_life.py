"""When the owner of a stream was last known to be alive: the metadata of the offset that it commits for the partition.

A process that is killed cannot say when. Its successor finds this, and can tell for how long nobody read the stream.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec
from confluent_kafka import KafkaException

from connector.logs import get_logger

if TYPE_CHECKING:
    from confluent_kafka import Consumer, TopicPartition

log = get_logger(__name__)

WITHIN: Final = 1.0
"""Seconds for asking: only a log line waits for the answer."""


class SignOfLife(msgspec.Struct, frozen=True):
    """That `instance` was a member then."""

    instance: str
    alive_at: int
    """Microseconds since the epoch, UTC."""


def sign_of_life(instance: str) -> str:
    """The metadata that says that `instance` is alive now."""
    return msgspec.json.encode(SignOfLife(instance, time.time_ns() // 1000)).decode()


def last_signs(consumer: Consumer, partitions: list[TopicPartition]) -> dict[int, SignOfLife]:
    """The last one of each of these partitions, where there is one. Blocks, for a second at most."""
    try:
        committed = consumer.committed(partitions, timeout=WITHIN)
    except KafkaException as error:
        log.warning("ownership.no_sign_of_life", error=error.args[0].str())
        return {}
    signs = {}
    for partition in committed:
        if partition.metadata:
            try:
                signs[partition.partition] = msgspec.json.decode(partition.metadata, type=SignOfLife)
            except msgspec.DecodeError as error:  # an offset that was set by hand
                log.warning("ownership.no_sign_of_life", error=str(error))
    return signs
