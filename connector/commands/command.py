"""How a sub-command ends: the one place where an error becomes sentences and an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand

from connector.errors import BenzingaKafkaError, ConfigurationError
from connector.logs import configure, get_logger, redact

if TYPE_CHECKING:
    from collections.abc import Sequence

FAILED: Final = 1


class Command(TyperCommand):
    """A sub-command whose errors are told in sentences, every problem at once, and never as a traceback.

    An error nobody foresaw is a fault of ours: it becomes one structured log event, traceback included, since it has
    to be found and mended.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run it."""
        configure()  # until the settings are read: logs never go to standard output
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except BenzingaKafkaError as error:
            tell(error)
            raise typer.Exit(error.exit_code) from None
        except Exception as error:  # noqa: BLE001 - nobody is above to handle it
            get_logger(__name__).critical("command.crashed", command=self.name, exc_info=True)
            typer.echo(redact(f"Error: {_fault(error)}"), err=True)
            raise typer.Exit(FAILED) from None


def tell(error: BenzingaKafkaError) -> None:
    """Print `error` on standard error, without secrets."""
    typer.echo(redact(_text(problems(error))), err=True)


def problems(error: BaseException) -> list[str]:
    """One sentence for each problem `error` tells."""
    if isinstance(error, ConfigurationError):
        return list(error.problems)
    if isinstance(error, BenzingaKafkaError):
        return [line.removeprefix("- ") for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return [_fault(error)]


def together(errors: Sequence[BenzingaKafkaError]) -> BenzingaKafkaError:
    """One error that tells every problem of `errors`; it is about the configuration where one of them is."""
    sentences = list(dict.fromkeys(sentence for error in errors for sentence in problems(error)))
    if any(isinstance(error, ConfigurationError) for error in errors):
        return ConfigurationError(sentences)
    return BenzingaKafkaError("\n".join(sentences))


def _text(sentences: list[str]) -> str:
    if len(sentences) == 1:
        return f"Error: {sentences[0]}"
    return "\n".join([f"{len(sentences)} errors:", *(f"- {sentence}" for sentence in sentences)])


def _fault(error: BaseException) -> str:
    what = f"{type(error).__name__}: {error}"
    return f"a fault of benzinga-kafka itself ({what}); the log line above has the details, please report it"
