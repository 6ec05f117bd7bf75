"""The Dockerfile and what it takes away, without building it (test_build.py does)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from connector.http import Health, HttpServer
from connector.settings import HttpSettings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LEFT_OUT = re.search(r"^RUN rm -rf (connector/.*?) \\$", DOCKERFILE, re.MULTILINE)[1].split()

WALK = """
import importlib, pkgutil, sys
sys.path[:0] = [sys.argv[1]]
import connector
assert connector.__file__.startswith(sys.argv[1]), connector.__file__
names = [module.name for module in pkgutil.walk_packages(connector.__path__, "connector.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(*names)
"""
RUN = """
import sys
sys.path[:0] = [sys.argv.pop(1)]
from connector.cli import main
main()
"""


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as the image has it."""
    folder = tmp_path_factory.mktemp("image")
    shutil.copytree(ROOT / "connector", folder / "connector", ignore=shutil.ignore_patterns("__pycache__"))
    for name in LEFT_OUT:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(ROOT / "schemas", folder / "connector" / "schemas")
    return folder


def _python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # -P: the repository itself, where tests run, is out of sight.
    command = [sys.executable, "-P", "-c", script, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_both_stages_stand_on_a_digest() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.13-slim-\w+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${PYTHON_IMAGE}"] * 2


def test_everything_that_is_installed_has_a_hash() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install(.*?)(?=&&|\n\n)", DOCKERFILE, re.DOTALL)
    assert len(installs) == 3
    for arguments in installs:
        assert ("--require-hashes" in arguments and "--only-binary :all:" in arguments) or "/tmp/dist/" in arguments


@pytest.mark.parametrize(("lock", "wanted"), [("build", "hatchling"), ("otel", "opentelemetry-sdk")])
def test_its_locks_are_part_of_the_development_lock(lock: str, wanted: str) -> None:
    text = (ROOT / f"requirements-{lock}.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([\w.-]+==\S+)(.*(?:\n    .*)*)", text, re.MULTILINE)
    assert all("--hash=sha256:" in rest for _, rest in pins)
    assert "://" not in text
    dev = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    assert all(f"\n{pin} " in dev for pin, _ in pins)
    assert any(pin.startswith(f"{wanted}==") for pin, _ in pins)


def test_it_runs_as_a_user_that_kubernetes_can_tell_from_root() -> None:
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["10001:10001"]


def test_what_is_left_works_without_what_is_left_out(rest: Path) -> None:
    assert {"connector/simulator", "connector/embedded", "connector/demo"} <= set(LEFT_OUT)
    done = _python(WALK, str(rest))
    assert done.returncode == 0, done.stderr
    kept = set(done.stdout.split())
    commands = {"source", "processor", "provision", "check", "rules", "tail", "dead_letters"}
    assert {f"connector.commands.{name}" for name in commands} <= kept


@pytest.mark.parametrize("command", ["demo", "simulate"])
def test_a_command_that_is_left_out_says_so(rest: Path, command: str) -> None:
    done = _python(RUN, str(rest), command)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: `{command}` is not part of this installation: container images leave out")
    assert len(done.stderr.splitlines()) == 1


def test_the_health_check_follows_livez(monkeypatch: pytest.MonkeyPatch) -> None:
    command = json.loads(re.search(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[1])
    assert command[0] == "python"
    now = 0.0
    server = HttpServer(HttpSettings(host="127.0.0.1", port=0), CollectorRegistry(), Health(clock=lambda: now))
    server.start()
    try:
        monkeypatch.setenv("BENZINGA_HTTP__PORT", str(server.port))
        check = [sys.executable, *command[1:]]
        assert subprocess.run(check, check=False, capture_output=True).returncode == 0
        now = 1000.0
        assert subprocess.run(check, check=False, capture_output=True).returncode == 1
    finally:
        server.close()
    assert subprocess.run(check, check=False, capture_output=True).returncode == 1
