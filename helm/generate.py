"""Make what of the chart follows from elsewhere: `python -m helm.generate` (`make chart`).

`values.schema.json` from the settings model, `files/topics.yaml` and `files/acls.yaml` from the catalogues of topics
and rights, `README.md` from the comments in `values.yaml`, the versions in `Chart.yaml` from the connector's.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

from connector import __version__
from connector.kafka import topics
from connector.kafka.acls import Role, acls
from connector.settings import FeedSettings, Settings, TopicOverrides, TopicsSettings
from connector.streams import STREAMS
from helm.readme import page
from helm.values_schema import values_schema

CHART: Final = Path(__file__).with_name("benzinga-kafka")

ROLES: Final = (Role.SOURCE, Role.PROCESSOR, Role.PROVISION)
"""Those that the chart runs; each is called as its part of the values."""


def made(chart: Path = CHART) -> dict[str, str]:
    """File name (in the chart) → what it has to hold."""
    return {
        "values.schema.json": json.dumps(values_schema(), indent=2, ensure_ascii=False) + "\n",
        "files/topics.yaml": _topics(),
        "files/acls.yaml": _acls(),
        "README.md": page(chart),
        "Chart.yaml": _versions((chart / "Chart.yaml").read_text(encoding="utf-8")),
    }


def _topics() -> str:
    """The topics as templates can use them: what is fixed for each, and what follows the settings."""
    # Numbers nobody uses show where a topic takes them from.
    everywhere, transcripts = 1009, 2003
    plain = topics.all_topics(TopicsSettings(partitions=everywhere))
    own = {topics.TRANSCRIPTS: TopicOverrides(partitions=transcripts)}
    moved = topics.all_topics(TopicsSettings(partitions=everywhere, overrides=own))
    rows = []
    for before, after in zip(plain, moved, strict=True):
        name = before.name.partition(".")[2]
        row: dict[str, Any] = {"name": name, "cleanup": before.config["cleanup.policy"]}
        if name in STREAMS:
            row["stream"] = True
        if after.partitions != before.partitions and name != topics.TRANSCRIPTS:
            row["partitionsOf"] = topics.TRANSCRIPTS
        elif before.partitions != everywhere:
            row["partitions"] = before.partitions
        rows.append(row)
    tree = {"maxMessageBytes": int(plain[0].config["max.message.bytes"]), "topics": rows}
    return _yaml("connector/kafka/topics.py", tree)


def _acls() -> str:
    """The rights of whoever runs here. A name can be a stream's, and go with it, or end in the streams carried."""
    rows = []
    fewer = [_granted(Settings(feed=FeedSettings(streams=[stream]))) for stream in STREAMS]
    for role, resource, pattern, operations, name in _granted(Settings()):
        row: dict[str, Any] = {"role": role, "resource": resource, "name": name, "operations": list(operations)}
        if pattern != "literal":
            row["pattern"] = pattern
        there = [(role, resource, pattern, operations, name) in granted for granted in fewer]
        if not any(there):
            row["endsInStreams"] = True
        elif not all(there):
            row["stream"] = True
        rows.append(row)
    return _yaml("connector/kafka/acls.py", {"acls": rows})


def _granted(settings: Settings) -> list[tuple[str, str, str, tuple[str, ...], str]]:
    prefix = f"{settings.topics.prefix}."
    return [
        (acl.role.value, acl.resource, acl.pattern, acl.operations, name.removeprefix(prefix))
        for acl in acls(settings)
        if acl.role in ROLES
        for name in acl.names
    ]


def _yaml(source: str, tree: Any) -> str:
    text = yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=120)
    return f"# Made by helm/generate.py from {source}; not to be edited by hand.\n{text}"


def _versions(text: str) -> str:
    text = re.sub(r"^version: .*$", f"version: {__version__}", text, flags=re.MULTILINE)
    return re.sub(r"^appVersion: .*$", f'appVersion: "{__version__}"', text, flags=re.MULTILINE)


if __name__ == "__main__":
    for name, content in made().items():
        path = CHART / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
