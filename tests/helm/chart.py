"""The chart as Helm renders it. Every rendering is made once a session: a start of helm costs a tenth of a second."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[2] / "helm" / "benzinga-kafka"
VALUES = {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").glob("*-values.yaml"))}
"""The examples in `ci`."""

EXAMPLES = ["default", *VALUES]
OLDEST, NEWEST = "1.27.0", "1.37.0"
"""Versions of Kubernetes; the oldest is the one in Chart.yaml."""

NAMESPACE = "streams"

Manifest = dict[str, Any]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""A tenth of the time, where PyYAML was built with it."""


def helm(*arguments: str, values: str = "") -> subprocess.CompletedProcess[str]:
    """Run helm with `values` (YAML) on its standard input, as `--values -` reads them."""
    command = [_binary(), *arguments, *(["--values", "-"] if values else [])]
    return subprocess.run(command, input=values, check=False, capture_output=True, text=True)


@functools.cache
def render(example: str = "default", values: str = "", version: str = NEWEST) -> tuple[Manifest, ...]:
    """The manifests of an example, with further values."""
    done = _template(example, values, version)
    assert done.returncode == 0, done.stderr
    # Both loaders are safe ones.
    return tuple(manifest for manifest in yaml.load_all(done.stdout, Loader=_LOADER) if manifest)


def refusal(values: str, example: str = "default") -> str:
    """What helm says to values it does not take."""
    done = _template(example, values, NEWEST)
    assert done.returncode != 0, "helm took these values"
    return done.stderr


def one(manifests: tuple[Manifest, ...], kind: str, component: str = "", name: str = "") -> Manifest:
    """The only manifest of this kind, component and end of its name."""
    found = [
        manifest
        for manifest in manifests
        if manifest["kind"] == kind
        and component in {"", manifest["metadata"].get("labels", {}).get("app.kubernetes.io/component")}
        and manifest["metadata"]["name"].endswith(name)
    ]
    assert len(found) == 1, [manifest["metadata"]["name"] for manifest in found]
    return found[0]


def pods(manifests: tuple[Manifest, ...]) -> dict[str, Manifest]:
    """Every pod that is made: `kind/name` → its template."""
    return {
        f"{manifest['kind']}/{manifest['metadata']['name']}": manifest
        if manifest["kind"] == "Pod"
        else manifest["spec"]["template"]
        for manifest in manifests
        if manifest["kind"] in {"Pod", "Deployment", "StatefulSet", "Job"}
    }


def settings(manifests: tuple[Manifest, ...], name: str = "-settings") -> Any:
    """The tree in the ConfigMap with the settings."""
    return yaml.safe_load(one(manifests, "ConfigMap", name=name)["data"]["settings.yaml"])


def _template(example: str, values: str, version: str) -> subprocess.CompletedProcess[str]:
    files = [] if example == "default" else ["--values", str(VALUES[example])]
    return helm(
        "template", "bk", str(CHART), "--namespace", NAMESPACE, "--kube-version", version, *files, values=values
    )


def _binary() -> str:
    beside = Path(sys.executable).with_name("helm")
    found = str(beside) if beside.is_file() else shutil.which("helm")
    if found is None:
        pytest.skip("NOT TESTED: helm is not there (its Python package has no wheel for this machine; install helm 3)")
    return found
