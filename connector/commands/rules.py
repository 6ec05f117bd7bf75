"""`benzinga-kafka rules`: whether a rules file can be used, and what it would have raised."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from connector.commands.command import Command
from connector.commands.output import emit_json, emit_line
from connector.commands.setup import ConfigFile, begin
from connector.errors import ConfigurationError, DecodeError, EncodeError
from connector.kafka.records import rfc_3339
from connector.mapping.schemas import load_schema
from connector.processor.rules import load_rules
from connector.processor.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.processor.alerts import AlertDatum
    from connector.processor.rules import RuleSet

_FIELDS: Final = tuple(field["name"] for field in load_schema("alerts")["fields"])
_INSTANTS: Final = ("spoken_at", "sentence_received_at", "detected_at")
_TOLD: Final = 20
"""Bad lines that are told one by one."""

app = typer.Typer(
    name="rules",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Validate alert rules, and try them on sentences that were kept.",
)


@app.callback()
def _group() -> None:
    """Validate alert rules, and try them on sentences that were kept."""


@app.command("check", cls=Command, short_help="Whether a rules file can be used.")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Rules (YAML).", show_default=False)],
    config: ConfigFile = None,
    *,
    try_: Annotated[
        Path | None,
        typer.Option("--try", metavar="TRANSCRIPTS", help="Sentences, one JSON object a line.", show_default=False),
    ] = None,
) -> None:
    """Validate FILE: every problem at once, or a summary.

    With --try the alerts that TRANSCRIPTS would have raised are printed, one JSON object a line, and the summary goes
    to standard error. A line is a frame as the feed sends it, or a record as `tail transcripts` prints it.
    """
    begin(config)
    rules = load_rules(file)
    if try_ is None:
        emit_line(_summary(file, rules))
        return
    typer.echo(_summary(file, rules), err=True)
    trial = Trial(rules)
    raised = 0
    bad: list[str] = []
    for number, line in _lines(try_):
        try:
            alerts = trial.take(number, line)
        except (DecodeError, EncodeError) as error:
            bad.append(f"{try_}, line {number}: {error}")
            continue
        for alert in alerts:
            raised += 1
            emit_json(_shown(alert))
    held_back = sum(trial.suppressed.values())
    told = f"{trial.sentences} sentences: {raised} alerts, and {held_back} that a cooldown held back"
    typer.echo(told, err=True)
    if bad:
        more = [f"{try_}: {len(bad) - _TOLD} more lines like these"] if len(bad) > _TOLD else []
        raise ConfigurationError(bad[:_TOLD] + more)


def _summary(file: Path, rules: RuleSet) -> str:
    terms = sum(len(rule.any) + len(rule.all) + len(rule.none) for rule in rules.rules)
    expressions = sum(len(rule.regex) for rule in rules.rules)
    told = f"{len(rules.rules)} rules, {terms} words and phrases, {expressions} expressions"
    return f"{file}: {told}; version {rules.version}"


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip(b"\r\n")
    except OSError as error:
        raise ConfigurationError([f"--try {path}: cannot be read: {error.strerror}"]) from error


def _shown(alert: AlertDatum) -> dict[str, Any]:
    shown = {name: alert.datum[name] for name in _FIELDS}
    return shown | {name: rfc_3339(shown[name]) for name in _INSTANTS if shown[name] is not None}
