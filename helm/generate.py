"""Make what of the chart follows from elsewhere: `python -m helm.generate` (`make chart`).

`values.schema.json` from the settings model, `files/topics.yaml` from the catalogue of topics, `README.md` from the
comments in `values.yaml`, the versions in `Chart.yaml` from the connector's.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from connector import __version__
from connector.kafka import topics
from connector.settings import TopicsSettings
from connector.streams import STREAMS
from helm.readme import page
from helm.values_schema import values_schema

if TYPE_CHECKING:
    from connector.kafka.topics import TopicSpec

CHART: Final = Path(__file__).with_name("benzinga-kafka")


def made(chart: Path = CHART) -> dict[str, str]:
    """File name (in the chart) → what it has to hold."""
    return {
        "values.schema.json": json.dumps(values_schema(), indent=2, ensure_ascii=False) + "\n",
        "files/topics.yaml": _topics(),
        "README.md": page(chart),
        "Chart.yaml": _versions((chart / "Chart.yaml").read_text(encoding="utf-8")),
    }


def _topics() -> str:
    """The topics as templates can use them: what is fixed for each, and what follows the settings."""
    # Numbers nobody uses show where a topic takes them from.
    everywhere, transcripts = 1009, 2003
    plain = _specs(TopicsSettings(partitions=everywhere))
    moved = _specs(TopicsSettings(partitions=everywhere, overrides={topics.TRANSCRIPTS: {"partitions": transcripts}}))
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
    return "# Made by helm/generate.py from connector/kafka/topics.py; not to be edited by hand.\n" + yaml.safe_dump(
        tree, sort_keys=False, default_flow_style=None, width=120
    )


def _specs(settings: TopicsSettings) -> list[TopicSpec]:
    return [*topics.source_topics(settings), *topics.processor_topics(settings), *topics.redrive_topics(settings)]


def _versions(text: str) -> str:
    text = re.sub(r"^version: .*$", f"version: {__version__}", text, flags=re.MULTILINE)
    return re.sub(r"^appVersion: .*$", f'appVersion: "{__version__}"', text, flags=re.MULTILINE)


if __name__ == "__main__":
    for name, content in made().items():
        path = CHART / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
