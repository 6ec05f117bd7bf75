"""Who owns which stream, as it changes: the claims of `internal.ownership`, read as they are committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from confluent_kafka import ConsumerGroupState, KafkaException, TopicPartition
from confluent_kafka import KafkaError as RdKafkaError

from connector.errors import KafkaError
from connector.kafka import clients
from connector.kafka.claims import Claim, claim_partition
from connector.kafka.topics import OWNERSHIP, topic_name
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from confluent_kafka import Message
    from confluent_kafka.admin import AdminClient

    from connector.settings import Settings

log = get_logger(__name__)

_TAIL: Final = -2000
"""librdkafka's RD_KAFKA_OFFSET_TAIL_BASE: an offset of `_TAIL - n` is `n` before the end."""

HISTORY: Final = 200
"""Offsets read back in each partition: the last claim is among them, even behind many markers of transactions."""

BATCH: Final = 500

DESCRIBE_WITHIN: Final = 5.0
"""Seconds."""

_UNSETTLED: Final = frozenset(
    {ConsumerGroupState.PREPARING_REBALANCING, ConsumerGroupState.COMPLETING_REBALANCING, ConsumerGroupState.UNKNOWN}
)
"""Groups whose members are told without their partitions."""


class ClaimsReader:
    """The last claims of some streams, then every new one. One thread."""

    def __init__(self, settings: Settings, streams: Iterable[str]) -> None:
        self._topic = topic_name(settings.topics, OWNERSHIP)
        self._consumer = clients.consumer(
            settings.kafka,
            f"{settings.topics.prefix}.tail",  # no member, and nothing is committed under it
            **{
                "enable.partition.eof": False,
                "fetch.wait.max.ms": 500,
                "fetch.message.max.bytes": 64 * 1024,
                "queued.min.messages": 10,
            },
        )
        self._consumer.assign(
            [TopicPartition(self._topic, claim_partition(stream), _TAIL - HISTORY) for stream in streams]
        )
        self.positions: dict[int, int] = {}
        """Behind the last record that was read, by partition."""

    def poll(self) -> list[Claim]:
        """What was committed since the last call, in each partition's order; does not wait. Raises KafkaError."""
        try:
            messages = self._consumer.consume(BATCH, timeout=0)
        except KafkaException as error:
            raise KafkaError(f"{self._topic}: {error.args[0].str()}", code=error.args[0].name()) from error
        return [claim for message in messages if (claim := self._claim(message)) is not None]

    def close(self) -> None:
        """Free the client."""
        self._consumer.close()

    def _claim(self, message: Message) -> Claim | None:
        if (error := message.error()) is not None:
            # librdkafka goes on by itself; who is no longer allowed to read is told so by the group, too.
            log.warning("ownership.claims_unread", error=error.str(), code=error.name())
            return None
        self.positions[message.partition() or 0] = (message.offset() or 0) + 1
        try:
            return msgspec.json.decode(message.value() or b"", type=Claim)
        except msgspec.DecodeError as error:
            log.warning(
                "ownership.foreign_record", partition=message.partition(), offset=message.offset(), error=str(error)
            )
            return None


def is_held(client: AdminClient, settings: Settings, claim: Claim) -> bool:
    """Whether a member of the claim's group has the stream assigned, as the group's coordinator sees it. Blocks.

    While the group is being rebalanced nobody can tell: then it counts as held. A claim of a version that had no groups
    yet counts as given up: such a process ends its stream once it is fenced.

    Raises KafkaError where the coordinator does not tell.
    """
    if claim.group is None:
        return False
    topic, partition = topic_name(settings.topics, OWNERSHIP), claim_partition(claim.stream)
    try:
        asked = client.describe_consumer_groups([claim.group], request_timeout=DESCRIBE_WITHIN)
        group = asked[claim.group].result(DESCRIBE_WITHIN + 1)
    except KafkaException as error:
        if error.args[0].code() == RdKafkaError.GROUP_ID_NOT_FOUND:
            return False
        raise KafkaError(f"{claim.group}: {error.args[0].str()}", code=error.args[0].name()) from error
    return group.state in _UNSETTLED or any(
        (assigned.topic, assigned.partition) == (topic, partition)
        for member in group.members
        for assigned in member.assignment.topic_partitions
    )
