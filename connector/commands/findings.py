"""What `check` finds, one sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from connector.commands.command import FAILED, problems

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.errors import BenzingaKafkaError


class Level(Enum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    """Not as it might be, but nothing that keeps `source` from working."""

    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    level: Level
    sentence: str
    exit_code: int = 0

    def __str__(self) -> str:
        return f"{self.level.value:<8} {self.sentence}"


def ok(sentence: str) -> Finding:
    """It works."""
    return Finding(Level.OK, sentence)


def note(sentence: str) -> Finding:
    """It works, but somebody may want to know."""
    return Finding(Level.NOTE, sentence)


def problem(sentence: str, exit_code: int = FAILED) -> Finding:
    """It does not work."""
    return Finding(Level.PROBLEM, sentence, exit_code)


def of_error(error: BenzingaKafkaError) -> list[Finding]:
    """Every problem an error tells."""
    return [problem(sentence, error.exit_code) for sentence in problems(error)]


def exit_code(findings: Iterable[Finding]) -> int:
    """What the command ends with: the configuration's code where that is wrong, else the run's."""
    return max((finding.exit_code for finding in findings), default=0)
