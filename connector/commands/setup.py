"""What every sub-command begins with: settings, secrets, logs."""

from __future__ import annotations

import contextlib
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal
from urllib.parse import unquote, urlsplit

import typer

from connector.errors import ConfigurationError
from connector.logs import add_secret, configure
from connector.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.settings import Settings

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings (YAML); the environment wins over it.")
]

BROKER_TIMEOUT: Final = 10.0
"""Seconds a broker has to answer before a tool gives up and says why."""

_SECRET_KEY: Final = re.compile(r"(?i)password|passphrase|secret|token|credential|user\.?info|jaas|api\.?key|\.pem$")
_NOT_SECRET: Final = re.compile(r"(?i)\.(url|uri|location|mechanism|ms|class)$|\.endpoint")


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
    yield from _secret_options(settings.kafka.options)
    yield from _secret_options(settings.schema_registry.options)
    for url in (settings.feed.url, *settings.schema_registry.url.split(",")):
        yield from _user_info(url)


def _secret_options(options: Mapping[str, object]) -> Iterator[str]:
    for key, value in options.items():
        if not isinstance(value, str) or _NOT_SECRET.search(key) or not _SECRET_KEY.search(key):
            continue
        yield value
        if "user" in key.lower():  # `basic.auth.user.info` is `name:password`
            yield value.partition(":")[2]


def _user_info(url: str) -> Iterator[str]:
    """The password, or the token, in `scheme://name:password@host`."""
    user, at, _ = urlsplit(url.strip()).netloc.rpartition("@")
    if at:
        name, colon, password = user.partition(":")
        secret = password if colon else name
        yield from {user, secret, unquote(secret)}
