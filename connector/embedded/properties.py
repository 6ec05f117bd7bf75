"""What stands in the `server.properties` of an embedded broker, and why."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from connector.embedded.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def broker_properties(
    node: int,
    data: Path,
    listeners: Mapping[str, str],
    ports: Mapping[str, Sequence[int]],
    advertised: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> dict[str, str]:
    """The configuration of node `node`.

    `listeners` maps the names of the client listeners to security protocols; `ports` has a port a node for each of them
    and for `CONTROLLER`; `advertised` those that clients of a listener are sent to, where they are others.
    """
    size = len(ports["CONTROLLER"])
    replicas, in_sync = (3, 2) if size >= 3 else (1, 1)  # noqa: PLR2004 - below three a single failure would stop writes
    client = [f"{name}://{HOST}:{ports[name][node]}" for name in listeners]
    public = [f"{name}://{HOST}:{advertised.get(name, ports[name])[node]}" for name in listeners]
    return {
        # Every node is broker and controller, so that any one of three may fail.
        "process.roles": "broker,controller",
        "node.id": str(node),
        "controller.quorum.voters": ",".join(f"{i}@{HOST}:{port}" for i, port in enumerate(ports["CONTROLLER"])),
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join([*client, f"CONTROLLER://{HOST}:{ports['CONTROLLER'][node]}"]),
        "advertised.listeners": ",".join(public),
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": ",".join(
            f"{name}:{protocol}" for name, protocol in {**listeners, "CONTROLLER": "PLAINTEXT"}.items()
        ),
        "log.dirs": str(data),
        # A misspelt topic is an error here, as it is in production.
        "auto.create.topics.enable": "false",
        "default.replication.factor": str(replicas),
        "min.insync.replicas": str(in_sync),
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(in_sync),
        "share.coordinator.state.topic.replication.factor": str(replicas),
        "share.coordinator.state.topic.min.isr": str(in_sync),
        # Kafka makes 50 partitions of each at their first use, which is a second's work that nobody here needs.
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.num.partitions": "8",
        "share.coordinator.state.topic.num.partitions": "1",
        # A group starts without waiting for more members; a silent one is noticed within seconds (6 s is the default).
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # A killed broker may come back under its id once its session is over: 9 s is the default.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # What a killed producer left open is aborted soon after its time-out, not up to 10 s later.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
        # The cleaner takes this much of the heap at once; 128 MiB is the default.
        "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
    }


def render(properties: Mapping[str, str]) -> str:
    """The text of a Java properties file."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in properties.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
