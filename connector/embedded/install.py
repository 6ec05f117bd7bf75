"""The servers' files in the user's cache: downloaded once, checked, and complete or not there at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tarfile
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from connector.embedded import lockfile, maven
from connector.errors import EmbeddedError
from connector.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = get_logger(__name__)

_DOWNLOADS: Final = 8

_cancelled = threading.Event()


def cache_folder() -> Path:
    """`BENZINGA_KAFKA_CACHE`, or `benzinga-kafka` in the user's cache folder."""
    if own := os.environ.get("BENZINGA_KAFKA_CACHE"):
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "benzinga-kafka"


def installed(name: str, prepare: Callable[[Path], None] | None = None) -> Path:
    """The folder with the files of the distribution `name`; downloaded where it is not there yet.

    `prepare` is run on a new folder before it counts. Two processes may ask at once: one works, the other waits for it.
    Raises EmbeddedError where a file cannot be had or is not what the lock file says.
    """
    distribution = lockfile.read(name)
    folder = cache_folder() / distribution.folder
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
                _install(distribution, folder, prepare)
    except OSError as error:
        where = error.filename or folder.parent
        raise EmbeddedError(
            f"{where} cannot be written: {error.strerror}; free it, or name another folder in BENZINGA_KAFKA_CACHE"
        ) from error
    return folder


def progress(name: str) -> tuple[int, int] | None:
    """Bytes there and bytes in all while the distribution `name` is being downloaded, by whichever process."""
    distribution = lockfile.read(name)
    there = 0
    found = False
    for temporary in cache_folder().glob(f"{_temporary(name)}*"):
        found = True
        for folder, _, names in os.walk(temporary):
            for file in names:
                with contextlib.suppress(OSError):  # moved on meanwhile
                    there += Path(folder, file).stat().st_size
    return (min(there, distribution.size), distribution.size) if found else None


def cancel() -> None:
    """Let every `installed` of this process end with EmbeddedError once the files it is fetching are there."""
    _cancelled.set()


def _temporary(name: str) -> str:
    return f".{name}-download-"


def _install(distribution: lockfile.Distribution, folder: Path, prepare: Callable[[Path], None] | None) -> None:
    megabytes = round(distribution.size / 1e6)
    log.info("embedded.installing", name=distribution.name, version=distribution.version, megabytes=megabytes)
    prefix = _temporary(distribution.name)
    for abandoned in folder.parent.glob(f"{prefix}*"):  # by a process that was killed: the lock is ours
        shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder.parent) as temporary:
        downloads, files = Path(temporary, "downloads"), Path(temporary, "files")
        files.mkdir()
        with ThreadPoolExecutor(_DOWNLOADS) as pool:
            for path in pool.map(lambda artifact: _checked(artifact, downloads), distribution.artifacts):
                _put(path, files)
        if prepare is not None:
            prepare(files)
        files.rename(folder)  # complete or not there at all
    log.info("embedded.installed", name=distribution.name, version=distribution.version, folder=str(folder))


def _checked(artifact: lockfile.Artifact, downloads: Path) -> Path:
    if _cancelled.is_set():
        raise EmbeddedError(f"{artifact.coordinate} was not downloaded: stopped")
    path = maven.download(artifact.coordinate, downloads)
    if (actual := lockfile.sha256_of(path)) != artifact.sha256:
        raise EmbeddedError(
            f"{artifact.coordinate} is not the file it was: its SHA-256 is {actual}, {lockfile.LOCK.name} says "
            f"{artifact.sha256}; nothing was installed"
        )
    return path


def _put(path: Path, files: Path) -> None:
    if path.suffix == ".jar":
        shutil.move(path, files / path.name)
        return
    with tarfile.open(path) as archive:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and later
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(files)  # noqa: S202 - its hash is the one in the lock file


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed, also by a process's death
        yield
