"""Client properties of which some stand in files: secrets that are mounted, and may be replaced while we run.

A property's file holds its value and nothing else; line ends after it are not part of it. Files are read again by every
client that is made, and what is secret in them is masked from then on wherever it would be shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from connector.errors import ConfigurationError
from connector.logs import add_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SECRET_KEY: Final = re.compile(r"(?i)password|passphrase|secret|token|credential|user\.?info|jaas|api\.?key|\.pem$")
_NOT_SECRET: Final = re.compile(r"(?i)\.(url|uri|location|mechanism|ms|class)$|\.endpoint")
_PUBLIC: Final = re.compile(r"(?i)\.(username|client\.id|scope|logical\.cluster|pool\.id)$|(ca|certificate)\.pem$")
"""Names of users and certificates are often mounted beside their secrets; to mask a name would blank out ordinary
words."""

_LARGEST: Final = 1 << 20
"""Bytes a file may have: a secret is never that long, and a path that leads to a device or a log is a mistake."""


def secret_values(options: Mapping[str, object]) -> Iterator[str]:
    """What must not be seen of properties that stand in the settings themselves."""
    for key, value in options.items():
        if isinstance(value, str) and _SECRET_KEY.search(key) and not _NOT_SECRET.search(key):
            yield from _parts(key, value)


def with_files(setting: str, options: Mapping[str, Any], files: Mapping[str, Path]) -> dict[str, Any]:
    """`options` and the properties of `files`, read now. `setting` is the path of `options` in the settings.

    Raises ConfigurationError that names every file that cannot be used.
    """
    found, problems = dict(options), []
    for key, file in files.items():
        try:
            value = _read(file)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            problems.append(f"{setting}_files: {key}: {file} cannot be read: {reason}")
            continue
        if not value:
            problems.append(f"{setting}_files: {key}: {file} is empty; put the value in it")
            continue
        if not _PUBLIC.search(key):
            for secret in _parts(key, value):
                add_secret(secret)
        found[key] = value
    if problems:
        raise ConfigurationError(problems)
    return found


def _read(file: Path) -> str:
    with file.open("rb") as stream:
        data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not text") from None
    if "\0" in text:
        raise ValueError("it has a NUL character in it")
    return text.rstrip("\r\n")


def _parts(key: str, value: str) -> Iterator[str]:
    yield value
    if "user" in key.lower():  # `basic.auth.user.info` is `name:password`
        yield value.partition(":")[2]
