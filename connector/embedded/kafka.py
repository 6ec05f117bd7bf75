"""Apache Kafka (KRaft) as child processes: one broker, or a cluster whose members may be killed one at a time."""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from connector.embedded.classdata import ClassData
from connector.embedded.install import installed
from connector.embedded.java import java_command, java_environment
from connector.embedded.ports import HOST, free_ports
from connector.embedded.process import ServerProcess
from connector.embedded.properties import broker_properties, render
from connector.embedded.server import EmbeddedServer
from connector.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from connector.embedded.workspace import Workspace

_CHECKPOINT: Final = "bootstrap.checkpoint"
_HEAP_MB: Final = 512
_FORMAT_HEAP_MB: Final = 128
_READY: Final = "Kafka Server started"  # written once the broker is registered, unfenced and listening
# What tells the story of a broker without its every partition.
_LOGGING: Final = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


class Broker(ServerProcess):
    """One node, broker and controller both. `start` after `stop` or `kill` keeps its port and its data."""

    def __init__(self, node: int, port: int, command: Sequence[str], workspace: Workspace) -> None:
        super().__init__(f"kafka-{node}", command, workspace, lambda log: _READY in log)
        self.node = node
        self.port = port


class EmbeddedKafka(EmbeddedServer):
    """A cluster of `brokers` nodes on free ports of the loopback interface.

    `config` is added to each broker's own (names as in `server.properties`); `listeners` are further ones beside the
    plain one, by name, each with its security protocol, such as `{"TLS": "SSL"}`; `advertised` has, by listener, a port
    a node that clients are sent to instead, where a proxy stands in between; `java_options` go to each broker's virtual
    machine. Topics are never created automatically. With three brokers or more, topics have three replicas of which two
    must have a write.
    """

    def __init__(
        self,
        brokers: int = 1,
        config: Mapping[str, str] | None = None,
        listeners: Mapping[str, str] | None = None,
        heap_mb: int = _HEAP_MB,
        *,
        advertised: Mapping[str, Sequence[int]] | None = None,
        java_options: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._size = brokers
        self._config = dict(config or {})
        self._listeners = {"PLAINTEXT": "PLAINTEXT", **(listeners or {})}
        self._advertised = dict(advertised or {})
        self._heap_mb = heap_mb
        self._java_options = tuple(java_options)
        self._brokers: tuple[Broker, ...] = ()
        self._ports: dict[str, list[int]] = {}

    @property
    def bootstrap_servers(self) -> str:
        """What `kafka.bootstrap_servers` is set to."""
        return self.bootstrap_servers_of("PLAINTEXT")

    def bootstrap_servers_of(self, listener: str) -> str:
        """The same for the listener of that name."""
        return ",".join(f"{HOST}:{port}" for port in self._advertised.get(listener, self._ports[listener]))

    def ports_of(self, listener: str) -> list[int]:
        """The ports on which the nodes themselves listen."""
        return list(self._ports[listener])

    @property
    def brokers(self) -> tuple[Broker, ...]:
        """All nodes, by their id."""
        return self._brokers

    def broker(self, node: int) -> Broker:
        """The node with that id, from 0; as clients see it in the metadata, e.g. as a partition's leader."""
        return self._brokers[node]

    def _install(self) -> Path:
        return installed("kafka", _prepare)

    def _start(self, folder: Path, workspace: Workspace) -> None:
        names = (*self._listeners, "CONTROLLER")
        ports = free_ports(self._size * len(names))
        self._ports = {name: ports[i :: len(names)] for i, name in enumerate(names)}
        cluster = _kafka_uuid()
        class_data = ClassData(folder, sorted(folder.glob("*.jar")), workspace, self._heap_mb)
        self._brokers = tuple(self._broker(node, cluster, class_data, workspace) for node in range(self._size))
        self._processes = self._brokers
        for broker in self._brokers:
            broker.launch()
        with ThreadPoolExecutor(self._size) as pool:
            list(pool.map(Broker.wait_ready, self._brokers))
        self._processes = (*self._brokers, *class_data.save())

    def _broker(self, node: int, cluster: str, class_data: ClassData, workspace: Workspace) -> Broker:
        data = workspace.path / f"kafka-{node}"
        _format(data, class_data.folder / _CHECKPOINT, cluster, node)
        server_properties = workspace.path / f"kafka-{node}.properties"
        properties = broker_properties(node, data, self._listeners, self._ports, self._advertised)
        server_properties.write_text(render({**properties, **self._config}), encoding="utf-8")
        command = [
            *java_command(self._heap_mb, workspace.path),
            *class_data.options(record=node == 0),
            *_LOGGING,
            *self._java_options,
            "-cp",
            class_data.class_path,
            "kafka.Kafka",
            str(server_properties),
        ]
        return Broker(node, self._ports["PLAINTEXT"][node], command, workspace)


def _prepare(folder: Path) -> None:
    """Let Kafka's own tool write, once for this version, the records every new cluster begins with.

    They are its feature levels alone; what differs from node to node is in `meta.properties`. Starting a JVM for each
    node of each cluster would take seconds every time.
    """
    data = folder / "format"
    properties = folder / "format.properties"
    listeners = {"PLAINTEXT": "PLAINTEXT"}
    ports = {"PLAINTEXT": [1], "CONTROLLER": [2]}  # named, never opened
    properties.write_text(render(broker_properties(0, data, listeners, ports)), encoding="utf-8")
    tool = ("kafka.tools.StorageTool", "format", "--cluster-id", _kafka_uuid(), "--config", str(properties))
    command = [*java_command(_FORMAT_HEAP_MB, folder), *_LOGGING, "-cp", f"{folder}/*", *tool]
    done = subprocess.run(command, env=java_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EmbeddedError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")
    (data / _CHECKPOINT).rename(folder / _CHECKPOINT)
    shutil.rmtree(data)
    properties.unlink()


def _format(data: Path, checkpoint: Path, cluster: str, node: int) -> None:
    data.mkdir()
    shutil.copy(checkpoint, data)
    meta = {"version": "1", "cluster.id": cluster, "node.id": str(node), "directory.id": _kafka_uuid()}
    (data / "meta.properties").write_text(render(meta), encoding="utf-8")


def _kafka_uuid() -> str:
    """A random id as Kafka writes it: 22 characters, not beginning with a dash (a command line would misread that)."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
