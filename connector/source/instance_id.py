"""The name by which a group knows a process again after a restart (static membership, KIP-345).

A process that was killed is still a member for a session time-out, and a stranger that joins meanwhile waits for that.
One that comes back under the same name takes its own place, at once and without a rebalance. So the name must outlive
the process, and no two processes may have it at a time: it is in a file of the journal's folder, and whoever runs
holds a lock on the file, which the kernel frees however the process ends. A second process in the same folder takes the
second file.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
from typing import TYPE_CHECKING, Final, Self

from connector.logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

log = get_logger(__name__)

PLACES: Final = 64
"""Processes that may share a folder and still be known again; further ones are strangers after each restart."""

_NAME: Final = re.compile(rb"[A-Za-z0-9._-]{1,200}")


class InstanceId:
    """A name that is this process's alone until `close`, or its end."""

    def __init__(self, descriptor: int, text: str) -> None:
        """`descriptor`: of the locked file."""
        self._descriptor = descriptor
        self.text = text

    @classmethod
    def take(cls, folder: Path) -> Self | None:
        """The first name in `folder` that no process holds; None where no file can be had there, which is logged."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for place in range(PLACES):
                descriptor = os.open(folder / f"member-{place}.id", os.O_RDWR | os.O_CREAT, 0o644)
                if _locked(descriptor):
                    return cls(descriptor, _read_or_made(descriptor))
                os.close(descriptor)
        except OSError as error:
            log.warning("ownership.no_instance_id", folder=str(folder), error=str(error))
            return None
        log.warning("ownership.no_instance_id", folder=str(folder), error=f"{PLACES} processes run in it")
        return None

    def replace(self) -> None:
        """Write another name for the next start: this one turned out to be somebody else's, too (a copied folder)."""
        _write(self._descriptor, _made())

    def close(self) -> None:
        """Free the name."""
        os.close(self._descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_or_made(descriptor: int) -> str:
    text = os.pread(descriptor, 1024, 0).strip()
    if _NAME.fullmatch(text):
        return text.decode("ascii")
    made = _made()
    _write(descriptor, made)
    return made


def _made() -> str:
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:100]
    return f"{host}-{os.urandom(6).hex()}"


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{text}\n".encode(), 0)
