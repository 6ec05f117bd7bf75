"""What each part of this package may do at least, as Kafka's access control lists; derived from the topic catalogue.

Nothing is granted by a wildcard, and each rule is one without which something fails. `Read` and `Write` include
`Describe`, `AlterConfigs` includes `DescribeConfigs` (KIP-133); a transactional producer needs no `IdempotentWrite`.
Topics are made by the role `provision` alone: once it has run, `source` and `processor` need no `Create`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from connector.kafka import topics
from connector.kafka.claims import source_group

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.settings import Settings

Resource = Literal["topic", "group", "transactional-id"]
Pattern = Literal["literal", "prefixed"]


class Role(StrEnum):
    """Who asks: a Kafka user each, or one for several."""

    SOURCE = "source"
    """`source`, and `check` with its credentials."""

    PROCESSOR = "processor"
    PROVISION = "provision"
    OPERATOR = "operator"
    """`tail` and `dead-letters`."""

    READER = "reader"
    """Whoever consumes the topics."""


@dataclass(frozen=True, slots=True)
class Acl:
    """That a role may do `operations` with some resources of one kind, from any host."""

    role: Role
    resource: Resource
    names: tuple[str, ...]
    """With the prefix of the settings."""

    operations: tuple[str, ...]
    """As `kafka-acls.sh` spells them."""

    why: str
    """What the role does with it."""

    pattern: Pattern = "literal"
    """`prefixed`: with everything whose name begins with one of `names`."""


def acls(settings: Settings) -> list[Acl]:
    """The rules of all roles for these settings, role by role."""
    return [*_source(settings), *_processor(settings), *_provision(settings), *_operator(settings), *_reader(settings)]


def _source(settings: Settings) -> Iterator[Acl]:
    role, streams, named = Role.SOURCE, settings.feed.streams, _Names(settings)
    written = named((*streams, topics.GAPS, topics.DEAD_LETTERS, topics.OWNERSHIP, topics.HANDOVER))
    why = "publish, read the end back, compare the configuration"
    yield Acl(role, "topic", written, ("Read", "Write", "DescribeConfigs"), why)
    yield Acl(role, "transactional-id", named(streams), ("Write",), "publish exactly once; fence an earlier owner")
    yield Acl(role, "transactional-id", named(["check"]), ("Write",), "`check` tries an id of its own")
    why = "hand over what the journal holds of a stream that is another's"
    yield Acl(role, "transactional-id", named(["handover."]), ("Write",), why, "prefixed")
    yield Acl(role, "group", (source_group(settings),), ("Read",), "share the streams; stand by")
    yield Acl(role, "group", named(["handover"]), ("Read",), "take in what another process has handed over")
    why = "ask whether a source with other streams still has one of ours"
    yield Acl(role, "group", named(["source"]), ("Describe",), why, "prefixed")
    yield Acl(role, "group", named(["tail"]), ("Describe",), "read the end back")


def _processor(settings: Settings) -> Iterator[Acl]:
    role, named = Role.PROCESSOR, _Names(settings)
    yield Acl(role, "topic", named([topics.TRANSCRIPTS]), ("Read", "DescribeConfigs"), "consume")
    written = named((topics.CALLS, topics.ALERTS, topics.DEAD_LETTERS))
    yield Acl(role, "topic", written, ("Write", "DescribeConfigs"), "publish, compare the configuration")
    state = named([topics.OPEN_CALLS])
    yield Acl(role, "topic", state, ("Read", "Write", "DescribeConfigs"), "keep and restore open calls")
    yield Acl(role, "group", named(["processor"]), ("Read",), "share the partitions; commit positions")
    yield Acl(role, "group", named(["processor.restore"]), ("Describe",), "restore open calls")
    why = "publish exactly once, an id a partition"
    yield Acl(role, "transactional-id", named(["processor."]), ("Write",), why, "prefixed")


def _provision(settings: Settings) -> Iterator[Acl]:
    names = tuple(spec.name for spec in topics.all_topics(settings.topics, settings.feed.streams))
    why = "create topics, compare and set their configuration"
    yield Acl(Role.PROVISION, "topic", names, ("Create", "Describe", "AlterConfigs"), why)


def _operator(settings: Settings) -> Iterator[Acl]:
    role, streams, named = Role.OPERATOR, settings.feed.streams, _Names(settings)
    read = named((topics.DEAD_LETTERS, topics.CALLS, topics.ALERTS))
    yield Acl(role, "topic", read, ("Read",), "`tail`, `dead-letters`")
    written = named((*streams, topics.GAPS, topics.REDRIVEN))
    yield Acl(role, "topic", written, ("Read", "Write"), "`tail`, `dead-letters redrive`")
    yield Acl(role, "group", named(("tail", "redrive")), ("Describe",), "`tail`, `dead-letters`")
    why = "`dead-letters redrive` publishes exactly once, an id a stream"
    yield Acl(role, "transactional-id", named(["redrive."]), ("Write",), why, "prefixed")


def _reader(settings: Settings) -> Iterator[Acl]:
    named = _Names(settings)
    read = named((*settings.feed.streams, topics.CALLS, topics.ALERTS, topics.GAPS))
    yield Acl(Role.READER, "topic", read, ("Read",), "consume")
    yield Acl(Role.READER, "group", named(["reader"]), ("Read",), "consumer groups whose name begins so", "prefixed")


class _Names:
    """Names with the prefix: topics, groups and transactional ids all have the same one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.topics

    def __call__(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(topics.topic_name(self._settings, name) for name in names)
