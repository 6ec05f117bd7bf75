"""The topics: their names, what they should look like, and making or checking them.

Source: contract §3. Nothing is ever shrunk or deleted; what differs is told.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from connector.errors import TopicError
from connector.kafka.clients import MAX_MESSAGE_BYTES
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from confluent_kafka.admin import AdminClient, TopicMetadata

    from connector.settings import TopicsSettings

GAPS: Final = "gaps"
DEAD_LETTERS: Final = "dead-letters"
CALLS: Final = "calls"
ALERTS: Final = "alerts"
TRANSCRIPTS: Final = "transcripts"
OPEN_CALLS: Final = "internal.calls"
OWNERSHIP: Final = "internal.ownership"
HANDOVER: Final = "internal.handover"
REDRIVEN: Final = "internal.redriven"

TIMEOUT: Final = 30.0
"""Seconds for one question to the cluster."""

PROPAGATION_POLL: Final = 0.05


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic should look like."""

    name: str
    """With the prefix."""

    partitions: int
    replication_factor: int
    config: Mapping[str, str] = field(default_factory=dict)
    fixed_partitions: bool = False
    """Whether more partitions than asked for are wrong as well."""

    like: str | None = None
    """The topic whose number of partitions it must have, whatever that is."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as it should be, as a sentence."""

    topic: str
    sentence: str
    missing: bool = False
    key: str | None = None
    """The topic configuration that differs, where it is one."""

    actual: str | None = None
    wanted: str | None = None
    unusable: bool = False
    """Whether nothing can work with the topic as it is."""


def topic_name(settings: TopicsSettings, name: str) -> str:
    """`<prefix>.<name>`."""
    return f"{settings.prefix}.{name}"


def source_topics(settings: TopicsSettings, streams: Iterable[str] = STREAMS) -> list[TopicSpec]:
    """The topics `source` writes for these streams."""
    names = [*streams, GAPS, DEAD_LETTERS]
    specs = [_spec(settings, name, cleanup="delete") for name in names]
    ownership = _spec(settings, OWNERSHIP, cleanup="compact", partitions=len(STREAMS))
    handover = _spec(settings, HANDOVER, cleanup="delete", partitions=len(STREAMS))
    return [*specs, ownership, handover]


def processor_topics(settings: TopicsSettings) -> list[TopicSpec]:
    """The topics `processor` writes; `internal.calls` has as many partitions as `transcripts`."""
    override = settings.overrides.get(TRANSCRIPTS)
    partitions = (override and override.partitions) or settings.partitions
    entries = _spec(settings, OPEN_CALLS, cleanup="compact", partitions=partitions)
    return [
        _spec(settings, CALLS, cleanup="compact"),
        _spec(settings, ALERTS, cleanup="delete"),
        replace(entries, like=topic_name(settings, TRANSCRIPTS)),
    ]


def redrive_topics(settings: TopicsSettings) -> list[TopicSpec]:
    """The topics `dead-letters redrive` writes besides the streams' own."""
    return [replace(_spec(settings, REDRIVEN, cleanup="compact", partitions=1), fixed_partitions=False)]


def all_topics(settings: TopicsSettings, streams: Iterable[str] = STREAMS) -> list[TopicSpec]:
    """Every topic of these streams: what `provision` makes."""
    return [*source_topics(settings, streams), *processor_topics(settings), *redrive_topics(settings)]


def _spec(settings: TopicsSettings, name: str, *, cleanup: str, partitions: int | None = None) -> TopicSpec:
    override = settings.overrides.get(name)
    retention = (override and override.retention) or settings.retention
    config = {"cleanup.policy": cleanup, "max.message.bytes": str(MAX_MESSAGE_BYTES)}
    if cleanup == "delete":
        config["retention.ms"] = str(int(retention.total_seconds() * 1000))
    replication = (override and override.replication_factor) or settings.replication_factor
    if replication >= 3:  # noqa: PLR2004 - one replica may be away without losing an acknowledged write or stopping
        config["min.insync.replicas"] = "2"
    return TopicSpec(
        topic_name(settings, name),
        partitions or (override and override.partitions) or settings.partitions,
        replication,
        config | (override.config if override else {}),
        fixed_partitions=partitions is not None,
    )


