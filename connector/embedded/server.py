"""What the embedded broker and registry have in common: opening with another try where a port is taken, and closing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Self

from connector.embedded.process import PortTakenError
from connector.embedded.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from connector.embedded.process import ServerProcess

_PORT_ATTEMPTS: Final = 3


class EmbeddedServer(ABC):
    """One or more processes that share a workspace. A context manager: `open` on entry, `close` on exit."""

    def __init__(self) -> None:
        self._workspace: Workspace | None = None
        self._processes: tuple[ServerProcess, ...] = ()

    def open(self) -> Self:
        """Install where needed, start, wait until all is ready. Raises EmbeddedError or ConfigurationError."""
        folder = self._install()
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            try:
                self._workspace = Workspace()
                self._start(folder, self._workspace)
            except PortTakenError:
                self.close()
                if attempt == _PORT_ATTEMPTS:
                    raise
            except BaseException:
                self.close()
                raise
            else:
                break
        return self

    def close(self) -> None:
        """End all processes and remove their data. A second call does nothing."""
        for process in self._processes:
            process.kill()
        self._processes = ()
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _install(self) -> Path:
        """The folder with the server's files."""

    @abstractmethod
    def _start(self, folder: Path, workspace: Workspace) -> None:
        """Choose ports, set `_processes`, start them and wait until they are ready."""
