"""The rules page's example is true: `rules check --try` raises the alerts that its table tells, and no other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.partition("## An example")[2], re.DOTALL)
    assert found is not None
    return found[1]


def table() -> list[tuple[str, list[int], str]]:
    rows = re.findall(r"^\| `([\w-]+)` \| ([\d, ]+) \| ([^|]+) \|", PAGE.partition("## An example")[2], re.MULTILINE)
    return [
        (rule, [int(sequence) for sequence in sequences.split(",")], text.strip()) for rule, sequences, text in rows
    ]


def test_the_example_raises_the_alerts_of_its_table(tmp_path: Path) -> None:
    rules, sentences = tmp_path / "rules.yaml", tmp_path / "transcripts.jsonl"
    rules.write_text(block("yaml"), encoding="utf-8")
    sentences.write_text(block("json"), encoding="utf-8")
    command = [sys.executable, "-m", "connector", "rules", "check", str(rules), "--try", str(sentences)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    alerts = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["rule_id"], one["sequences"], one["matched_text"]) for one in alerts] == table()
    assert [one["suppressed_before"] for one in alerts] == [0, 0, 0, 0, 1]
    assert len(alerts[0]["hits"]) == 2
