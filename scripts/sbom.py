"""A CycloneDX bill of materials of what the image and the wheel install: `make sbom`.

Made from the lock file, which names every file by its hash, rather than from an environment, which has what one
platform needs and nothing to check it by; so it is the same on every machine. Standard library only: a generator would
bring more packages than it lists.
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any, Final

from connector import __version__
from scripts.licences import licence
from scripts.lockfile import Package, packages

_NAMESPACE: Final = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
"""RFC 9562's for URLs."""


def bill() -> dict[str, Any]:
    """The document, as JSON values (CycloneDX 1.6)."""
    listed = packages()
    components = [_component(package) for package in listed]
    own = f"pkg:pypi/benzinga-kafka@{__version__}"
    content = json.dumps(components, sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, own + content)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "benzinga-kafka",
                "version": __version__,
                "purl": own,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": [_purl(package) for package in listed]}],
    }


def _component(package: Package) -> dict[str, Any]:
    hashes = [{"alg": "SHA-256", "content": content} for content in package.hashes]
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _purl(package),
        "name": package.name,
        "version": package.version,
        "purl": _purl(package),
        # A package is several files, for several platforms; one of them is installed.
        "externalReferences": [{"type": "distribution", "url": _purl(package), "hashes": hashes}],
    }
    if (expression := licence(package)) is not None:
        component["licenses"] = [{"expression": expression}]
    if package.marker is not None:
        component["scope"] = "optional"
        component["properties"] = [{"name": "python:marker", "value": package.marker}]
    return component


def _purl(package: Package) -> str:
    return f"pkg:pypi/{package.name.lower().replace('_', '-')}@{package.version}"


if __name__ == "__main__":
    text = json.dumps(bill(), indent=2) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
