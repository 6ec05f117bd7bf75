"""Apicurio Registry as a child process: the schema registry API of Confluent, under `/apis/ccompat/v7`."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Final

from connector.embedded.classdata import ClassData
from connector.embedded.install import installed
from connector.embedded.java import java_command
from connector.embedded.ports import HOST, free_ports
from connector.embedded.process import ServerProcess
from connector.embedded.server import EmbeddedServer
from connector.errors import EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path

    from connector.embedded.workspace import Workspace

_API: Final = "/apis/ccompat/v7"
_HEAP_MB: Final = 256


class EmbeddedRegistry(EmbeddedServer):
    """A schema registry on a free port. It keeps its port and its schemas over `stop` and `start`, not over `close`."""

    def __init__(self) -> None:
        super().__init__()
        self._port = 0

    @property
    def url(self) -> str:
        """What `schema_registry.url` is set to."""
        return f"http://{HOST}:{self._port}{_API}"

    @property
    def pid(self) -> int:
        """Its process id. Raises EmbeddedError where it does not run."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process exists, paused or not."""
        return bool(self._processes) and self._process.running

    def start(self) -> None:
        """Start again after `stop` or `kill`, on the same port and with the same schemas."""
        self._process.start()

    def stop(self) -> None:
        """SIGTERM, and wait for its end."""
        self._process.stop()

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self._process.kill()

    def pause(self) -> None:
        """SIGSTOP: connections are taken and nothing answers."""
        self._process.pause()

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self._process.resume()

    @property
    def _process(self) -> ServerProcess:
        if not self._processes:
            raise EmbeddedError("the registry is not open; use it in a `with` statement")
        return self._processes[0]

    def _install(self) -> Path:
        return installed("registry")

    def _start(self, folder: Path, workspace: Workspace) -> None:
        (self._port,) = free_ports(1)
        (runner,) = folder.glob("*-runner.jar")
        class_data = ClassData(folder, [runner], workspace, _HEAP_MB)
        process = ServerProcess(
            "registry",
            [
                *java_command(_HEAP_MB, workspace.path),
                *class_data.options(record=True),
                f"-Dquarkus.http.host={HOST}",
                f"-Dquarkus.http.port={self._port}",
                # A file instead of the memory, so that a restart forgets nothing; and no delay, so that a kill does
                # not either: H2 writes what was committed only after half a second by default.
                f"-Dquarkus.datasource.jdbc.url=jdbc:h2:file:{workspace.path}/schemas;DB_CLOSE_ON_EXIT=FALSE;WRITE_DELAY=0",
                "-jar",
                str(runner),
            ],
            workspace,
            self._answers,
        )
        self._processes = (process,)
        process.start()
        self._processes = (process, *class_data.save())

    def _answers(self, log: str) -> bool:
        if "Listening on:" not in log:
            return False
        connection = http.client.HTTPConnection(HOST, self._port, timeout=10)
        try:
            connection.request("GET", f"{_API}/subjects")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()
