"""The alert rules: complete, with a case each for firing and for silence, and true by promtool."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.tools import run, tool

ROOT = Path(__file__).parents[2]
RULES = ROOT / "helm/benzinga-kafka/rules/alerts.yaml"
CASES = sorted((RULES.parent / "tests").glob("*.yaml"))
RUNBOOK = ROOT / "docs/runbook.md"

GROUPS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
ALERTS: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
NAMES = sorted({rule["alert"] for rule in ALERTS})


def headings() -> dict[str, str]:
    """The runbook's sections by their anchors, as GitHub makes them."""
    found: dict[str, str] = {}
    for part in re.split(r"(?m)^## ", RUNBOOK.read_text())[1:]:
        title, _, body = part.partition("\n")
        found[re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")] = body
    return found


def case_texts() -> dict[str, list[str]]:
    """Every test case's text, by its file's name."""
    return {file.name: re.split(r"(?m)^  - name: ", file.read_text())[1:] for file in CASES}


def test_the_rules_are_valid() -> None:
    assert "SUCCESS" in run(tool("promtool", "the syntax of the alert rules"), "check", "rules", RULES)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_they_fire_when_they_must_and_are_silent_when_they_must(file: Path) -> None:
    assert "SUCCESS" in run(tool("promtool", "when alerts fire and when they are silent"), "test", "rules", file)


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent(name: str) -> None:
    texts = [text for part in case_texts().values() for text in part]
    fires = (
        rf'alertname="{name}", alertstate="firing"|'
        rf"alertname: {name}\n\s+eval_time: \S+\n\s+exp_alerts:\n\s+- exp_labels"
    )
    assert any(re.search(fires, text) for text in texts), "no case in which it fires"
    metrics = {
        metric
        for rule in ALERTS
        if rule["alert"] == name
        for metric in re.findall(r"benzinga[a-z_:0-9]*", rule["expr"])
    }
    quiet = [text for part in ("quiet.yaml", "rollout.yaml") for text in case_texts()[part]]
    series = {base(metric) for metric in metrics}
    assert any(all(one in text for one in series) for text in quiet), f"no quiet case has all of {series}"


def base(metric: str) -> str:
    """The series a recorded one is made of."""
    if metric.startswith("benzinga:publish"):
        return "benzinga_source_publish_seconds_count"
    if metric.startswith("benzinga:feed_lag"):
        return "benzinga_source_feed_lag_seconds_count"
    return metric


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule['alert']}-{'-'.join(rule['labels'].values())}")
def test_every_alert_says_how_bad_it_is_what_is_so_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    annotations = rule["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook_url"}
    assert len(annotations["summary"]) < 120
    # With the numbers, unless the alert is about something that is not there at all.
    if "== 0" not in rule["expr"] and "unless group" not in rule["expr"] and "== 1" not in rule["expr"]:
        assert "$value" in annotations["description"]
    page, _, anchor = annotations["runbook_url"].partition("#")
    assert page == "docs/runbook.md"
    assert anchor == rule["alert"].lower()
    assert anchor in headings()


@pytest.mark.parametrize("name", NAMES)
def test_the_runbook_answers_the_same_five_questions_for_every_alert(name: str) -> None:
    section = headings()[name.lower()]
    for question in ("For consumers", "Whose fault", "What to do", "Verify", "Escalate"):
        assert f"**{question}.**" in section, question


def test_the_runbook_has_no_section_for_an_alert_that_is_gone() -> None:
    sections = {anchor for anchor in headings() if anchor.startswith("benzinga")}
    assert sections == {name.lower() for name in NAMES}
