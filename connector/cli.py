"""The command `benzinga-kafka`: its sub-commands, and what stands above all of them.

A sub-command's module is imported when it is called, not before: `--help` answers at once, and `source` never loads
what only `demo` needs. Exit codes are 0 done, 1 failed at run time, 2 wrong usage or configuration; how an error
becomes one of them, and a sentence, is in `connector.commands.command`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from connector import __version__
from connector.errors import ConfigurationError

NAME: Final = "benzinga-kafka"


class _Entry(NamedTuple):
    """Where a sub-command is: a function with typer's annotations, or a `Typer` of its own."""

    module: str
    attribute: str
    summary: str


_COMMANDS: Final[dict[str, _Entry]] = {
    "source": _Entry("source", "source", "Carry Benzinga's streams into Kafka, exactly once."),
    "processor": _Entry("processor", "processor", "Join transcripts into calls, and emit keyword alerts."),
    "provision": _Entry("provision", "provision", "Create or verify topics and schemas; say what differs."),
    "check": _Entry("check", "check", "Validate the configuration; reach feed, Kafka and registry."),
    "rules": _Entry("rules", "app", "Validate alert rules; show what would have fired."),
    "tail": _Entry("tail", "tail", "Print a topic's records, decoded, one JSON object a line."),
    "dead-letters": _Entry("dead_letters", "app", "List, show and redrive what could not be decoded."),
    "simulate": _Entry("simulate", "simulate", "Serve Benzinga's WebSocket API, for development and tests."),
    "demo": _Entry("demo", "demo", "Run everything on this machine, with a live view."),
}


class _LazyGroup(TyperGroup):
    """Knows every sub-command by name and summary, and imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=entry.summary) for name, entry in _COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Find the sub-command that `args` begin with."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found if name is None else _load(name), rest


def _load(name: str) -> Any:
    entry = _COMMANDS[name]
    # Here, as it brings the logging library: `--help` needs none.
    from connector.commands.command import Command, tell  # noqa: PLC0415

    module = f"connector.commands.{entry.module}"
    try:
        found = getattr(import_module(module), entry.attribute)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        problem = (
            f"`{name}` is not part of this installation: container images leave out what only development needs; "
            f"`pip install {NAME}[embedded]` has it"
        )
        left_out = ConfigurationError([problem])
        tell(left_out)
        raise typer.Exit(left_out.exit_code) from None
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name, cls=Command)(found)
    return typer.main.get_command(single)


app = typer.Typer(
    name=NAME,
    cls=_LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain text: it can be searched, and nothing has to be loaded for it
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{NAME} {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Benzinga's real-time streams in Apache Kafka: Avro, exactly once, nothing lost in silence.

    Settings come from the environment (BENZINGA_KAFKA__BOOTSTRAP_SERVERS, ...) and from the YAML file that every
    command takes with --config; the environment wins.
    """


def main() -> None:
    """Run the command line."""
    app(prog_name=NAME)
