from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.embedded.ports import HOST, free_ports
from connector.embedded.process import PortTakenError, ServerProcess
from connector.embedded.server import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.embedded.workspace import Workspace

LISTEN = (
    "import socket, sys, signal; s = socket.create_server(('127.0.0.1', {})); print('up', flush=True); signal.pause()"
)


class _Listener(EmbeddedServer):
    """Listens on the next of the given ports at each try."""

    def __init__(self, *ports: int) -> None:
        super().__init__()
        self.ports = iter(ports)
        self.folders: list[Path] = []

    def _install(self) -> Path:
        return Path()

    def _start(self, folder: Path, workspace: Workspace) -> None:
        self.folders.append(workspace.path)
        command = [sys.executable, "-I", "-S", "-c", LISTEN.format(next(self.ports))]
        process = ServerProcess("listener", command, workspace, lambda log: log.startswith("up"))
        self._processes = (process,)
        process.start()

    @property
    def running(self) -> bool:
        return any(process.running for process in self._processes)


@pytest.fixture
def taken() -> Iterator[int]:
    (port,) = free_ports(1)
    with socket.create_server((HOST, port)):
        yield port


def test_a_port_taken_in_the_meantime_means_another_try_in_a_new_folder(taken: int) -> None:
    with _Listener(taken, *free_ports(1)) as server:
        assert server.running
        assert [folder.exists() for folder in server.folders] == [False, True]

    assert not server.running
    assert not server.folders[1].exists()


def test_ports_that_are_always_taken_are_an_error(taken: int) -> None:
    server = _Listener(*[taken] * 10)

    with pytest.raises(PortTakenError, match="Address already in use"):
        server.open()

    assert len(server.folders) == 3
    assert not any(folder.exists() for folder in server.folders)


def test_closing_twice_does_nothing() -> None:
    server = _Listener(*free_ports(1)).open()
    server.close()
    server.close()

    assert not server.running
