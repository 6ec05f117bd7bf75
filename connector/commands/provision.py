"""`benzinga-kafka provision`: topics and schemas made, or verified; nothing is ever shrunk or deleted."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Annotated

import typer

from connector.commands.command import FAILED, together
from connector.commands.output import emit_line
from connector.commands.print_acls import print_acls
from connector.commands.setup import BROKER_TIMEOUT, ConfigFile, begin
from connector.errors import BenzingaKafkaError, ConfigurationError, TopicError
from connector.kafka import clients, topics
from connector.kafka.registry import COMPATIBILITY, Registry
from connector.kafka.upkeep import objection
from connector.mapping.schemas import schema_dir

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

    from connector.kafka.topics import Difference, TopicSpec
    from connector.settings import Settings


def provision(
    config: ConfigFile = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    acls: Annotated[
        bool,
        typer.Option(
            "--print-acls", help="Only print what Kafka has to allow, as kafka-acls.sh commands; asks nobody."
        ),
    ] = False,
    principal: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[ROLE=]User:NAME",
            help="Whom to allow it; may be repeated. Default: a user for each role, User:<prefix>-<role>.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rules as JSON lines.")] = False,
) -> None:
    """Create or verify topics and their configuration, register schemas, set their compatibility.

    Prints a line for each. Partitions are never added and nothing is shrunk or deleted; where something differs that
    must be mended by hand, the line says how, and the exit code is 1.
    """
    if not acls and (principal or as_json):
        raise ConfigurationError(["--principal and --json go with --print-acls"])
    settings = begin(config)
    if acls:
        print_acls(settings, principal or [], as_json=as_json)
        return
    report = _Report(dry_run=dry_run)
    failures: list[BenzingaKafkaError] = []
    for step in (_provision_topics, _provision_schemas):
        try:
            step(settings, report)
        except BenzingaKafkaError as error:
            failures.append(error)
    if failures:
        raise together(failures)
    if report.differs:
        raise typer.Exit(FAILED)


class _Report:
    """Prints what was done, or would be."""

    def __init__(self, *, dry_run: bool) -> None:
        self.dry_run = dry_run
        self.differs = False

    def ok(self, sentence: str) -> None:
        emit_line(f"ok         {sentence}")

    def done(self, past: str, verb: str, sentence: str) -> None:
        """`past` where it was done, `would <verb>` where this is a dry run."""
        emit_line(f"would {verb} {sentence}" if self.dry_run else f"{past:<10} {sentence}")

    def different(self, sentence: str) -> None:
        self.differs = True
        emit_line(f"differs    {sentence}")


def _provision_topics(settings: Settings, report: _Report) -> None:
    client = clients.admin(settings.kafka)
    clients.cluster_reached(client, settings.kafka, BROKER_TIMEOUT)
    specs = topics.fitted(client, topics.all_topics(settings.topics, settings.feed.streams))
    found: dict[str, list[Difference]] = defaultdict(list)
    for difference in topics.differences(client, specs):
        found[difference.topic].append(difference)
    for spec in specs:
        differences = found[spec.name]
        if not differences:
            report.ok(spec.name)
        elif any(difference.missing for difference in differences):
            _create(client, spec, report)
        else:
            _mend(client, spec, differences, report)


def _create(client: AdminClient, spec: TopicSpec, report: _Report) -> None:
    try:
        topics.create(client, [spec], validate_only=report.dry_run)
    except TopicError as error:
        report.different(str(error))
    else:
        config = ", ".join(f"{key}={value}" for key, value in sorted(spec.config.items()))
        report.done(
            "created",
            "create",
            f"{spec.name}: {spec.partitions} partitions, replication factor {spec.replication_factor}, {config}",
        )


def _mend(client: AdminClient, spec: TopicSpec, differences: list[Difference], report: _Report) -> None:
    replicas = topics.replica_count(topics.describe(client)[spec.name])
    for difference in differences:
        key, wanted = difference.key, difference.wanted
        if key is None or wanted is None:
            report.different(difference.sentence)
        elif why_not := objection(key, difference.actual, wanted, replicas):
            report.different(f"{difference.sentence}; {why_not}")
        else:
            try:
                if not report.dry_run:
                    topics.set_config(client, spec.name, {key: wanted})
            except TopicError as error:
                report.different(str(error))
            else:
                report.done("changed", "change", f"{spec.name}: {key} from {difference.actual} to {wanted}")


def _provision_schemas(settings: Settings, report: _Report) -> None:
    # `register: false` is for `source`: registering is what this command is for.
    registry = Registry(settings.schema_registry.model_copy(update={"register_": True}))
    registry.subjects()
    for name in [*settings.feed.streams, topics.GAPS, topics.CALLS, topics.ALERTS]:
        if (schema_dir() / f"{name}.avsc").is_file():
            _provision_schema(registry, topics.topic_name(settings.topics, name), name, report)


def _provision_schema(registry: Registry, topic: str, name: str, report: _Report) -> None:
    subject = f"{topic}-value"
    registered = registry.registered(topic, name)
    level = registry.compatibility(subject)
    if level != COMPATIBILITY and (registered or level is not None):
        if not report.dry_run:
            registry.ensure_compatibility(topic)
        report.done("changed", "change", f"{subject}: compatibility from {level or 'the default'} to {COMPATIBILITY}")
    if registered:
        report.ok(subject)
    elif not registry.compatible(topic, name):
        report.different(
            f"{subject}: the registry holds an earlier schema that this version's is not compatible with; "
            "set another topics.prefix, or evolve the subject by hand"
        )
    else:
        id_ = "" if report.dry_run else f", id {registry.schema_id(topic, name)}"
        report.done("registered", "register", f"{subject}: compatibility {COMPATIBILITY}{id_}")
