from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from connector.embedded import lockfile, maven
from connector.embedded.maven import Coordinate
from connector.embedded.relock import WANTED
from connector.errors import ConfigurationError, EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path

JAR = Coordinate.parse("org.example:thing:jar:1.0")


class _Artifact:
    """jgo's, whose download fails as often as asked and leaves half a file each time."""

    def __init__(self, path: Path, failures: int) -> None:
        self.cached_path = path
        self.failures = failures

    def resolve(self) -> Path:
        assert not self.cached_path.exists(), "half a file would be taken for a whole one"
        self.cached_path.write_text("half")
        if self.failures:
            self.failures -= 1
            raise ConnectionError("reset by peer")
        return self.cached_path


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(maven.time, "sleep", lambda _: None)

    def fail(times: int) -> None:
        artifact = _Artifact(tmp_path / "thing.jar", times)
        monkeypatch.setattr(maven, "_artifact", lambda *_: artifact)

    return fail


@pytest.mark.parametrize("text", ["org.example:thing:jar:1.0", "org.example:app:tar.gz:all:1.0"])
def test_a_coordinate_is_read_as_it_is_written(text: str) -> None:
    assert str(Coordinate.parse(text)) == text


def test_a_coordinate_without_version_is_refused() -> None:
    with pytest.raises(EmbeddedError, match=r"org\.example:thing"):
        Coordinate.parse("org.example:thing")


def test_a_download_that_breaks_is_tried_again_from_the_start(failing: Any, tmp_path: Path) -> None:
    failing(2)
    assert maven.download(JAR, tmp_path) == tmp_path / "thing.jar"


def test_a_download_that_keeps_failing_says_what_is_needed(failing: Any, tmp_path: Path) -> None:
    failing(3)
    with pytest.raises(EmbeddedError, match=r"org\.example:thing:jar:1\.0 could not be downloaded: reset.*network"):
        maven.download(JAR, tmp_path)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "jgo", None)
    monkeypatch.setitem(sys.modules, "jgo.config", None)
    with pytest.raises(ConfigurationError, match=r"benzinga-kafka\[embedded\]"):
        maven.download(JAR, tmp_path)


@pytest.mark.parametrize("name", list(WANTED))
def test_the_lock_file_pins_what_is_wanted_by_hash(name: str) -> None:
    distribution = lockfile.read(name)

    assert set(WANTED[name]) <= {str(artifact.coordinate) for artifact in distribution.artifacts}
    assert all(re.fullmatch("[0-9a-f]{64}", artifact.sha256) for artifact in distribution.artifacts)
    assert f":{distribution.version}" in WANTED[name][0]
