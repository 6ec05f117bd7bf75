"""`benzinga-kafka source`."""

from __future__ import annotations

import asyncio

from connector.commands.setup import ConfigFile, begin
from connector.source.app import run_source


def source(config: ConfigFile = None) -> None:
    """Carry the configured Benzinga streams into Kafka, until SIGTERM or SIGINT.

    The first signal lets it finish what is in flight; a second one stops it at once.
    """
    asyncio.run(run_source(begin(config, kind="service")))
