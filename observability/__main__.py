"""Write every dashboard: `python -m observability`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from observability import kafka_client, overview, processor, source
from observability.board import finished

FOLDER: Final = Path(__file__).parents[1] / "helm" / "benzinga-kafka" / "dashboards"


def dashboards() -> dict[str, str]:
    """Every dashboard's JSON, by its file's name."""
    made = {
        "overview": overview.dashboard(),
        "source": source.dashboard(),
        "processor": processor.dashboard(),
        "kafka-client": kafka_client.dashboard(),
    }
    texts = {}
    for name, builder in made.items():
        tree: dict[str, Any] = json.loads(JSONEncoder().encode(builder.build()))
        texts[f"{name}.json"] = json.dumps(finished(tree), indent=2, sort_keys=True) + "\n"
    return texts


def main() -> None:
    """Write them, and take away what is no dashboard any more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = dashboards()
    for file in FOLDER.glob("*.json"):
        if file.name not in made:
            file.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
