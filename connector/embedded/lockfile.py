"""`maven.lock`: which files the embedded servers consist of, and the hash of each."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector.embedded.maven import Coordinate

LOCK: Final = Path(__file__).with_name("maven.lock")


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file: where it is found and what it must be."""

    coordinate: Coordinate
    sha256: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """One server: its version, its files and their size in bytes together."""

    name: str
    version: str
    size: int
    artifacts: tuple[Artifact, ...]

    @property
    def folder(self) -> str:
        """A name that changes whenever any of the files does."""
        digest = hashlib.sha256("".join(artifact.sha256 for artifact in self.artifacts).encode())
        return f"{self.name}-{self.version}-{digest.hexdigest()[:12]}"


def read(name: str) -> Distribution:
    """The distribution `name` as the lock file has it."""
    table = tomllib.loads(LOCK.read_text(encoding="utf-8"))[name]
    artifacts = []
    for line in table["artifacts"]:
        coordinate, _, sha256 = line.partition(" sha256:")
        artifacts.append(Artifact(Coordinate.parse(coordinate), sha256))
    return Distribution(name, table["version"], table["size"], tuple(artifacts))


def sha256_of(path: Path) -> str:
    """Lower-case hex SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
