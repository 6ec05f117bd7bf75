"""Whether the registry has our schemas, or would take them. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.commands import findings
from connector.errors import BenzingaKafkaError
from connector.kafka import topics
from connector.kafka.registry import Registry

if TYPE_CHECKING:
    from connector.commands.findings import Finding
    from connector.settings import Settings


def check_registry(settings: Settings) -> list[Finding]:
    """Reach the registry and look for every schema. Blocks."""
    try:
        registry = Registry(settings.schema_registry)
        registry.subjects()
        found = [findings.ok(f"schema registry: {settings.schema_registry.url} answers")]
        return found + _check_schemas(registry, settings)
    except BenzingaKafkaError as error:
        return findings.of_error(error)


def _check_schemas(registry: Registry, settings: Settings) -> list[Finding]:
    found, registered, registrable = [], [], []
    for name in [*settings.feed.streams, topics.GAPS]:
        topic = topics.topic_name(settings.topics, name)
        subject = f"{topic}-value"
        if registry.registered(topic, name):
            registered.append(subject)
        elif not registry.compatible(topic, name):
            found.append(
                findings.problem(
                    f"schema registry: {subject}: holds an earlier schema that this version's is not compatible with; "
                    "set another topics.prefix, or evolve the subject by hand"
                )
            )
        elif not settings.schema_registry.register_:
            found.append(
                findings.problem(
                    f"schema registry: {subject}: this version's schema is not registered and schema_registry.register "
                    "is false; run `benzinga-kafka provision`"
                )
            )
        else:
            registrable.append(subject)
    if registrable:
        found.append(
            findings.note(f"schema registry: not there yet: {', '.join(registrable)}; `source` registers them")
        )
    if registered:
        found.append(findings.ok(f"schema registry: {len(registered)} schemas are registered"))
    return found
