"""Whether Kafka has, or would make, what `source` needs. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation

from connector.commands import findings
from connector.commands.setup import BROKER_TIMEOUT
from connector.errors import BenzingaKafkaError, TopicError
from connector.kafka import clients, topics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from confluent_kafka.admin import AdminClient

    from connector.commands.findings import Finding
    from connector.kafka.topics import Difference, TopicSpec
    from connector.settings import Settings

TRANSACTION_TIMEOUT: Final = 15.0

_MATTERS: Final = frozenset({"cleanup.policy", "max.message.bytes"})
"""Configurations that messages may be lost or refused by."""

_NEEDED: Final = {AclOperation.READ: "READ", AclOperation.WRITE: "WRITE"}


def check_kafka(settings: Settings) -> list[Finding]:
    """Reach the cluster; compare topics; ask what may be done. Blocks."""
    try:
        client = clients.admin(settings.kafka)
        clients.cluster_reached(client, settings.kafka, BROKER_TIMEOUT)
        found = [findings.ok(f"kafka: {settings.kafka.bootstrap_servers} answers")]
        found += _check_topics(client, settings)
        found += _check_transactions(settings)
    except BenzingaKafkaError as error:
        return findings.of_error(error)
    return found


def _check_topics(client: AdminClient, settings: Settings) -> Iterator[Finding]:
    specs = topics.source_topics(settings.topics, settings.feed.streams)
    differences = topics.differences(client, specs)
    missing = {difference.topic for difference in differences if difference.missing}
    yield from _check_missing(client, settings, [spec for spec in specs if spec.name in missing])
    yield from (_of_difference(difference) for difference in differences if not difference.missing)
    present = [spec.name for spec in specs if spec.name not in missing]
    forbidden = list(_forbidden(client, present))
    yield from forbidden
    differing = {difference.topic for difference in differences}
    if good := [name for name in present if name not in differing]:
        yield findings.ok(f"kafka: {len(good)} topics are as the settings say")


def _check_missing(client: AdminClient, settings: Settings, missing: list[TopicSpec]) -> Iterator[Finding]:
    if not missing:
        return
    names = ", ".join(spec.name for spec in missing)
    if not settings.topics.create:
        yield findings.problem(
            f"kafka: missing: {names}; topics.create is false, so that `benzinga-kafka provision` has to make them"
        )
        return
    try:
        topics.create(client, missing, validate_only=True)
    except TopicError as error:
        yield from findings.of_error(error)
    else:
        yield findings.note(f"kafka: missing: {names}; `source` will create them, or `benzinga-kafka provision` may")


def _of_difference(difference: Difference) -> Finding:
    sentence = f"kafka: {difference.sentence}"
    if difference.key is None:
        return findings.problem(sentence)
    sentence = f"{sentence}; `benzinga-kafka provision` sets it where that loses nothing"
    return findings.problem(sentence) if difference.key in _MATTERS else findings.note(sentence)


def _forbidden(client: AdminClient, names: Iterable[str]) -> Iterator[Finding]:
    """Topics that the broker says we may not read or write; a broker without authorisation allows all."""
    names = list(names)
    if not names:
        return
    answers = client.describe_topics(
        TopicCollection(names), include_authorized_operations=True, request_timeout=topics.TIMEOUT
    )
    for name, future in answers.items():
        try:
            allowed = future.result().authorized_operations
        except KafkaException as error:
            yield findings.problem(f"kafka: {name}: cannot be described: {error.args[0].str()}; allow DESCRIBE on it")
            continue
        if allowed is None or AclOperation.ALL in allowed:
            continue
        if lacking := [text for operation, text in _NEEDED.items() if operation not in allowed]:
            yield findings.problem(f"kafka: {name}: the user may not {' or '.join(lacking)}; allow it on the topic")


def _check_transactions(settings: Settings) -> Iterator[Finding]:
    """Take a transactional id of our own: never a stream's, which would fence the `source` that runs."""
    transactional_id = f"{settings.topics.prefix}.check"
    producer = clients.producer(settings.kafka, transactional_id)
    try:
        producer.init_transactions(TRANSACTION_TIMEOUT)
    except KafkaException as error:
        reason: RdKafkaError = error.args[0]
        if reason.code() == RdKafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            yield findings.problem(
                f"kafka: the transactional id {transactional_id} is forbidden; "
                f"allow WRITE and DESCRIBE on transactional ids that begin with {settings.topics.prefix}."
            )
        else:
            yield findings.problem(
                f"kafka: transactions do not work: {reason.str()}; look at the brokers' "
                "transaction.state.log.replication.factor and min.isr, and at the user's rights"
            )
    else:
        yield findings.ok("kafka: transactions work")
