"""Whatever is chosen of the values: Helm, Kubernetes, a hardened namespace and the connector itself take it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from connector.kafka.transactions import CALL_TIMEOUT
from connector.processor.rules import load_rules
from connector.settings import Settings, load
from connector.source.ownership import STOP_WITHIN
from tests.helm.chart import CHART, EXAMPLES, NEWEST, OLDEST, VALUES, helm, one, pods, render
from tests.helm.kubernetes import problems, violations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STRIMZI = "kafka.strimzi.io"


@pytest.mark.parametrize("example", EXAMPLES)
def test_lint_finds_nothing(example: str) -> None:
    files = [] if example == "default" else ["--values", str(VALUES[example])]
    done = helm("lint", "--strict", str(CHART), *files)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("example", EXAMPLES)
def test_kubernetes_takes_every_manifest(example: str, version: str) -> None:
    manifests = [manifest for manifest in render(example) if not manifest["apiVersion"].startswith(STRIMZI)]
    found = {
        f"{manifest['kind']}/{manifest['metadata']['name']}": problems(manifest, version) for manifest in manifests
    }
    assert manifests
    assert not {name: sentences for name, sentences in found.items() if sentences}


def test_a_misspelt_field_would_be_noticed() -> None:
    budget = copy.deepcopy(one(render(), "PodDisruptionBudget", "source"))
    budget["spec"]["maxUnavailabel"] = budget["spec"].pop("maxUnavailable")
    assert any("maxUnavailabel" in sentence for sentence in problems(budget, OLDEST))
    monitor = copy.deepcopy(one(render("monitoring"), "PodMonitor"))
    monitor["spec"]["podMetricsEndpoints"][0]["intervall"] = "15s"
    assert any("intervall" in sentence for sentence in problems(monitor, NEWEST))


def test_the_oldest_version_is_the_one_the_chart_names() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["kubeVersion"] == f">={OLDEST}-0"
    assert render(version=OLDEST) == render()
    older = helm("template", "bk", str(CHART), "--kube-version", "1.26.15")
    assert "incompatible with Kubernetes" in older.stderr


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_namespace_that_enforces_restricted_takes_every_pod(example: str) -> None:
    found = {name: violations(pod["spec"]) for name, pod in pods(render(example)).items()}
    assert found
    assert not {name: sentences for name, sentences in found.items() if sentences}


def test_what_restricted_forbids_would_be_noticed() -> None:
    values = """
podSecurityContext: {runAsUser: 0, runAsNonRoot: false, seccompProfile: null}
securityContext: {allowPrivilegeEscalation: true, privileged: true, capabilities: {drop: [], add: [SYS_ADMIN]}}
source:
  extraVolumes: [{name: host, hostPath: {path: /}}]
"""
    assert set(violations(pods(render(values=values))["StatefulSet/bk-benzinga-kafka-source"]["spec"])) == {
        "volume host: hostPath",
        "pod: uid 0",
        "source: privileged",
        "source: capabilities are added",
        "source: runAsNonRoot",
        "source: seccompProfile",
        "source: allowPrivilegeEscalation",
        "source: capabilities are not dropped",
    }


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_pod_of_ours_is_hardened_beyond_that(example: str) -> None:
    for name, pod in pods(render(example)).items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, name
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert container["resources"]["limits"]["memory"], name
            assert not [mount for mount in container.get("volumeMounts", []) if "subPath" in mount], name
    for account in (manifest for manifest in render(example) if manifest["kind"] == "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_connector_takes_the_settings_and_the_environment(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = 0
    for number, (trees, variables) in enumerate(_launches(example)):
        file = tmp_path / f"{number}.yaml"
        file.write_text(trees, encoding="utf-8")
        with monkeypatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(name, value)
            settings = load(file)
        assert isinstance(settings, Settings)
        assert str(settings.source.journal.dir).startswith("/var/lib/benzinga-kafka/")
        seen += 1
    assert seen


def _launches(example: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every container of ours: its settings file and its environment."""
    manifests = render(example)
    for pod in pods(manifests).values():
        spec = pod["spec"]
        for container in spec["containers"]:
            if "args" not in container or "command" in container:
                continue
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            volumes = {volume["name"]: volume for volume in spec["volumes"]}
            assert container["args"][-2:] == ["--config", f"{mounts['settings']}/settings.yaml"]
            config = one(manifests, "ConfigMap", name=volumes["settings"]["configMap"]["name"])
            values = {"metadata.name": "bk-benzinga-kafka-source-0"}
            variables: dict[str, str] = {
                item["name"]: item.get("value") or values[item["valueFrom"]["fieldRef"]["fieldPath"]]
                for item in container.get("env", [])
            }
            yield config["data"]["settings.yaml"], variables


def test_every_file_the_settings_name_is_mounted() -> None:
    manifests = render("sasl-tls")
    tree = yaml.safe_load(one(manifests, "ConfigMap", name="-settings")["data"]["settings.yaml"])
    wanted = {
        "source": [
            tree["feed"]["token_file"],
            tree["kafka"]["options"]["ssl.ca.location"],
            *tree["kafka"]["options_files"].values(),
            tree["schema_registry"]["options"]["ssl.ca.location"],
            *tree["schema_registry"]["options_files"].values(),
        ],
        "processor": [tree["processor"]["rules"], *tree["kafka"]["options_files"].values()],
    }
    assert len(wanted["source"]) == 6
    for component, paths in wanted.items():
        kind = "StatefulSet" if component == "source" else "Deployment"
        spec = one(manifests, kind)["spec"]["template"]["spec"]
        assert set(paths) <= set(_mounted(spec)), component


def _mounted(spec: dict[str, Any]) -> Iterator[str]:
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    for mount in spec["containers"][0]["volumeMounts"]:
        volume = volumes.get(mount["name"], {})
        for source in volume.get("projected", {}).get("sources", []):
            yield from (f"{mount['mountPath']}/{item['path']}" for item in source["secret"]["items"])
        if mount["name"] == "rules":
            yield f"{mount['mountPath']}/rules.yaml"


def test_the_processor_takes_the_rules(tmp_path: Path) -> None:
    config = one(render("sasl-tls"), "ConfigMap", name="-rules")
    path = tmp_path / "rules.yaml"
    path.write_text(config["data"]["rules.yaml"], encoding="utf-8")
    assert [rule.id for rule in load_rules(path).rules] == ["guidance-cut", "amount"]
    path.write_text(one(render(), "ConfigMap", name="-rules")["data"]["rules.yaml"], encoding="utf-8")
    assert load_rules(path).rules == ()


def test_a_pod_has_time_to_commit_what_is_in_flight() -> None:
    for name, pod in pods(render()).items():
        if name.startswith(("StatefulSet", "Deployment")):
            assert pod["spec"]["terminationGracePeriodSeconds"] > STOP_WITHIN + CALL_TIMEOUT
