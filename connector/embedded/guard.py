"""Stands between this program and what it started, so that nothing outlives it, not even after a SIGKILL.

Run as a script by `workspace.py` and `process.py`, never imported by them; the standard library alone, so that it
starts in milliseconds. Its standard input is a pipe that nobody writes to: its end means that the other side is gone.

    guard.py run PARENT LOG COMMAND...  starts COMMAND, prints its process id, kills it when PARENT is gone
    guard.py remove FOLDER              removes FOLDER when every holder of the pipe is gone

The pipe serves also where PR_SET_PDEATHSIG alone would not: that signal comes when the *thread* that forked ends, and a
service may well be started from a thread of a pool. Here it is set one level further down, by a process whose main
thread does the forking and stays, against a SIGKILL of the guard itself.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_POLL_SECONDS = 1.0
_NOT_STARTED = 127  # as a shell says it


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit status."""
    match arguments:
        case ["run", parent, log, *command]:
            return run(int(parent), Path(log), command)
        case ["remove", folder]:
            return remove(Path(folder))
    return 2


def run(parent: int, log: Path, command: list[str]) -> int:
    """Keep `command` for as long as `parent` lives; its exit status, 128 + the signal's number where one ended it."""
    with log.open("ab") as output:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_guard,  # noqa: PLW1509 - there is one thread yet
            )
        except OSError as error:
            output.write(f"{command[0]}: {error.strerror}\n".encode())
            return _NOT_STARTED
    sys.stdout.write(f"{child.pid}\n")
    sys.stdout.flush()
    threading.Thread(target=_kill_without_parent, args=(parent, child), daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


def remove(folder: Path) -> int:
    """Wait until nobody needs `folder`, then remove it."""
    while os.read(0, 1):
        pass
    # A process killed an instant ago may still write: what is there after the last attempt stays.
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return 0
        time.sleep(0.1)
    return 1


def _kill_without_parent(parent: int, child: subprocess.Popen[bytes]) -> None:
    # A process that the parent forked and that never called exec holds the pipe open too: hence also the look at who
    # the parent is now.
    while os.getppid() == parent:
        readable, _, _ = select.select([0], [], [], _POLL_SECONDS)
        if readable and not os.read(0, 1):
            break
    child.kill()


def _die_with_guard() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
