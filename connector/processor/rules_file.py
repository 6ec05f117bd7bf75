"""When a rules file has changed, and what becomes of it: whole or not at all.

A mounted ConfigMap changes by a swap of the symbolic link its files are reached through: the name stays, the file
behind it is another. An editor may write in place, and half a list of rules is a list of rules as well. So a file
counts once it looked the same twice, and while it was read.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from connector.errors import ConfigurationError
from connector.processor.rules import parse_rules

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from connector.processor.rules import RuleSet

Look = tuple[int, ...] | None


class RulesFile:
    """Follows one file; `poll` it every second or so."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._decision = Decision()

    def load(self) -> RuleSet:
        """The rules as they are now, for the start. Raises ConfigurationError."""
        try:
            before = look(self.path.stat())
            content = self.path.read_bytes()
        except OSError as error:
            raise ConfigurationError([f"rules file {self.path} cannot be read: {error.strerror}"]) from error
        rules = parse_rules(content, f"rules file {self.path}")
        self._decision.took(before, content)
        return rules

    def poll(self) -> RuleSet | None:
        """The new rules where the file has changed, else None.

        Raises ConfigurationError where they cannot be used, once for each state of the file: the old ones stay.
        """
        try:
            seen = look(self.path.stat())
            if not self._decision.wants(seen):
                return None
            content = self.path.read_bytes()
            still = look(self.path.stat())
        except OSError as error:
            if self._decision.wants(None):
                self._decision.took(None, None)
                raise ConfigurationError([f"rules file {self.path} cannot be read: {error.strerror}"]) from error
            return None
        if still != seen or not self._decision.took(seen, content):
            return None
        return parse_rules(content, f"rules file {self.path}")


class Decision:
    """Whether to read the file, and whether what was read is new; no file is touched here."""

    def __init__(self) -> None:
        self._taken: Look = None
        self._last: Look = None
        self._digest: bytes | None = None

    def wants(self, seen: Look) -> bool:
        """Whether the file, which looks like `seen` (None: not there), is to be read: changed, and at rest since."""
        at_rest, self._last = seen == self._last, seen
        return at_rest and seen != self._taken

    def took(self, seen: Look, content: bytes | None) -> bool:
        """The file was read while it looked like `seen`: whether it says something new, good or bad."""
        digest = None if content is None else blake2b(content, digest_size=16).digest()
        self._taken = self._last = seen
        is_new, self._digest = digest != self._digest, digest
        return is_new


def look(stat: os.stat_result) -> Look:
    """What changes when the file is replaced or written to; of the file behind symbolic links."""
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
