"""Topics for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka.admin import AdminClient, NewTopic

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_SECONDS = 30


def create_topics(
    bootstrap_servers: str,
    *names: str,
    partitions: int = 1,
    config: Mapping[str, str] | None = None,
    options: Mapping[str, str] | None = None,
) -> None:
    """Create them, and return once every one is known to the cluster. `options` are the client's."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, **(options or {})})
    topics = [NewTopic(name, num_partitions=partitions, config=dict(config or {})) for name in names]
    for future in admin.create_topics(topics, operation_timeout=_TIMEOUT_SECONDS).values():
        future.result(_TIMEOUT_SECONDS)
    for name in names:
        while len(admin.list_topics(name, timeout=_TIMEOUT_SECONDS).topics[name].partitions) < partitions:
            pass
