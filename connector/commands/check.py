"""`benzinga-kafka check`: everything that keeps `source` from working, found before it starts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from connector.commands import findings
from connector.commands.check_feed import check_feed
from connector.commands.check_kafka import check_kafka
from connector.commands.check_registry import check_registry
from connector.commands.output import emit_line
from connector.commands.setup import ConfigFile, begin
from connector.journal import folder_problem
from connector.logs import redact

if TYPE_CHECKING:
    from connector.commands.findings import Finding
    from connector.settings import Settings


def check(config: ConfigFile = None) -> None:
    """Validate the configuration, and reach the feed, Kafka and the schema registry, as `source` would.

    Prints a line for each: ok, note (worth knowing) or problem, with what to do about it. Changes nothing. A `source`
    that runs is not disturbed.
    """
    found = asyncio.run(_check(begin(config)))
    for finding in sorted(found, key=lambda finding: list(findings.Level).index(finding.level)):
        emit_line(redact(str(finding)))
    raise typer.Exit(findings.exit_code(found))


async def _check(settings: Settings) -> list[Finding]:
    parts = await asyncio.gather(
        check_feed(settings), asyncio.to_thread(check_kafka, settings), asyncio.to_thread(check_registry, settings)
    )
    return [finding for part in (*parts, _check_files(settings)) for finding in part]


def _check_files(settings: Settings) -> list[Finding]:
    """Whether what has to be written can be; folders that are missing are made when they are needed."""
    problem = folder_problem(settings.source.journal)
    return [] if problem is None else [findings.problem(problem, 2)]
