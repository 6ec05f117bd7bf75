"""The dashboards: what the generator writes, whole, uniform, and each number explained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from observability.__main__ import FOLDER, dashboards
from tests.observability.test_alerts import NAMES, headings
from tests.support.dashboards import boards, panels
from tests.support.tools import run, tool
from tests.test_metrics import families

MADE = dashboards()
BOARDS = boards()
PANELS = [
    pytest.param(board, panel, id=f"{name}-{panel['title']}")
    for name, board in BOARDS.items()
    for panel in panels(board)
]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COUNTER = re.compile(r"\b\w+_total\b")


def variables(board: dict[str, Any]) -> list[str]:
    return [variable["name"] for variable in board["templating"]["list"]]


def test_what_is_committed_is_what_the_generator_writes() -> None:
    committed = {file.name: file.read_text() for file in FOLDER.glob("*.json")}
    assert committed == MADE, "run: make dashboards"


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_has_what_all_have(name: str) -> None:
    board = BOARDS[name]
    assert variables(board)[:3] == ["datasource", "namespace", "job"]
    assert board["uid"] == f"benzinga-kafka-{name}"
    assert board["editable"] is False
    assert board["description"]
    assert {note["name"] for note in board["annotations"]["list"]} == {"Restarts", "Take-overs"}
    assert any(link["url"] == "docs/runbook.md" for link in board["links"])
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
    titles = [panel["title"] for panel in panels(board)]
    assert len(set(titles)) == len(titles)
    for variable in board["templating"]["list"][1:]:
        assert variable["datasource"] == SOURCE
        assert variable["refresh"] == 2, "filled anew when the time range changes"


def test_dashboards_differ_in_name() -> None:
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)
    assert len({board["title"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_panel_explains_itself(board: dict[str, Any], panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert len(panel["description"]) > 10
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == SOURCE
    assert panel["targets"]
    for link in panel.get("links", []):
        page, _, anchor = link["url"].partition("#")
        assert page == "docs/runbook.md"
        assert anchor in headings()
        assert link["title"].removeprefix("Runbook: ") in NAMES


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_query_selects_by_the_variables_and_is_a_rate_where_it_counts(
    board: dict[str, Any], panel: dict[str, Any]
) -> None:
    for target in panel["targets"]:
        expr = target["expr"]
        assert target["datasource"] == SOURCE
        assert target["legendFormat"]
        assert set(re.findall(r"\$(\w+)", expr)) <= {*variables(board), "__rate_interval", "__range"}
        for selector in re.findall(r"\b(?:benzinga|process)_\w+({[^}]*})?", expr):
            assert 'namespace=~"$namespace", job=~"$job"' in selector, expr
        for found in re.findall(r"rate\([^\[]*\[([^\]]+)\]", expr):
            assert found == "$__rate_interval"
        if COUNTER.search(expr):
            assert re.search(r"\b(rate|increase)\(", expr), "a counter's own value tells nothing"
        if "$stream" not in variables(board):
            assert "$stream" not in expr or "stream" in variables(board)


def test_every_metric_is_on_a_dashboard() -> None:
    shown = " ".join(
        target["expr"] for board in BOARDS.values() for panel in panels(board) for target in panel["targets"]
    )
    missing = {name for name in families() if not re.search(rf"\b{name}(_total|_bucket)?\b", shown)}
    assert missing == set()


@pytest.mark.parametrize("name", BOARDS)
def test_grafanas_own_linter_is_content(name: str) -> None:
    linter = tool("dashboard-linter", "the dashboards by Grafana's dashboard-linter")
    run(linter, "lint", "--strict", FOLDER / f"{name}.json")


def test_the_runbook_names_panels_that_exist() -> None:
    titles = {panel["title"] for board in BOARDS.values() for panel in panels(board)}
    titles |= {board["title"] for board in BOARDS.values()} | {"Source", "Kafka client", "Trouble … by side"}
    page = (Path(__file__).parents[2] / "docs/runbook.md").read_text()
    named = set(re.findall(r"(?<!\*)\*([A-Z][^*\n]+?)\*(?!\*)", page))
    assert {name for name in named if name not in titles} == set()
