"""`benzinga-kafka processor`."""

from __future__ import annotations

from connector.commands.setup import ConfigFile, begin
from connector.processor.app import run_processor


def processor(config: ConfigFile = None) -> None:
    """Join transcript sentences into calls and emit alerts, until SIGTERM or SIGINT.

    The first signal lets it finish what is in flight and leave the group; a second one stops it at once.
    """
    run_processor(begin(config, kind="service"))
