"""What every measurement stands on: a real Kafka, a real registry, the sender; and how the source is started."""

from __future__ import annotations

import itertools
import json
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmarks.children import Child, Source, until
from benchmarks.topics import Topics
from connector.embedded import EmbeddedKafka, EmbeddedRegistry
from connector.embedded.together import running

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_JOURNAL = {"SOURCE__JOURNAL__DIR": "/dev/null/journal", "SOURCE__JOURNAL__REQUIRED": "false"}
"""No folder can be there: the source goes on without a journal, to measure what one costs."""


class Stage:
    """A context manager: servers and sender, started once for all measurements."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._names = (f"bench-{uuid.uuid4().hex[:6]}-{n}" for n in itertools.count())

    def __enter__(self) -> Self:
        self.kafka, self.registry = self._stack.enter_context(running(EmbeddedKafka(), EmbeddedRegistry()))
        self.topics = Topics(self.kafka.bootstrap_servers)
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        self.feeder = self._stack.enter_context(Child("benchmarks.feeder"))
        self.feed = self.feeder.hear()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def prefix(self) -> str:
        """A `topics.prefix` nobody has used."""
        return next(self._names)

    def settings(self, streams: Sequence[str], prefix: str) -> dict[str, str]:
        """The source's settings, by their environment variables without `BENZINGA_`."""
        return {
            "FEED__URL": self.feed["url"],
            "FEED__TOKEN": self.feed["token"],
            "FEED__STREAMS": json.dumps(streams),
            "KAFKA__BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "SCHEMA_REGISTRY__URL": self.registry.url,
            "TOPICS__PREFIX": prefix,
            "TOPICS__REPLICATION_FACTOR": "1",
            "SOURCE__JOURNAL__DIR": str(self._folder / prefix),
            # Nothing is replayed here; while the window is open messages would wait for its end.
            "SOURCE__SETTLE": "100ms",
        }

    def live_source(self, stream: str, prefix: str, **settings: str) -> Source:
        """A source of one stream that is connected and has settled."""
        source = Source(self.settings([stream], prefix) | settings)
        try:
            source.ready()
            until(lambda: source.metric("connected", stream=stream) == 1, "connected")
        except BaseException:
            source.__exit__()
            raise
        time.sleep(0.5)  # the settle window
        return source

    def prepare(self, stream: str, count: int, size: int | None, first: int = 0) -> int:
        """Make messages, ready to be sent; their bytes."""
        answer = self.feeder.ask({"prepare": stream, "size": size, "first": first, "count": count})
        made: int = answer["bytes"]
        return made

    def send(self, stream: str, rate: float = 0.0) -> dict[str, Any]:
        """Send what was prepared; when it began and how long it took, in seconds of the monotonic clock."""
        return self.feeder.ask({"send": stream, "rate": rate})
