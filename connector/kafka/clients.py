"""How every librdkafka client of this package is configured."""

from __future__ import annotations

import logging
import os
import socket
import time
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka.admin import AdminClient

from connector import __version__
from connector.errors import ConfigurationError, KafkaError
from connector.kafka.credentials import ROTATION
from connector.logs import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.kafka.statistics import Watch
    from connector.settings import KafkaSettings

MAX_MESSAGE_BYTES: Final = 20 * 1024 * 1024
"""Topics and clients take messages of this size: the largest frame (16 MiB) and whatever Avro and headers add."""

REACH_STEP: Final = 1.0
"""Seconds until it is looked at why there is no answer."""

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
        **settings.read_options(),
    }


def _made(kind: type[Any], settings: KafkaSettings, config: dict[str, Any]) -> Any:
    try:
        made = kind(config)
    except (KafkaException, ValueError, TypeError) as error:
        # The user's own options are the only part that varies: say librdkafka's sentence about them.
        reason = error.args[0].str() if isinstance(error, KafkaException) else str(error)
        raise ConfigurationError([f"kafka.options: {redact(reason)}{_unreadable(config)}"]) from error
    ROTATION.follow(made, settings, config)
    return made


def _unreadable(config: Mapping[str, Any]) -> str:
    """Which files of certificates and keys cannot be read: OpenSSL's own words do not say."""
    files = {key: value for key, value in config.items() if key.endswith(".location") and isinstance(value, str)}
    return "".join(f"; {key}: {file} cannot be read" for key, file in files.items() if not os.access(file, os.R_OK))


class _Producer(Producer):
    """One that can be followed: the base class takes no weak references."""


class _Consumer(Consumer):
    """One that is left alone before it is closed."""

    def close(self) -> None:
        """Leave the group and free the client."""
        ROTATION.leave(self)
        super().close()


def producer(settings: KafkaSettings, transactional_id: str, watch: Watch | None = None) -> Producer:
    """A transactional producer that is not fenced yet. Raises ConfigurationError for options librdkafka refuses.

    `watch`: hears the client's statistics and errors, whenever the producer is polled.
    """
    config = _config(
        settings,
        **{
            "transactional.id": transactional_id,
            "transaction.timeout.ms": 60_000,
            "compression.type": "lz4",
            # A commit flushes at once: the wait only gathers what one loop turn produces.
            "linger.ms": 2,
            # Offsets that are added while the coordinator still writes the markers of the last commit are refused for a
            # moment: a transaction would stand still for the usual 100 ms.
            "retry.backoff.ms": 5,
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "queue.buffering.max.kbytes": 65_536,
            # What is published is known from the commit; single reports are asked for where they are needed.
            "delivery.report.only.error": True,
            **(watch.configuration() if watch is not None else {}),
        },
    )
    made: Producer = _made(_Producer, settings, config)
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
            # Small: seven streams read their tails at once, and what was fetched ahead is memory that stays.
            "fetch.message.max.bytes": 256 * 1024,
            "queued.max.messages.kbytes": 2_048,
            "queued.min.messages": 1_000,
            # With a full queue librdkafka would not fetch for a whole second, while the queue is read empty in a tenth.
            "fetch.queue.backoff.ms": 5,
            **extra,
        },
    )
    made: Consumer = _made(_Consumer, settings, config)
    return made


class Admin(AdminClient):
    """An admin client that remembers why its connections failed: `list_topics` itself says no more than "time-out"."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.errors: list[RdKafkaError] = []
        reporting: dict[str, Any] = {**config, "error_cb": self.errors.append}
        super().__init__(reporting)


def admin(settings: KafkaSettings) -> Admin:
    """An admin client. Keep it until every answer is in: without its client, a question is never answered."""
    made: Admin = _made(Admin, settings, _config(settings))
    return made


def cluster_reached(client: Admin, settings: KafkaSettings, timeout: float) -> None:
    """Wait until a broker answers, at most `timeout` seconds. Raises KafkaError that says what to look at.

    A login or a certificate that is refused is not waited for.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            client.list_topics(timeout=max(0.1, min(REACH_STEP, deadline - time.monotonic())))
        except KafkaException as error:
            client.poll(0)
            refused = next((reason for reason in client.errors if reason.code() in _REFUSALS), None)
            if refused is None and time.monotonic() < deadline:
                continue
            reason = refused or next(iter(client.errors), error.args[0])
            raise KafkaError(
                f"kafka.bootstrap_servers: {settings.bootstrap_servers} "
                f"{'refuses us' if refused else f'did not answer within {timeout:g} s'} "
                f"({redact(reason.str())}); check the address, the network, and security.protocol, sasl.* and ssl.* "
                "in kafka.options",
                code=reason.name(),
            ) from error
        else:
            return


_REFUSALS: Final = frozenset({RdKafkaError._AUTHENTICATION, RdKafkaError._SSL})  # noqa: SLF001 - public constants
