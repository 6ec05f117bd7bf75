"""What a change of values does, and does not do."""

from __future__ import annotations

import pytest

from tests.helm.chart import EXAMPLES, NAMESPACE, Manifest, one, pods, refusal, render, settings

SOURCE, PROCESSOR = "StatefulSet/bk-benzinga-kafka-source", "Deployment/bk-benzinga-kafka-processor"


def _rolled(values: str) -> set[str]:
    before, after = pods(render()), pods(render(values=values))
    return {name for name in (SOURCE, PROCESSOR) if before[name] != after[name]}


@pytest.mark.parametrize(
    ("values", "rolled"),
    [
        ("config: {source: {settle: 3s}}", {SOURCE, PROCESSOR}),
        ("config: {kafka: {options: {client.rack: a}}}", {SOURCE, PROCESSOR}),
        ("secrets: {token: {key: api-key}}", {SOURCE, PROCESSOR}),
        ("image: {tag: '9'}", {SOURCE, PROCESSOR}),
        ("source: {podAnnotations: {a: b}}", {SOURCE}),
        ("processor: {rules: {items: [{id: a, any: [b]}]}}", set()),
        ("source: {replicas: 3}", set()),
        ("metrics: {podMonitor: {enabled: true}}", set()),
        ("networkPolicy: {enabled: false}", set()),
    ],
)
def test_a_changed_setting_rolls_the_pods_and_a_changed_rule_does_not(values: str, rolled: set[str]) -> None:
    assert _rolled(values) == rolled


def test_rules_reach_the_processor_through_a_directory() -> None:
    values = "processor: {rules: {items: [{id: a, any: [b]}]}}"
    assert one(render(values=values), "ConfigMap", name="-rules") != one(render(), "ConfigMap", name="-rules")
    spec = pods(render(values=values))[PROCESSOR]["spec"]
    assert {"name": "rules", "configMap": {"name": "bk-benzinga-kafka-rules"}} in spec["volumes"]
    [mount] = [mount for mount in spec["containers"][0]["volumeMounts"] if mount["name"] == "rules"]
    assert mount == {"name": "rules", "mountPath": "/etc/benzinga-kafka/rules", "readOnly": True}


