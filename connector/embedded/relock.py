"""Writes `maven.lock` anew: `python -m connector.embedded.relock`, part of `make lock`. It needs a network."""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from connector.embedded.lockfile import LOCK, sha256_of
from connector.embedded.maven import Coordinate, download, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADER: Final = "# Made by `make lock` (connector/embedded/relock.py); not to be edited by hand.\n"

# What is asked for, by distribution; the lock file says what that amounts to.
WANTED: Final = {
    # Kafka logs through slf4j and brings no binding for it; this one needs no configuration file.
    "kafka": ("org.apache.kafka:kafka_2.13:jar:4.3.1", "org.slf4j:slf4j-simple:jar:1.7.36"),
    # The runner with all its libraries inside; nothing is resolved for it.
    "registry": ("io.apicurio:apicurio-registry-app:tar.gz:all:2.6.13.Final",),
}


def main(path: Path = LOCK) -> None:
    """Resolve what is wanted and write the lock file `path`."""
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join(_section(name, wanted, Path(folder)) for name, wanted in WANTED.items())
    path.write_text(f"{_HEADER}\n{text}", encoding="utf-8")


def _section(name: str, wanted: Iterable[str], folder: Path) -> str:
    first, *others = (Coordinate.parse(text) for text in wanted)
    coordinates = [*(resolve(first, folder) if first.packaging == "jar" else [first]), *others]
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(lambda coordinate: download(coordinate, folder), coordinates))
    size = sum(file.stat().st_size for file in files)
    lines = sorted(f'  "{c} sha256:{sha256_of(file)}",' for c, file in zip(coordinates, files, strict=True))
    body = "\n".join(lines)
    return f'[{name}]\nversion = "{first.version}"\nsize = {size}\nartifacts = [\n{body}\n]\n'


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