def describe(client: AdminClient) -> Mapping[str, TopicMetadata]:
    """The cluster's topics by name. Raises TopicError where the cluster does not answer."""
    try:
        topics: Mapping[str, TopicMetadata] = client.list_topics(timeout=TIMEOUT).topics
    except KafkaException as error:
        raise TopicError(f"the cluster's topics cannot be listed: {error.args[0].str()}") from error
    return topics


def fitted(client: AdminClient, specs: Iterable[TopicSpec]) -> list[TopicSpec]:
    """`specs` with the partitions of the topics that they have to be like, where these exist. Raises TopicError."""
    return _fitted(specs, describe(client))


def _fitted(specs: Iterable[TopicSpec], existing: Mapping[str, TopicMetadata]) -> list[TopicSpec]:
    counts = {name: len(topic.partitions) for name, topic in existing.items() if topic.error is None}
    return [replace(spec, partitions=counts.get(spec.like or "", spec.partitions)) for spec in specs]


def differences(client: AdminClient, specs: Iterable[TopicSpec]) -> list[Difference]:
    """What is missing or differs from `specs`."""
    existing = describe(client)
    specs = _fitted(specs, existing)
    found = [difference for spec in specs for difference in _shape(spec, existing.get(spec.name))]
    present = [spec for spec in specs if spec.name in existing and existing[spec.name].error is None]
    return found + _config_differences(client, present)


def _shape(spec: TopicSpec, topic: TopicMetadata | None) -> list[Difference]:
    if topic is None or (topic.error is not None and topic.error.code() == RdKafkaError.UNKNOWN_TOPIC_OR_PART):
        return [Difference(spec.name, f"{spec.name}: there is no such topic", missing=True)]
    if topic.error is not None:
        return [Difference(spec.name, f"{spec.name}: {topic.error.str()}")]
    count = len(topic.partitions)
    found = []
    if spec.fixed_partitions and count != spec.partitions:
        sentence = (
            f"{spec.name}: has {count} partitions where it must have {spec.partitions}; "
            "make the topic anew while nothing runs, or set another topics.prefix"
            if spec.like is None
            else f"{spec.name} has {count} partitions and {spec.like} has {spec.partitions}: they must have the same "
            f"number; delete {spec.name} while no processor runs and no call is open, or make it anew"
        )
        found.append(Difference(spec.name, sentence, unusable=True))
    elif count < spec.partitions:
        sentence = (
            f"{spec.name}: has {count} partitions, not {spec.partitions}; records keep their order only where the "
            "number never changes, so set topics.partitions to what is there, or make a new topic"
        )
        found.append(Difference(spec.name, sentence))
    replicas = replica_count(topic)
    if replicas < spec.replication_factor:
        found.append(
            Difference(
                spec.name,
                f"{spec.name}: has {replicas} replicas, not {spec.replication_factor}; "
                "add replicas with kafka-reassign-partitions, or set topics.replication_factor",
            )
        )
    return found


def replica_count(topic: TopicMetadata) -> int:
    """How many replicas each partition has; the least where they differ."""
    return min((len(partition.replicas) for partition in topic.partitions.values()), default=0)


def _config_differences(client: AdminClient, specs: list[TopicSpec]) -> list[Difference]:
    resources = {ConfigResource(ResourceType.TOPIC, spec.name): spec for spec in specs}
    if not resources:
        return []
    found = []
    for resource, future in client.describe_configs(list(resources), request_timeout=TIMEOUT).items():
        spec = resources[resource]
        try:
            entries = future.result()
        except KafkaException as error:
            found.append(Difference(spec.name, f"{spec.name}: its configuration cannot be read: {error.args[0].str()}"))
            continue
        for key, wanted in spec.config.items():
            actual = entries[key].value if key in entries else None
            if actual != wanted:
                sentence = f"{spec.name}: {key} is {actual}, not {wanted}"
                found.append(Difference(spec.name, sentence, key=key, actual=actual, wanted=wanted))
    return found


