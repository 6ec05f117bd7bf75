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
from connector.errors import ConfigurationError
from connector.journal import folder_problem
from connector.logs import redact
from connector.processor.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.commands.findings import Finding
    from connector.settings import Settings


def check(config: ConfigFile = None) -> None:
    """Validate the configuration, and reach the feed, Kafka and the schema registry, as `source` would.

    Prints a line for each: ok, note (worth knowing) or problem, with what to do about it. Changes nothing. A `source`
    that runs is not disturbed. Of `processor` the rules file is checked; `provision --dry-run` tells of its topics.
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


def _check_files(settings: Settings) -> Iterator[Finding]:
    """Whether what has to be written can be, and what is to be read is there; missing folders are made when needed."""
    journal = settings.source.journal
    if (problem := folder_problem(journal)) is not None:
        if journal.required:
            yield findings.problem(problem, 2)
        else:
            yield findings.note(f"{problem}; without a journal a crash may lose what is not committed")
    rules = settings.processor.rules
    if rules is not None and not rules.is_file():
        yield findings.note(f"processor.rules: there is no file {rules} here; `processor` needs it where it runs")
    elif rules is not None:
        try:
            yield findings.ok(f"processor.rules: {len(load_rules(rules).rules)} rules")
        except ConfigurationError as error:
            yield from findings.of_error(error)
