"""`make dist`: what a release consists of is there, whole, and the same for the same commit."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "scripts.dist", "--into", str(folder)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_everything_is_there_under_one_version(dist: Path) -> None:
    assert sorted(path.name for path in dist.iterdir()) == [
        f"benzinga-kafka-{__version__}.tgz",
        f"benzinga-kafka-image-{__version__}.tar",
        f"benzinga_kafka-{__version__}-py3-none-any.whl",
        f"benzinga_kafka-{__version__}.tar.gz",
    ]


def test_the_image_context_has_all_that_the_dockerfile_copies(dist: Path) -> None:
    with tarfile.open(dist / f"benzinga-kafka-image-{__version__}.tar") as archive:
        names = set(archive.getnames())
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.*)", dockerfile, re.MULTILINE) for word in line.split()[:-1]
    ]
    assert len(copied) > 5
    for source in copied:
        name = source.replace("${REQUIREMENTS}", "requirements.lock").rstrip("/")
        assert any(one == name or one.startswith(f"{name}/") for one in names), source
    assert not {name for name in names if name.startswith("tests/") or "__pycache__" in name}


def test_two_builds_have_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.dist", "--into", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    # Helm stamps the time of packaging into its archive, and has no option against it.
    for path in (one for one in dist.iterdir() if one.suffix != ".tgz"):
        again = (tmp_path / path.name).read_bytes()
        assert hashlib.sha256(again).digest() == hashlib.sha256(path.read_bytes()).digest(), path.name
