"""What must be true before work can begin: settings, broker, topics, schemas; all problems are told at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.errors import BenzingaKafkaError, ConfigurationError, KafkaError, TopicError
from connector.feed.url import check_url
from connector.journal import folder_problem
from connector.kafka import clients, topics
from connector.kafka.registry import Registry, ignore
from connector.logs import add_secret, get_logger

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from connector.settings import Settings

log = get_logger(__name__)

BROKER_TIMEOUT: Final = 15.0
"""Seconds a broker has to answer before the process gives up and says so."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the work stands on."""

    partitions: Mapping[str, int]
    """Partitions by topic name."""

    schema_ids: Mapping[str, int]
    """Schema ids by schema name."""

    cluster: str
    """Kafka's id of itself."""


def prepare_source(settings: Settings, stop: threading.Event, on_answer: Callable[[str], None] = ignore) -> Ground:
    """Prepare what `source` needs. Blocks; raises as `prepare`."""
    streams = settings.feed.streams
    specs = topics.source_topics(settings.topics, streams)
    return prepare(
        settings, specs, [*streams, topics.GAPS], list(_source_problems(settings)), stop, on_answer=on_answer
    )


def prepare(
    settings: Settings,
    specs: Sequence[topics.TopicSpec],
    schemas: Sequence[str],
    problems: Sequence[BenzingaKafkaError],
    stop: threading.Event,
    *,
    on_answer: Callable[[str], None] = ignore,
) -> Ground:
    """Check everything; create missing topics and register missing schemas where the settings allow. Blocks.

    `problems`: what is known to be wrong already; `on_answer`: hears how the registry answers. A registry that is away
    is waited for. Raises ConfigurationError or KafkaError that tells every problem.
    """
    with ThreadPoolExecutor(2, thread_name_prefix="preflight") as pool:
        topics_ready = pool.submit(_topics, settings, specs)
        schemas_ready = pool.submit(_schemas, settings, schemas, stop, on_answer)
        # A registry is waited for without end: but not while something else makes the wait pointless.
        kafka_problem = topics_ready.exception()
        if problems or kafka_problem is not None:
            stop.set()
        found = [*problems, kafka_problem, schemas_ready.exception()]
    if failures := [error for error in found if error is not None]:
        raise _together(failures)
    partitions, cluster = topics_ready.result()
    return Ground(partitions, schemas_ready.result(), cluster)


def _source_problems(settings: Settings) -> Iterator[ConfigurationError]:
    try:
        check_url(settings.feed.url)
    except ConfigurationError as error:
        yield error
    try:
        add_secret(settings.feed.read_token())
    except ConfigurationError as error:
        yield error
    journal = settings.source.journal
    if journal.required and (problem := folder_problem(journal)) is not None:
        yield ConfigurationError([problem])


def _topics(settings: Settings, specs: Sequence[topics.TopicSpec]) -> tuple[dict[str, int], str]:
    client = clients.admin(settings.kafka)
    clients.cluster_reached(client, settings.kafka, BROKER_TIMEOUT)
    if settings.topics.create:
        for name in topics.create(client, specs):
            log.info("kafka.topic_created", topic=name)
    differences = [difference for difference in topics.differences(client, specs) if not difference.missing]
    for difference in differences:
        log.warning("kafka.topic_differs", topic=difference.topic, detail=difference.sentence)
    if unusable := [difference.sentence for difference in differences if difference.unusable]:
        raise TopicError("\n".join(unusable))
    return topics.partition_counts(client, [spec.name for spec in specs]), topics.cluster_id(client)


def _schemas(
    settings: Settings, names: Sequence[str], stop: threading.Event, on_answer: Callable[[str], None]
) -> dict[str, int]:
    registry = Registry(settings.schema_registry, on_answer)
    with ThreadPoolExecutor(4, thread_name_prefix="registry") as pool:
        waiting = {
            name: pool.submit(registry.wait_for_schema_id, topics.topic_name(settings.topics, name), name, stop)
            for name in names
        }
    if failures := [error for future in waiting.values() if (error := future.exception()) is not None]:
        raise _together(failures)
    return {name: future.result() for name, future in waiting.items()}


def _together(failures: list[BaseException]) -> BenzingaKafkaError:
    """One error that tells every problem, each once. Raises what is a fault of ours instead."""
    for failure in failures:
        if not isinstance(failure, BenzingaKafkaError):
            raise failure
    sentences = list(dict.fromkeys(line.removeprefix("- ") for error in failures for line in str(error).splitlines()))
    if any(isinstance(error, ConfigurationError) for error in failures):
        return ConfigurationError(sentences)
    return KafkaError("\n".join(sentences))
