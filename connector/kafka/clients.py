"""How every librdkafka client of this package is configured."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from connector import __version__
from connector.errors import ConfigurationError, KafkaError
from connector.logs import redact

if TYPE_CHECKING:
    from connector.settings import KafkaSettings

MAX_MESSAGE_BYTES: Final = 20 * 1024 * 1024
"""Topics and clients take messages of this size: the largest frame (16 MiB) and whatever Avro and headers add."""

_log = logging.getLogger("librdkafka")


def _config(settings: KafkaSettings, **extra: object) -> dict[str, Any]:
    """What is the same for every client; the user's options win over ours."""
    return {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": f"benzinga-kafka-{socket.gethostname()}",
        "client.software.name": "benzinga-kafka",
        "client.software.version": __version__,
        "topic.metadata.refresh.interval.ms": 60_000,
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 5_000,
        "logger": _log,
        **extra,
        **settings.options,
    }


def _made(kind: type[Any], config: dict[str, Any]) -> Any:
    try:
        return kind(config)
    except (KafkaException, ValueError, TypeError) as error:
        # The user's own options are the only part that varies: say librdkafka's sentence about them.
        reason = error.args[0].str() if isinstance(error, KafkaException) else str(error)
        raise ConfigurationError([f"kafka.options: {redact(reason)}"]) from error


def producer(settings: KafkaSettings, transactional_id: str) -> Producer:
    """A transactional producer that is not fenced yet. Raises ConfigurationError for options librdkafka refuses."""
    config = _config(
        settings,
        **{
            "transactional.id": transactional_id,
            "transaction.timeout.ms": 60_000,
            "compression.type": "lz4",
            # A commit flushes at once: the wait only gathers what one loop turn produces.
            "linger.ms": 2,
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "queue.buffering.max.kbytes": 65_536,
            # What is published is known from the commit; single reports are asked for where they are needed.
            "delivery.report.only.error": True,
        },
    )
    made: Producer = _made(Producer, config)
    return made


def consumer(settings: KafkaSettings, group_id: str, **extra: object) -> Consumer:
    """A read_committed consumer that commits nothing by itself and reports the end of partitions."""
    config = _config(
        settings,
        **{
            "group.id": group_id,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
            "fetch.message.max.bytes": 1024 * 1024,
            "queued.max.messages.kbytes": 16_384,
            # With a full queue librdkafka would not fetch for a whole second, while the queue is read empty in a tenth.
            "fetch.queue.backoff.ms": 5,
            **extra,
        },
    )
    made: Consumer = _made(Consumer, config)
    return made


def admin(settings: KafkaSettings) -> AdminClient:
    """An admin client."""
    made: AdminClient = _made(AdminClient, _config(settings))
    return made


def cluster_reached(client: AdminClient, settings: KafkaSettings, timeout: float) -> None:
    """Wait until a broker answers, at most `timeout` seconds. Raises KafkaError that says what to look at."""
    try:
        client.list_topics(timeout=timeout)
    except KafkaException as error:
        raise KafkaError(
            f"kafka.bootstrap_servers: no broker at {settings.bootstrap_servers} answered within {timeout:g} s "
            f"({error.args[0].str()}); check the address, the network, and security.protocol, sasl.* and ssl.* "
            f"in kafka.options",
            code=error.args[0].name(),
        ) from error
