"""How errors become sentences, exit codes and log lines."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from connector.commands.command import Command, problems, together
from connector.errors import BenzingaKafkaError, ConfigurationError, KafkaError
from connector.logs import add_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def ended(error: BaseException) -> Result:
    app = typer.Typer()

    @app.command(cls=Command)
    def fail() -> None:
        raise error

    return CliRunner().invoke(app)


def test_one_problem_is_one_sentence() -> None:
    result = ended(ConfigurationError(["feed.url: is no address"]))
    assert (result.exit_code, result.stderr) == (2, "Error: feed.url: is no address\n")


def test_several_problems_are_a_list() -> None:
    result = ended(KafkaError("first\nsecond"))
    assert (result.exit_code, result.stderr) == (1, "2 errors:\n- first\n- second\n")


def test_secrets_are_masked() -> None:
    add_secret("hunter2-and-more")
    assert "hunter2" not in ended(KafkaError("cannot log in with hunter2-and-more")).stderr
    assert "hunter2" not in ended(RuntimeError("hunter2-and-more")).stderr


def test_a_fault_of_ours_is_one_structured_event_and_a_sentence() -> None:
    result = ended(ZeroDivisionError("oh"))
    first, last = result.stderr.splitlines()
    event = json.loads(first)
    assert event["event"] == "command.crashed"
    assert "ZeroDivisionError: oh" in event["exception"]
    assert last.startswith("Error: a fault of benzinga-kafka itself (ZeroDivisionError: oh)")
    assert result.exit_code == 1


def test_an_exit_code_that_was_asked_for_is_kept() -> None:
    assert ended(typer.Exit(2)).exit_code == 2


def test_errors_told_together_name_each_problem_once() -> None:
    both: list[BenzingaKafkaError] = [KafkaError("a\nb"), KafkaError("a")]
    assert problems(together(both)) == ["a", "b"]
    assert together(both).exit_code == 1
    assert together([*both, ConfigurationError(["c"])]).exit_code == 2
