"""What the chart makes of alerts and dashboards: all of them, with links to where the runbook is published."""

from __future__ import annotations

import json

import yaml

from tests.helm.chart import one, render
from tests.observability.test_alerts import GROUPS
from tests.support.dashboards import boards

PUBLISHED = "https://runbooks.example/benzinga-kafka"


def test_links_lead_to_the_published_runbook() -> None:
    values = f"metrics: {{runbookUrl: '{PUBLISHED}', prometheusRule: {{enabled: true}}, dashboards: {{enabled: true}}}}"
    manifests = render(values=values)
    found = one(manifests, "PrometheusRule")["spec"]["groups"]
    assert found == yaml.safe_load(json.dumps(GROUPS).replace("docs/runbook.md", PUBLISHED))
    shipped = {
        name.removesuffix(".json"): json.loads(text)
        for manifest in manifests
        if manifest["kind"] == "ConfigMap"
        for name, text in manifest["data"].items()
        if name.endswith(".json")
    }
    assert shipped == json.loads(json.dumps(boards()).replace("docs/runbook.md", PUBLISHED))
