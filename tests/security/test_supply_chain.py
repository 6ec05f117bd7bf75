"""What is installed beside our own code: pinned by hash, under licences that are allowed, listed, and looked up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.core import TyperGroup

from connector.cli import app
from scripts import audit, licences, sbom
from scripts.lockfile import ROOT, packages
from tests.support.web import answering

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCKS = sorted(ROOT.glob("requirements*.lock"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_of_every_lock_is_pinned_by_hash(lock: Path) -> None:
    found = packages(lock)
    assert found
    assert all(package.hashes for package in found)
    text = lock.read_text()
    assert "://" not in text, "whoever mirrors the packages installs from the mirror"


def test_what_we_ask_for_is_in_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {package.name for package in packages()}
    wanted = {requirement.split("[")[0].split(">")[0].split("=")[0] for requirement in project["dependencies"]}
    assert wanted <= names


def test_every_licence_is_allowed() -> None:
    found = {package.name: licences.licence(package) for package in packages()}
    missing = [package.name for package in packages() if found[package.name] is None and package.marker is None]
    assert missing == []
    assert [name for name, expression in found.items() if expression and not licences.is_allowed(expression)] == []


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-2.0-only OR MIT AND BSD-3-Clause", True),
        ("Proprietary", False),
    ],
)
def test_which_expressions_are_allowed(expression: str, allowed: bool) -> None:
    assert licences.is_allowed(expression) is allowed


def test_the_bill_of_materials_lists_the_lock_with_hashes_and_licences() -> None:
    bill = sbom.bill()
    assert bill == sbom.bill(), "the same on every run"
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert uuid.UUID(bill["serialNumber"].removeprefix("urn:uuid:"))
    components = {component["name"]: component for component in bill["components"]}
    assert components.keys() == {package.name for package in packages()}
    kafka = components["confluent-kafka"]
    assert kafka["purl"] == f"pkg:pypi/confluent-kafka@{kafka['version']}"
    assert kafka["licenses"] == [{"expression": "Apache-2.0"}]
    assert all(len(item["content"]) == 64 for item in kafka["externalReferences"][0]["hashes"])
    references = {component["bom-ref"] for component in bill["components"]}
    assert set(bill["dependencies"][0]["dependsOn"]) == references


def test_the_audit_tells_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(body: bytes) -> Any:
        queries = json.loads(body)["queries"]
        assert {"package": {"name": "msgspec", "ecosystem": "PyPI"}, "version": queries[0]["version"]}
        return {
            "results": [
                {"vulns": [{"id": "GHSA-1"}, {"id": "PYSEC-2"}]} if query["package"]["name"] == "msgspec" else {}
                for query in queries
            ]
        }

    with answering(answer) as url:
        assert audit.main(["--url", url]) == 1
    out = capsys.readouterr().out
    assert "msgspec" in out
    assert "GHSA-1, PYSEC-2" in out
    with answering(lambda body: {"results": [{} for _ in json.loads(body)["queries"]]}) as url:
        assert audit.main(["--url", url]) == 0
    assert "audit: 0 of" in capsys.readouterr().out
    with answering(lambda _body: {"results": []}) as url:
        assert audit.main(["--url", url]) == 2


def test_an_audit_that_reaches_nobody_says_that_nothing_was_checked() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.audit", "--url", "http://127.0.0.1:1/"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout == ""
    assert "SKIPPED, NOTHING WAS CHECKED" in done.stderr


def test_no_command_takes_a_secret_as_an_option() -> None:
    """What stands on a command line is in `ps` and in the shell's history."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    options = list(_options(group))
    assert "--principal" in options
    assert [name for name in options if re.search("token|password|passphrase|secret|api-?key|credential", name)] == []


def _options(command: Any) -> Iterator[str]:
    for parameter in command.params:
        yield from parameter.opts
    for name in getattr(command, "commands", {}):
        with command.make_context("benzinga-kafka", [name], resilient_parsing=True) as context:
            _, found, _ = command.resolve_command(context, [name])
        yield from _options(found)