def test_by_default_one_pod_stands_by_and_each_has_a_volume() -> None:
    source = one(render(), "StatefulSet")["spec"]
    assert source["replicas"] == 2
    [claim] = source["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "8Gi"
    mounts = {
        mount["name"]: mount["mountPath"] for mount in source["template"]["spec"]["containers"][0]["volumeMounts"]
    }
    assert settings(render())["source"]["journal"]["dir"] == f"{mounts['data']}/journal"


def test_by_default_nothing_needs_an_operator() -> None:
    groups = {manifest["apiVersion"].partition("/")[0] for manifest in render()}
    assert groups == {"v1", "apps", "batch", "policy", "networking.k8s.io"}


def test_the_claims_do_not_change_with_the_version() -> None:
    """Kubernetes refuses to alter them."""
    after = render(values="image: {tag: '9'}\ncommonLabels: {a: b}\nconfig: {source: {settle: 3s}}")
    assert (
        one(after, "StatefulSet")["spec"]["volumeClaimTemplates"]
        == one(render(), "StatefulSet")["spec"]["volumeClaimTemplates"]
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_secrets_are_files_of_those_who_need_them(example: str) -> None:
    for name, pod in pods(render(example)).items():
        spec = pod["spec"]
        for container in spec["containers"]:
            assert not [item for item in container.get("env", []) if "secretKeyRef" in item.get("valueFrom", {})]
        mounted = [
            item["path"]
            for volume in spec["volumes"]
            for source in volume.get("projected", {}).get("sources", [])
            for item in source["secret"]["items"]
        ]
        file = settings(render(example)).get("feed", {}).get("token_file")
        ours = str(file).startswith("/etc/benzinga-kafka/") and name.startswith(("StatefulSet", "Pod"))
        assert any(path.startswith("token/") for path in mounted) == ours, name


def test_autoscaling_ends_at_the_number_of_partitions() -> None:
    spec = one(render("monitoring"), "ScaledObject")["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 6)
    assert spec["triggers"][0]["metadata"] == {
        "bootstrapServers": "kafka:9092",
        "consumerGroup": "benzinga.processor",
        "topic": "benzinga.transcripts",
        "lagThreshold": "1000",
        "offsetResetPolicy": "earliest",
        "allowIdleConsumers": "false",
        "sasl": "scram_sha512",
        "tls": "enable",
    }
    assert "replicas" not in one(render("monitoring"), "Deployment")["spec"]
    wider = "config: {topics: {prefix: x, overrides: {transcripts: {partitions: 40}}}}"
    spec = one(render("monitoring", wider), "ScaledObject")["spec"]
    assert spec["maxReplicaCount"] == 40
    assert spec["triggers"][0]["metadata"]["topic"] == "x.transcripts"


def test_provisioning_comes_before_everything_it_needs_nothing_of() -> None:
    job = one(render(), "Job")
    hook = {"helm.sh/hook": "pre-install,pre-upgrade"}
    needed = [one(render(), kind, "provision") for kind in ("ConfigMap", "ServiceAccount", "NetworkPolicy")]
    for manifest in (job, *needed):
        assert manifest["metadata"]["annotations"].items() >= hook.items()
        assert manifest is job or _weight(manifest) < _weight(job)
    spec = job["spec"]["template"]["spec"]
    names = {manifest["metadata"]["name"] for manifest in needed}
    assert spec["serviceAccountName"] in names
    assert spec["volumes"][0]["configMap"]["name"] in names
    assert settings(render(), "-provision") == settings(render())


def _weight(manifest: Manifest) -> int:
    return int(manifest["metadata"]["annotations"]["helm.sh/hook-weight"])


@pytest.mark.parametrize(
    "values",
    [
        "config: {topics: {retention: 1h}}",
        "commonLabels: {a: b}",
        "provision: {resources: {limits: {memory: 1Gi}}}",
        "image: {tag: '9'}",
        "secrets: {sasl: {existingSecret: other}}",
    ],
)
def test_a_job_of_the_release_has_another_name_where_it_differs(values: str) -> None:
    """Kubernetes refuses to alter one."""
    first, second = one(render("strimzi"), "Job"), one(render("strimzi", values), "Job")
    assert "annotations" not in first["metadata"]
    assert second["spec"] != first["spec"]
    assert second["metadata"]["name"] != first["metadata"]["name"]
    assert one(render("strimzi", "source: {replicas: 3}"), "Job") == first


def test_egress_is_what_each_needs() -> None:
    ports = {
        component: [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]]
        for component in ("source", "processor", "provision", "test")
        for policy in [one(render("sasl-tls"), "NetworkPolicy", component)]
    }
    base = [53, 53, 9094, 9095, 443]
    assert ports == {
        "source": [*base, 443, 443],
        "processor": [*base, 443],
        "provision": [*base, 443],
        "test": [*base, 443, 9108, 443],
    }
    several = """
config:
  kafka: {bootstrap_servers: 'a:1, b:2,[::1]:2,c'}
  schema_registry: {url: 'https://r,http://s:8085/x'}
  feed: {url: 'ws://relay:9000'}
"""
    policy = one(render(values=several), "NetworkPolicy", "source")
    found = [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]]
    assert found == [53, 53, 1, 2, 9092, 443, 8085, 9000]


@pytest.mark.parametrize("example", EXAMPLES)
def test_policies_and_budgets_select_the_pods_they_are_for(example: str) -> None:
    manifests = render(example)
    labels = [pod["metadata"]["labels"] for pod in pods(manifests).values()]
    for manifest in manifests:
        if manifest["kind"] in {"NetworkPolicy", "PodDisruptionBudget"}:
            spec = manifest["spec"]
            selector = spec.get("podSelector", spec.get("selector"))["matchLabels"]
            assert sum(selector.items() <= own.items() for own in labels) == 1, manifest["metadata"]["name"]


def test_alerts_and_dashboards_are_packaged_as_they_are() -> None:
    manifests = render("monitoring", "metrics: {prometheusRule: {disabled: [NoSuchAlert]}}")
    everything = one(manifests, "PrometheusRule")["spec"]["groups"]
    alerts = [rule["alert"] for group in everything for rule in group["rules"] if "alert" in rule]
    assert alerts
    fewer = render("monitoring", f"metrics: {{prometheusRule: {{disabled: [{alerts[0]}]}}}}")
    left = [rule.get("alert") for group in one(fewer, "PrometheusRule")["spec"]["groups"] for rule in group["rules"]]
    assert alerts[0] not in left
    assert set(alerts[1:]) <= set(left) | {alerts[0]}
    dashboards = [manifest for manifest in manifests if "-dashboard-" in manifest["metadata"]["name"]]
    for dashboard in dashboards:
        assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert dashboard["metadata"]["annotations"]["grafana_folder"] == "Benzinga"


def test_names_stay_within_what_kubernetes_takes() -> None:
    values = f"fullnameOverride: {'a' * 60}\nmetrics: {{dashboards: {{enabled: true}}}}"
    for manifest in render(values=values):
        longest = 253 if manifest["kind"] == "ConfigMap" else 52  # a hash and an ordinal come behind, in a label's 63
        assert len(manifest["metadata"]["name"]) <= longest, manifest["metadata"]["name"]
    assert "fullnameOverride" in refusal("fullnameOverride: Not_A_Name")


def test_more_manifests_are_filled_in() -> None:
    names = {manifest["metadata"]["name"] for manifest in render("monitoring") if manifest["kind"] == "ConfigMap"}
    assert {"bk-extra", "bk-benzinga-kafka-text"} <= names
    assert all(manifest["metadata"].get("namespace", NAMESPACE) == NAMESPACE for manifest in render())
