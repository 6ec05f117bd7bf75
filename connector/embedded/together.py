"""Several services at once, started side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.embedded.kafka import EmbeddedKafka
    from connector.embedded.registry import EmbeddedRegistry


@contextmanager
def running(kafka: EmbeddedKafka, registry: EmbeddedRegistry) -> Iterator[tuple[EmbeddedKafka, EmbeddedRegistry]]:
    """Both, ready. Where one does not start the other is closed too, and its error is raised."""
    with ExitStack() as stack:
        stack.callback(kafka.close)
        stack.callback(registry.close)
        with ThreadPoolExecutor(2) as pool:
            starting = pool.submit(kafka.open), pool.submit(registry.open)
            starting[0].result()
            starting[1].result()
        yield kafka, registry
