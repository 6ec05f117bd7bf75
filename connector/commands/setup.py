"""What every sub-command begins with: settings, secrets, logs."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal
from urllib.parse import unquote, urlsplit

import typer

from connector.errors import ConfigurationError
from connector.logs import add_secret, configure
from connector.options import secret_values
from connector.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.settings import Settings

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings (YAML); the environment wins over it.")
]

BROKER_TIMEOUT: Final = 10.0
"""Seconds a broker has to answer before a tool gives up and says why."""


def begin(config: Path | None, *, kind: Literal["service", "tool"] = "tool") -> Settings:
    """Read the settings, mask what is secret in them, send the logs to standard error.

    A `tool` answers on standard output and ends: it logs warnings only, unless the level is `debug`, and leaves what
    librdkafka says of its connections to the errors that follow from it. Raises ConfigurationError.
    """
    settings = load(config)
    for secret in secrets(settings):
        add_secret(secret)
    level = settings.log.level
    if kind == "tool" and level != "debug":
        configure("warning" if level == "info" else level, settings.log.format)
        logging.getLogger("librdkafka").setLevel(logging.CRITICAL)
    else:
        configure(level, settings.log.format)
    return settings


def secrets(settings: Settings) -> Iterator[str]:
    """Every value in `settings` that must not be seen."""
    # A token that is missing or cannot be read is told by whoever needs it.
    with contextlib.suppress(ConfigurationError):
        yield settings.feed.read_token()
    if settings.feed.token is not None:
        yield settings.feed.token.get_secret_value()
    for options in (settings.kafka, settings.schema_registry):
        yield from secret_values(options.options)
        with contextlib.suppress(ConfigurationError):  # a file that cannot be read is told by whoever needs it
            options.read_options()  # masks what it reads
    for url in (settings.feed.url, *settings.schema_registry.url.split(","), settings.tracing.endpoint or ""):
        yield from _user_info(url)


def _user_info(url: str) -> Iterator[str]:
    """The password, or the token, in `scheme://name:password@host`."""
    user, at, _ = urlsplit(url.strip()).netloc.rpartition("@")
    if at:
        name, colon, password = user.partition(":")
        secret = password if colon else name
        yield from {user, secret, unquote(secret)}
