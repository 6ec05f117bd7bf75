"""Who says that it owns which stream, watched while a test goes on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.source import SourceProcess

EVERY = 0.05
HTTP_OK = 200


def owned(process: SourceProcess) -> set[str]:
    """The streams that the process's metrics call its own."""
    status, text = process.get("/metrics")
    return {
        sample.labels["stream"]
        for family in text_string_to_metric_families(text if status == HTTP_OK else "")
        for sample in family.samples
        if sample.name == "benzinga_source_owned" and sample.value
    }


class Watcher:
    """A context manager that asks the processes in turn."""

    def __init__(self, processes: Sequence[SourceProcess]) -> None:
        self._processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.looks: list[tuple[int, frozenset[str]]] = []
        """A process's number, and what it called its own; one after the other."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            for number, process in enumerate(self._processes):
                self.looks.append((number, frozenset(owned(process))))

    def disputes(self) -> list[tuple[int, int, str]]:
        """Streams that two processes called their own at one moment: one of them before and after the other did."""
        found = []
        last: dict[int, frozenset[str]] = {}
        between: dict[int, list[tuple[int, frozenset[str]]]] = {}
        for number, streams in self.looks:
            for other, theirs in between.get(number, []):
                found += [(number, other, stream) for stream in theirs & streams & last[number]]
            last[number], between[number] = streams, []
            for one, seen in between.items():
                if one != number:
                    seen.append((number, streams))
        return found
