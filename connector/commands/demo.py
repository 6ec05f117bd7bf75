"""`benzinga-kafka demo`: everything on this machine, to look at."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer
from rich.console import Console

from connector.commands.command import FAILED
from connector.commands.output import emit_line, until_signal
from connector.commands.setup import ConfigFile  # noqa: TC001 - typer reads the annotations
from connector.demo import configuration
from connector.demo.run import Run
from connector.demo.screen import LiveScreen, Narrator, PlainScreen, say
from connector.demo.services import Services
from connector.demo.summary import text
from connector.errors import ConfigurationError
from connector.logs import configure


def demo(
    config: ConfigFile = None,
    *,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End after so long. Default: when interrupted.", show_default=False)
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the view as it is at the end, as SVG.")
    ] = None,
) -> None:
    """Run Kafka, a schema registry, a simulated feed, source and processor on this machine, with a live view.

    All of it is real but the feed. At the end every topic is read from its beginning and compared with what the feed
    sent, calls and alerts with a naive join and search of the sentences; the exit code is 0 only where nothing is
    missing, nothing is there twice and nothing was altered. Of --config, `source` and `topics` are used, of the
    environment nothing. Needs the extra `embedded`; the first time it downloads about 190 MB.
    """
    if picture is not None and not picture.parent.is_dir():
        raise ConfigurationError([f"--picture {picture}: there is no folder {picture.parent}; create it"])
    configuration.forget_environment()
    base = configuration.foundation(config)
    configure("warning")
    logging.getLogger("librdkafka").setLevel(logging.CRITICAL)
    terminal = _terminal()
    with until_signal() as stop:
        narrator = Narrator(terminal)
        with narrator, Services(base, narrator.say, stop) as services:
            run = Run(services, stop)
            narrator.close()
            for line in run.hints.lines:
                say(line)
            screen = PlainScreen() if terminal is None else LiveScreen(terminal, run.hints)
            outcome = run.watch(screen, seconds, picture)
    emit_line(text(outcome))
    if not outcome.good:
        raise typer.Exit(FAILED)


def _terminal() -> Console | None:
    """The terminal, None where standard output is none."""
    console = Console()
    return console if console.is_terminal and not console.is_dumb_terminal else None