def create(client: AdminClient, specs: Iterable[TopicSpec], *, validate_only: bool = False) -> list[str]:
    """Create those that are missing and return their names; another process may be doing the same.

    `validate_only`: ask the cluster whether it would, and change nothing. Raises TopicError that names every topic that
    could not be made.
    """
    existing = describe(client)
    missing = [spec for spec in _fitted(specs, existing) if spec.name not in existing]
    if not missing:
        return []
    new = [NewTopic(spec.name, spec.partitions, spec.replication_factor, config=dict(spec.config)) for spec in missing]
    problems = []
    options = {"operation_timeout": TIMEOUT, "request_timeout": TIMEOUT, "validate_only": validate_only}
    for name, future in client.create_topics(new, **options).items():
        try:
            future.result()
        except KafkaException as error:
            reason: RdKafkaError = error.args[0]
            if reason.code() != RdKafkaError.TOPIC_ALREADY_EXISTS:
                problems.append(f"{name}: cannot be created: {reason.str()}{_advice(reason)}")
    if problems:
        raise TopicError("\n".join(problems))
    names = [spec.name for spec in missing]
    if not validate_only:
        _wait_for(client, names)
    return names


def _wait_for(client: AdminClient, names: Iterable[str]) -> None:
    """Wait until the brokers know the new topics: the controller answers first, metadata follow a moment later."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        existing = describe(client)
        unknown = [name for name in names if name not in existing or existing[name].error is not None]
        if not unknown:
            return
        if time.monotonic() > deadline:
            raise TopicError(f"{', '.join(unknown)}: created, but no broker knew of it within {TIMEOUT:g} s; try again")
        time.sleep(PROPAGATION_POLL)


def _advice(reason: RdKafkaError) -> str:
    if reason.code() == RdKafkaError.INVALID_REPLICATION_FACTOR:
        return "; set topics.replication_factor to at most the number of brokers"
    if reason.code() in {RdKafkaError.TOPIC_AUTHORIZATION_FAILED, RdKafkaError.CLUSTER_AUTHORIZATION_FAILED}:
        return "; allow CREATE on it, or let somebody who may run `benzinga-kafka provision`"
    return ""


def partition_counts(client: AdminClient, names: Iterable[str]) -> dict[str, int]:
    """How many partitions each topic has. Raises TopicError that names every topic that cannot be used."""
    existing = describe(client)
    counts, problems = {}, []
    for name in names:
        topic = existing.get(name)
        if topic is None or topic.error is not None:
            reason = topic.error.str() if topic is not None and topic.error is not None else "there is no such topic"
            problems.append(f"{name}: {reason}; run `benzinga-kafka provision`, or set topics.create")
        else:
            counts[name] = len(topic.partitions)
    if problems:
        raise TopicError("\n".join(problems))
    return counts


def cluster_id(client: AdminClient) -> str:
    """Kafka's id of itself; empty where the brokers do not tell. Raises TopicError."""
    try:
        return client.list_topics(timeout=TIMEOUT).cluster_id or ""
    except KafkaException as error:
        raise TopicError(f"the brokers do not tell which cluster they are: {error.args[0].str()}") from error


def set_config(client: AdminClient, topic: str, config: Mapping[str, str]) -> None:
    """Set these configurations of one topic and leave its others as they are. Raises TopicError."""
    entries = [
        ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in sorted(config.items())
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    for future in client.incremental_alter_configs([resource], request_timeout=TIMEOUT).values():
        try:
            future.result()
        except KafkaException as error:
            reason: RdKafkaError = error.args[0]
            raise TopicError(
                f"{topic}: its configuration cannot be changed: {reason.str()}; allow ALTER_CONFIGS on it"
            ) from error
