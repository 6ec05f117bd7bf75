"""The chart on a real API server, in a namespace that enforces `restricted`: installed, tested, changed, removed.

`BENZINGA_TEST_KUBECONFIG` names the configuration of a cluster that may be used for it, and kubectl has to be on the
path. Never `KUBECONFIG`: that may be anybody's cluster. The cluster need not run containers, only say that they run.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.helm.chart import CHART, EXAMPLES, helm, one, render

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RELEASE = "bk"
KINDS = "statefulset,deployment,job,pod,service,configmap,secret,serviceaccount,networkpolicy,poddisruptionbudget"
WAIT = ["--wait", "--wait-for-jobs", "--timeout", "180s"]


class Cluster:
    """kubectl and helm, in a namespace of our own."""

    def __init__(self, kubeconfig: str) -> None:
        self.namespace = f"bk-{uuid.uuid4().hex[:8]}"
        self._kubeconfig = kubeconfig

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Its standard output; what it says on standard error is checked for warnings."""
        command = ["kubectl", "--kubeconfig", self._kubeconfig, "--namespace", self.namespace, *arguments]
        done = subprocess.run(command, input=stdin, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "would violate" not in done.stderr, done.stderr
        return done.stdout

    def helm(self, *arguments: str, values: str = "") -> str:
        where = ["--kubeconfig", self._kubeconfig, "--namespace", self.namespace]
        done = helm(*arguments, *where, values=values)
        assert done.returncode == 0, f"{done.stderr}\n{self.kubectl('get', 'events')}"
        return done.stdout

    def get(self, kind: str, name: str = "") -> Any:
        found = json.loads(self.kubectl("get", kind, *([name] if name else []), "--output", "json"))
        return found if name else found["items"]

    def apply(self, *manifests: dict[str, Any], arguments: tuple[str, ...] = ()) -> str:
        return self.kubectl("apply", "--filename", "-", *arguments, stdin=yaml.safe_dump_all(manifests))

    def pod_ids(self, component: str) -> set[str]:
        pods = self.get("pod")
        label = "app.kubernetes.io/component"
        return {pod["metadata"]["uid"] for pod in pods if pod["metadata"]["labels"].get(label) == component}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    kubeconfig = os.environ.get("BENZINGA_TEST_KUBECONFIG")
    if not kubeconfig or shutil.which("kubectl") is None:
        pytest.skip("NOT TESTED on an API server: set BENZINGA_TEST_KUBECONFIG and put kubectl on the path")
    cluster = Cluster(kubeconfig)
    cluster.kubectl("create", "namespace", cluster.namespace)
    volumes: list[dict[str, Any]] = []
    try:
        labels = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
        cluster.kubectl("label", "namespace", cluster.namespace, *labels)
        secret = ["secret", "generic", "benzinga-kafka", "--from-literal=token=not-a-token"]
        cluster.kubectl("create", *secret)
        if not cluster.get("storageclass"):
            volumes = [_volume(f"{cluster.namespace}-{number}") for number in range(2)]
            cluster.apply(*volumes)
        yield cluster
    finally:
        cluster.kubectl("delete", "namespace", cluster.namespace, "--wait=false")
        for volume in volumes:
            cluster.kubectl("delete", "persistentvolume", volume["metadata"]["name"], "--wait=false")


def _volume(name: str) -> dict[str, Any]:
    """Where nothing makes volumes: one for a claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "8Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": f"/var/lib/{name}"},
        },
    }


def test_a_release_lives(cluster: Cluster) -> None:
    chart, release, source = str(CHART), RELEASE, f"{RELEASE}-benzinga-kafka-source"

    cluster.helm("install", release, chart, *WAIT)
    assert cluster.get("statefulset", source)["status"]["readyReplicas"] == 2
    assert cluster.get("deployment", f"{release}-benzinga-kafka-processor")["status"]["readyReplicas"] == 2
    assert len(cluster.get("persistentvolumeclaim")) == 2
    # The hook has run before, and has taken its things along.
    assert not cluster.get("job")
    assert not [item for item in cluster.get("configmap") if "provision" in item["metadata"]["name"]]

    cluster.helm("test", release, "--timeout", "120s")

    before = {component: cluster.pod_ids(component) for component in ("source", "processor")}
    cluster.helm("upgrade", release, chart, *WAIT, values="processor: {rules: {items: [{id: a, any: [b]}]}}")
    assert "id: a" in cluster.get("configmap", f"{release}-benzinga-kafka-rules")["data"]["rules.yaml"]
    assert before == {component: cluster.pod_ids(component) for component in ("source", "processor")}

    cluster.helm("upgrade", release, chart, *WAIT, values="config: {source: {settle: 3s}}")
    settings = f"{release}-benzinga-kafka-settings"
    assert "settle: 3s" in cluster.get("configmap", settings)["data"]["settings.yaml"]
    for component, uids in before.items():
        assert not uids & cluster.pod_ids(component), component
        assert len(cluster.pod_ids(component)) == 2

    cluster.helm("rollback", release, "1", *WAIT)
    assert "settle" not in cluster.get("configmap", settings)["data"]["settings.yaml"]
    assert cluster.get("statefulset", source)["status"]["readyReplicas"] == 2

    cluster.helm("uninstall", release, *WAIT[:1])
    cluster.kubectl("wait", "--for=delete", "pod", "--all", "--timeout=120s")
    left = {(item["kind"], item["metadata"]["name"]) for item in cluster.get(KINDS)}
    given = {("ConfigMap", "kube-root-ca.crt"), ("Secret", "benzinga-kafka"), ("ServiceAccount", "default")}
    assert left == given
    # What Kafka has not acknowledged outlives the release.
    assert len(cluster.get("persistentvolumeclaim")) == 2


def test_provisioning_as_a_job_of_the_release_can_be_changed(cluster: Cluster) -> None:
    """What a Job's pod is made of cannot be altered: an upgrade has to make another one."""
    values = "provision: {hook: false}\nsource: {persistence: {enabled: false}}\n"
    cluster.helm("install", "job", str(CHART), *WAIT, values=values)
    [first] = cluster.get("job")
    assert first["status"]["succeeded"] == 1
    cluster.helm("upgrade", "job", str(CHART), *WAIT, values=f"{values}commonLabels: {{team: data}}")
    [second] = cluster.get("job")
    assert second["metadata"]["name"] != first["metadata"]["name"]
    cluster.helm("uninstall", "job", *WAIT[:1])


def _elsewhere(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The manifest for another namespace, where the accounts it names do not exist."""
    moved = copy.deepcopy(manifest)
    moved["metadata"]["namespace"] = namespace
    if moved["kind"] == "Pod":
        moved["spec"]["serviceAccountName"] = "default"
    return moved


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_server_takes_every_example_to_the_letter(cluster: Cluster, example: str) -> None:
    served = {line.split("/")[0] for line in cluster.kubectl("api-versions").split()}
    manifests = [
        _elsewhere(manifest, cluster.namespace)
        for manifest in render(example)
        if manifest["apiVersion"].partition("/")[0] in served or "/" not in manifest["apiVersion"]
    ]
    strict = ("--dry-run=server", "--validate=strict")
    assert len(cluster.apply(*manifests, arguments=strict).splitlines()) == len(manifests)


def test_the_server_refuses_a_pod_that_runs_as_root(cluster: Cluster) -> None:
    """Else what the others prove of `restricted` is nothing."""
    pod = _elsewhere(one(render(), "Pod"), cluster.namespace)
    pod["spec"]["securityContext"]["runAsUser"] = 0
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        cluster.apply(pod, arguments=("--dry-run=server",))
