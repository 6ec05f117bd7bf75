"""Every error this package raises on purpose.

    BenzingaKafkaError
    ├── ConfigurationError      wrong settings or usage            exit code 2
    ├── FeedError               the feed side
    ├── KafkaError              the Kafka side
    │   ├── FencedError         another process owns the stream now
    │   └── TopicError          a topic is missing, forbidden or not as configured
    ├── RegistryError           the schema registry
    ├── JournalError            the local journal: its folder, its disk
    ├── EncodeError             a value that its Avro schema cannot hold
    ├── DecodeError             bytes that are not what their schema says
    └── EmbeddedError           a child process of the demo or the tests

Each sentence says what happened, where, and what to do about it; `exit_code` is what a command ends with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class BenzingaKafkaError(Exception):
    """The root of the tree."""

    exit_code: ClassVar[int] = 1


class ConfigurationError(BenzingaKafkaError):
    """The settings or the command line are wrong; `problems` has one sentence each, all of them at once."""

    exit_code: ClassVar[int] = 2

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        return "\n".join(f"- {problem}" for problem in self.problems)


class FeedError(BenzingaKafkaError):
    """The feed refused, or could not be reached."""


class KafkaError(BenzingaKafkaError):
    """Kafka refused, or could not be reached; `code` is librdkafka's error name where there is one."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class FencedError(KafkaError):
    """Another process has taken this stream over: nothing more may be published under the old epoch."""


class TopicError(KafkaError):
    """A topic is missing, may not be used, or is not as the settings say."""


class RegistryError(BenzingaKafkaError):
    """The schema registry refused a schema, or could not be reached."""


class JournalError(BenzingaKafkaError):
    """The local journal cannot be opened, written or read."""


class EncodeError(BenzingaKafkaError):
    """A value does not fit the Avro schema it was to be written with; the message belongs in dead-letters."""


class DecodeError(BenzingaKafkaError):
    """A record's bytes are not what their schema says; the record belongs in dead-letters."""


class EmbeddedError(BenzingaKafkaError):
    """A child process of the embedded Kafka or registry did not start."""
