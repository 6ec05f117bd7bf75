"""What Kubernetes would say to a manifest: its schemas, strictly, and the `restricted` Pod Security Standard."""

from __future__ import annotations

import functools
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import referencing
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterator

CRDS = Path(__file__).with_name("crds")
_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip


def problems(manifest: dict[str, Any], version: str) -> list[str]:
    """Why this version of Kubernetes would not take the manifest as it is written: misspelt fields too."""
    validator = _validator(manifest["apiVersion"], manifest["kind"].lower(), version)
    if validator is None:
        return [f"no schema of {manifest['apiVersion']} {manifest['kind']}"]
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest)]


def violations(pod: dict[str, Any]) -> list[str]:
    """What the `restricted` standard (v1.37) objects to in a pod's spec."""
    found = [name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name)]
    for volume in pod.get("volumes", []):
        found += [f"volume {volume['name']}: {kind}" for kind in volume.keys() - {"name"} - _VOLUMES]
    above = pod.get("securityContext", {})
    found += _context(above, "pod")
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        name, own = container["name"], container.get("securityContext", {})
        found += _context(own, name)
        if not own.get("runAsNonRoot", above.get("runAsNonRoot", False)):
            found.append(f"{name}: runAsNonRoot")
        profile = own.get("seccompProfile", above.get("seccompProfile", {}))
        if profile.get("type") not in {"RuntimeDefault", "Localhost"}:
            found.append(f"{name}: seccompProfile")
        if own.get("allowPrivilegeEscalation") is not False:
            found.append(f"{name}: allowPrivilegeEscalation")
        if own.get("capabilities", {}).get("drop") != ["ALL"]:
            found.append(f"{name}: capabilities are not dropped")
        found += [f"{name}: hostPort" for port in container.get("ports", []) if port.get("hostPort")]
    return found


def _context(context: dict[str, Any], name: str) -> Iterator[str]:
    if context.get("runAsUser") == 0:
        yield f"{name}: uid 0"
    if context.get("privileged"):
        yield f"{name}: privileged"
    if context.get("procMount", "Default") != "Default" or context.get("sysctls"):
        yield f"{name}: procMount or sysctls"
    if set(context.get("capabilities", {}).get("add", [])) - {"NET_BIND_SERVICE"}:
        yield f"{name}: capabilities are added"


@functools.cache
def _validator(api_version: str, kind: str, version: str) -> Draft202012Validator | None:
    group, _, number = api_version.rpartition("/")
    crd = CRDS / group / f"{kind}_{number}.json"
    if crd.is_file():
        return Draft202012Validator(json.loads(crd.read_text(encoding="utf-8")))
    suffix = f"{group.partition('.')[0]}-{number}".removeprefix("-")
    path = _folder(version).joinpath(f"{kind}-{suffix}.json")
    if not path.is_file():
        return None
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")), registry=_definitions(version))


@functools.cache
def _definitions(version: str) -> referencing.Registry[Any]:
    definitions = json.loads(_folder(version).joinpath("_definitions.json").read_text(encoding="utf-8"))
    return referencing.Resource.from_contents(definitions) @ referencing.Registry()


def _folder(version: str) -> Any:
    minor = re.sub(r"\.\d+$", "", version)
    return files("kubernetes_validate").joinpath("kubernetes-json-schema", f"v{minor}.0-local-strict")
