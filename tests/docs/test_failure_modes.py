"""Every entry of docs/failure-modes.md tells what is seen and done, and names tests, alerts and metrics that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from connector.metrics import SourceMetrics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/failure-modes.md").read_text(encoding="utf-8")
ENTRIES = {entry.partition("\n")[0]: entry for entry in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]}


def functions(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("title", ENTRIES)
def test_an_entry_names_tests_that_exist(title: str) -> None:
    shown = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", ENTRIES[title].partition("**Shown by:**")[2])
    assert shown
    for path, name in shown:
        assert name in functions(ROOT / path), f"{path}::{name}"
    if title != "All of it at once":
        assert "**You see:**" in ENTRIES[title]
        assert "**You do:**" in ENTRIES[title]


def test_alerts_and_metrics_exist() -> None:
    rules = yaml.safe_load((ROOT / "helm/benzinga-kafka/rules/alerts.yaml").read_text(encoding="utf-8"))
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    named = re.findall(r"\[(Benzinga\w+)\]\(runbook\.md#(\w+)\)", PAGE)
    assert named
    assert {alert for alert, _ in named} <= alerts
    assert all(alert.lower() == anchor for alert, anchor in named)
    registry = CollectorRegistry()
    SourceMetrics(registry, ["news"])
    metrics = {sample.name for family in registry.collect() for sample in family.samples}
    for name in re.findall(r"`(benzinga_source_\w+)", PAGE):
        assert name in metrics or f"{name}_count" in metrics, name


def test_log_events_exist() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "connector").rglob("*.py"))
    events = re.findall(
        r"`((?:journal|stream|kafka|feed|source|ownership|processor|registry|handover)\.[a-z_]+)`", PAGE
    )
    assert len(events) > 15
    settings = {"source.max_pending_bytes", "source.max_frame_bytes"}
    for event in set(events) - settings:
        assert f'"{event}"' in sources, event
