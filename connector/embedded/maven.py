"""Files out of a Maven repository, through `jgo`.

jgo decides where the repository is: Maven Central, or what `[repositories]` in its own settings file says
(`~/.config/jgo.conf`, e.g. `central = <your mirror>`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from connector.embedded.java import missing_extra
from connector.errors import EmbeddedError
from connector.logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

log = get_logger(__name__)

_TIMEOUT_SECONDS: Final = 60
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True, order=True)
class Coordinate:
    """`group:artifact:packaging[:classifier]:version`, as Maven writes it."""

    group: str
    artifact: str
    packaging: str
    classifier: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the written form. Raises EmbeddedError where it is none."""
        match text.split(":"):
            case [group, artifact, packaging, version]:
                return cls(group, artifact, packaging, "", version)
            case [group, artifact, packaging, classifier, version]:
                return cls(group, artifact, packaging, classifier, version)
        raise EmbeddedError(f"{text!r} is not group:artifact:packaging[:classifier]:version")

    def __str__(self) -> str:
        parts = (self.group, self.artifact, self.packaging, self.classifier, self.version)
        return ":".join(part for part in parts if part)


def download(coordinate: Coordinate, folder: Path) -> Path:
    """Fetch one file into the repository layout under `folder`. Raises EmbeddedError where it cannot be had."""
    artifact = _artifact(coordinate, folder)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            path: Path = artifact.resolve()
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors, jgo's own are RuntimeErrors
            if artifact.cached_path is not None:
                artifact.cached_path.unlink(missing_ok=True)  # jgo takes half a file for a whole one
            if attempt == _ATTEMPTS:
                raise EmbeddedError(
                    f"{coordinate} could not be downloaded: {error}; "
                    "the first start needs a network and a Maven repository, later ones do not"
                ) from error
            log.info("embedded.download_retried", artifact=str(coordinate), attempt=attempt, error=str(error))
            time.sleep(attempt)
        else:
            return path
    raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises


def resolve(coordinate: Coordinate, folder: Path) -> list[Coordinate]:
    """`coordinate` and everything it needs at run time. Raises EmbeddedError where the repository cannot be read."""
    artifact = _artifact(coordinate, folder)
    dependency = _jgo().maven.Dependency(artifact)
    try:
        own, transitive = artifact.context.resolver.resolve([dependency])
    except (OSError, RuntimeError) as error:
        raise EmbeddedError(f"the dependencies of {coordinate} could not be resolved: {error}") from error
    found = (needed.artifact for needed in (*own, *transitive) if needed.scope != "test")
    return [Coordinate(a.groupId, a.artifactId, a.packaging, a.classifier, a.version) for a in found]


def _artifact(coordinate: Coordinate, folder: Path) -> Any:
    context = _jgo().maven.MavenContext(repo_cache=folder, timeout=_TIMEOUT_SECONDS)
    context.remote_repos.update(_jgo().config.GlobalSettings.load().repositories)
    component = context.project(coordinate.group, coordinate.artifact).at_version(coordinate.version)
    return component.artifact(coordinate.classifier, coordinate.packaging)


def _jgo() -> Any:
    try:
        import jgo.config  # noqa: PLC0415 - an optional dependency
        import jgo.maven  # noqa: PLC0415
    except ImportError as error:
        raise missing_extra() from error
    return jgo
