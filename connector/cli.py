"""The command `benzinga-kafka`: usage, exit codes, and one place where an error becomes a sentence."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
