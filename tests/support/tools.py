"""Prometheus and promtool for tests: from PATH, else from the user's cache, else fetched once from Debian's package.

Where that is impossible (another system, no network) the test is skipped and says aloud what was not checked. Every
step is bounded by `STEP_SECONDS`, and it is tried once a session.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from connector.embedded.install import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = "prometheus"
BINARIES: Final = ("promtool", "prometheus")
STEP_SECONDS: Final = 60.0
_QUICK: Final = ("-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10")


def tool(name: str, purpose: str) -> Path:
    """The executable `name`; skips the test where there is none. `purpose`: what is not checked then."""
    found = _find(name) or (_fetch(name) if name in BINARIES else None)
    if found is None:
        fetching = ", and Debian's package cannot be fetched" if name in BINARIES else ""
        pytest.skip(f"NOT CHECKED: {purpose}: there is no {name} in PATH or in {_folder()}{fetching}")
    return found


def run(binary: Path, *arguments: str | Path, seconds: float = 120.0) -> str:
    """What it printed; AssertionError with that where it fails."""
    # Written in Go, and gone in a moment: collecting garbage would be a third of their work.
    env = os.environ | {"GOGC": "400"}
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=seconds, check=False, env=env)
    assert done.returncode == 0, f"{binary.name} {arguments}:\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def _folder() -> Path:
    return cache_folder() / "tools"


def _find(name: str) -> Path | None:
    if inherited := shutil.which(name):
        return Path(inherited)
    kept = _folder() / name
    return kept if kept.exists() else None


@cache
def _fetch(name: str) -> Path | None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return None
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other workers of this run wait for the one that fetches
        if (found := _find(name)) is not None:
            return found
        with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as scratch:
            if not _unpacked(Path(scratch)):
                return None
            for binary in BINARIES:
                (Path(scratch) / "usr/bin" / binary).rename(folder / binary)
    return folder / name


def _unpacked(scratch: Path) -> bool:
    """Put the package's files below `scratch`; apt checks its signature."""
    for attempt in _attempts(scratch):
        try:
            for command in attempt:
                subprocess.run(command, cwd=scratch, capture_output=True, timeout=STEP_SECONDS, check=True)
            [package] = scratch.glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", package, scratch], capture_output=True, timeout=60, check=True)
        except (subprocess.SubprocessError, OSError, ValueError):
            continue
        else:
            return True
    return False


def _attempts(scratch: Path) -> Iterator[list[list[str]]]:
    """With the lists of packages that are there; then, as in a fresh container, with lists of its own."""
    yield [["apt-get", *_QUICK, "download", PACKAGE]]
    for part in ("lists/partial", "archives/partial"):
        (scratch / part).mkdir(parents=True)
    own = ["-o", f"Dir::State::lists={scratch}/lists", "-o", f"Dir::Cache={scratch}", "-o", "Debug::NoLocking=1"]
    yield [["apt-get", *_QUICK, *own, "update"], ["apt-get", *_QUICK, *own, "download", PACKAGE]]
