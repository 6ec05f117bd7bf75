"""The values: each documented, none unknown, none wrong; what is generated is what the generator makes today."""

from __future__ import annotations

import copy
import functools
import json
import re
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from connector import __version__
from helm.generate import made
from helm.readme import documented, leaves
from tests.helm.chart import CHART, helm, refusal, render

if TYPE_CHECKING:
    from pathlib import Path

VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(made()))
def test_what_is_generated_is_up_to_date(name: str) -> None:
    assert (CHART / name).read_text(encoding="utf-8") == made()[name], "run: make chart"


def test_every_value_is_documented() -> None:
    described = {value.path: value.text for value in documented(CHART / "values.yaml")}
    assert not [path for path, text in described.items() if not text.endswith((".", ")")) or len(text) < 8]
    bare = [
        ".".join(path)
        for path in leaves(VALUES)
        if not any(".".join(path[:length]) in described for length in range(1, len(path) + 1))
    ]
    assert not bare
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{path}` |" in readme for path in described)


def test_whatever_the_schema_allows_is_documented() -> None:
    described = {value.path for value in documented(CHART / "values.yaml")}
    assert not set(_bare(SCHEMA, "", described)) - {"global"}


def _bare(schema: dict[str, Any], path: str, described: set[str]) -> list[str]:
    if path in described:
        return []
    if "properties" not in schema:
        return [path]
    return [
        name
        for key, inner in schema["properties"].items()
        for name in _bare(inner, f"{path}.{key}".removeprefix("."), described)
    ]


REFUSED = [
    ("sauce: {}", "Additional property sauce is not allowed"),
    ("source: {replica: 2}", "Additional property replica is not allowed"),
    ("source: {replicas: two}", "source.replicas: Invalid type"),
    ("source: {replicas: 0}", "source.replicas: Must be greater than or equal to 1"),
    ("source: {persistence: {size: big}}", "source.persistence.size: Does not match pattern"),
    ("source: {persistence: {accessModes: [ReadOnlyMany]}}", "source.persistence.accessModes.0"),
    ("source: {podDisruptionBudget: {maxUnavailable: 0}}", "source.podDisruptionBudget.maxUnavailable"),
    ("source: {extraEnv: [{value: x}]}", "source.extraEnv.0: name is required"),
    ("processor: {autoscaling: {minReplicas: 0}}", "processor.autoscaling.minReplicas"),
    ("processor: {rules: {items: [{id: x, anny: [y]}]}}", "Additional property anny is not allowed"),
    ("processor: {rules: {items: [{any: [y]}]}}", "id is required"),
    ("image: {digest: abc}", "image.digest: Does not match pattern"),
    ("image: {pullPolicy: Sometimes}", "image.pullPolicy must be one of"),
    ("commonLabels: {canary: true}", "commonLabels.canary: Invalid type"),
    ("networkPolicy: {egress: {kafkaPorts: [70000]}}", "networkPolicy.egress.kafkaPorts.0"),
    ("config: {kafka: {bootstrap: x}}", "config.kafka: Additional property bootstrap is not allowed"),
    ("config: {source: {settle: 2}}", "config.source.settle"),
    ("config: {source: {settle: 2 seconds}}", "config.source.settle: Does not match pattern"),
    ("config: {source: {journal: {max_bytes: 1}}}", "config.source.journal.max_bytes"),
    ("config: {feed: {streams: [news, wim]}}", "config.feed.streams.1"),
    ("config: {feed: {streams: []}}", "config.feed.streams"),
    ("config: {log: {level: loud}}", "config.log.level"),
    ("config: {topics: {overrides: {news: {partition: 3}}}}", "Additional property partition is not allowed"),
    ("config: {schema_registry: {url: kafka:8081}}", "config.schema_registry.url: Does not match pattern"),
]


@pytest.mark.parametrize(("values", "sentence"), REFUSED, ids=[values for values, _ in REFUSED])
def test_what_is_unknown_or_wrong_is_refused(values: str, sentence: str) -> None:
    assert sentence in _told()[values]


@functools.cache
def _told() -> dict[str, str]:
    """What helm says to each: to as many at once as do not speak of the same, for it tells all problems."""
    groups: list[tuple[dict[str, Any], list[str]]] = []
    for values, _ in REFUSED:
        for tree, members in groups:
            if _merge(tree, yaml.safe_load(values)):
                members.append(values)
                break
        else:
            groups.append((yaml.safe_load(values), [values]))
    told = [(refusal(yaml.safe_dump(tree)), members) for tree, members in groups]
    return {values: sentences for sentences, members in told for values in members}


def _merge(into: dict[str, Any], tree: dict[str, Any]) -> bool:
    """Add `tree`, unless both have a value at one place."""
    trial = copy.deepcopy(into)
    for key, value in tree.items():
        if key not in trial:
            trial[key] = value
        elif not (isinstance(trial[key], dict) and isinstance(value, dict) and _merge(trial[key], value)):
            return False
    into.clear()
    into.update(trial)
    return True


def test_what_the_readme_shows_works(tmp_path: Path) -> None:
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    assert len(examples) == 2
    for values in examples:
        assert render(values=values)
    [install] = re.findall(r"\$ helm install (\S+) (\S+)((?: \\\n +--set \S+)+)", readme)
    assert install[:2] == ("benzinga-kafka", "./helm/benzinga-kafka")
    done = helm("template", install[0], str(CHART), *install[2].replace("\\\n", "").split())
    assert done.returncode == 0, done.stderr
    assert "image: registry.example.com/benzinga-kafka:" in done.stdout


def test_the_package_has_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    assert helm("package", str(CHART), "--destination", str(tmp_path)).returncode == 0
    [package] = tmp_path.iterdir()
    assert package.name == f"benzinga-kafka-{__version__}.tgz"
    with tarfile.open(package) as archive:
        names = {name.removeprefix("benzinga-kafka/") for name in archive.getnames()}
    files = {str(path.relative_to(CHART)) for path in CHART.rglob("*") if path.is_file()}
    left_out = {name for name in files if name.startswith(("ci/", "tests/", "rules/tests/", "dashboards/."))}
    assert left_out
    assert names == files - left_out - {"README.md.gotmpl"}


def test_a_bare_zero_is_a_duration() -> None:
    assert render(values="config: {processor: {snapshots: {interval: 0}}}")


def test_the_version_is_the_connectors() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
