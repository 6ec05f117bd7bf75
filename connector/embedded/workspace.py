"""A temporary folder that goes away with the process that made it, however that ends."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

GUARD: Final = Path(__file__).with_name("guard.py")
# Isolated and without site-packages: nothing that is installed or set in the environment reaches the guard.
PYTHON: Final = (sys.executable, "-I", "-S")
_REMOVAL_SECONDS: Final = 10


class Workspace:
    """The folder `path`. Whoever holds `lease`, a file descriptor, keeps it: this process, and each guard it starts."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="benzinga-kafka-"))
        self._janitor = subprocess.Popen(
            [*PYTHON, str(GUARD), "remove", str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for this program alone
        )
        if self._janitor.stdin is None:
            raise RuntimeError("a pipe was asked for")
        self._pipe = self._janitor.stdin

    @property
    def lease(self) -> int:
        """The descriptor that a guard inherits."""
        return self._pipe.fileno()

    def close(self) -> None:
        """Give the folder up, and wait until it is gone. A second call does nothing."""
        self._pipe.close()
        try:
            self._janitor.wait(_REMOVAL_SECONDS)
        except subprocess.TimeoutExpired:
            shutil.rmtree(self.path, ignore_errors=True)
