"""Usage, exit codes and standard streams of the command line as a whole."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from connector import __version__
from connector.cli import _COMMANDS

if TYPE_CHECKING:
    from tests.support.command import CommandLine


def test_version(bare: CommandLine) -> None:
    result = bare("--version")
    assert (result.code, result.out) == (0, f"benzinga-kafka {__version__}\n")


def test_help_lists_every_command(bare: CommandLine) -> None:
    result = bare("--help")
    assert result.code == 0
    assert [name for name in _COMMANDS if f"  {name} " not in result.out] == []


def test_without_arguments_the_help_is_shown_and_the_usage_is_wrong(bare: CommandLine) -> None:
    result = bare()
    assert result.code == 2
    assert "Commands:" in result.out + result.err


@pytest.mark.parametrize(
    "name", ["source", "provision", "check", "tail", "dead-letters list", "dead-letters show", "dead-letters redrive"]
)
def test_every_command_takes_config(bare: CommandLine, name: str) -> None:
    result = bare(*name.split(), "--help")
    assert result.code == 0
    assert "--config" in result.out


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["sourse"], "Did you mean 'source'?"),
        (["source", "--nonsense"], "No such option: --nonsense"),
        (["tail"], "Missing argument 'TOPIC'"),
        (["tail", "news", "--max", "0"], "--max"),
        (["dead-letters", "list", "--stream", "quotes"], "--stream"),
    ],
)
def test_wrong_usage_exits_with_2(bare: CommandLine, args: list[str], sentence: str) -> None:
    result = bare(*args)
    assert result.code == 2
    assert sentence in result.err
    assert result.out == ""


def test_help_loads_neither_kafka_nor_the_feed() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from connector.cli import app;"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        "print([name for name in ('confluent_kafka', 'websockets', 'fastavro', 'rich', 'structlog', 'pydantic')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_source_loads_nothing_of_the_demo() -> None:
    code = (
        "import sys, connector.commands.source;"
        "print([name for name in sys.modules if name.startswith(('connector.embedded', 'connector.simulator', 'jgo'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
