"""The settings file the demo's processes run with, and that `tail` is given to look at their topics."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from connector.demo.rules import rules_file
from connector.settings import ENV_PREFIX, load

if TYPE_CHECKING:
    from pathlib import Path

_HASTE: Final = {"grace": "2s", "idle_timeout": "15s", "snapshots": {"interval": "1s"}}
"""Calls of seconds instead of an hour: whoever looks on for half a minute sees them grow, fall silent, and close."""


def forget_environment() -> None:
    """Take every setting out of this process's environment: a broker or key of the user's must not reach the demo."""
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX) and "__" in name]:
        del os.environ[name]


def foundation(config: Path | None) -> dict[str, Any]:
    """What the user's own file says about `source` and `topics`; every address and key in it is left alone.

    Raises ConfigurationError where the file is not valid.
    """
    if config is None:
        return {}
    load(config)
    tree = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
    return {name: tree[name] for name in ("source", "topics") if tree.get(name)}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the demo's servers are."""

    feed: str
    kafka: str
    registry: str


def write(folder: Path, base: dict[str, Any], *, token: str, addresses: Addresses) -> Path:
    """Write the file, and the token beside it, so that neither the file nor a command line holds one."""
    token_file = folder / "token"
    token_file.write_text(token, encoding="utf-8")
    token_file.chmod(0o600)
    source, topics = base.get("source", {}), base.get("topics", {})
    tree = {
        "feed": {"url": addresses.feed, "token_file": str(token_file)},
        "kafka": {"bootstrap_servers": addresses.kafka},
        "schema_registry": {"url": addresses.registry},
        "topics": topics | {"replication_factor": 1, "create": True},
        "processor": {"rules": str(rules_file()), **_HASTE},
        "source": source | {"journal": source.get("journal", {}) | {"dir": str(folder / "journal")}},
        "http": {"host": "127.0.0.1", "port": 0},
        "log": {"level": "info", "format": "json"},
    }
    path = folder / "demo.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return path
