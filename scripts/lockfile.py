"""The packages of a lock file that `make lock` wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
RUNTIME: Final = ROOT / "requirements.lock"

_PACKAGE: Final = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\\n]+?))?\s*\\?$"
)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Package:
    """One pinned package."""

    name: str
    version: str
    marker: str | None
    """Where it is installed; None is everywhere."""

    hashes: tuple[str, ...]
    """SHA-256 of every file that may be installed for it."""


def packages(lock: Path = RUNTIME) -> list[Package]:
    """All of them, in the file's order. Raises ValueError for a line that is not understood."""
    found: list[Package] = []
    for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), 1):
        if (match := _PACKAGE.match(line)) is not None:
            found.append(Package(match["name"], match["version"], match["marker"], ()))
        elif (hash_ := _HASH.search(line)) is not None and found:
            last = found.pop()
            found.append(Package(last.name, last.version, last.marker, (*last.hashes, hash_[1])))
        elif line.strip() and not line.lstrip().startswith("#"):
            raise ValueError(f"{lock.name}:{number}: no package and no hash: {line}")
    return found
