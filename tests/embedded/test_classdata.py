from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from connector.embedded import classdata
from connector.embedded.classdata import ClassData
from connector.embedded.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Stands in for `java -Xshare:dump`: writes what it was given as class list where the archive is to be.
JAVA = """
import sys
options = dict(text.split("=", 1) for text in sys.argv if "=" in text)
text = open(options["-XX:SharedClassListFile"]).read()
open(options["-XX:SharedArchiveFile"], "w").write(text)
sys.exit(text == "broken")
"""


@pytest.fixture
def class_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClassData]:
    monkeypatch.setattr(classdata, "java_command", lambda *_: [sys.executable, "-I", "-S", "-c", JAVA])
    folder = tmp_path / "server"
    folder.mkdir()
    workspace = Workspace()
    yield ClassData(folder, [folder / "a.jar", folder / "b.jar"], workspace, 64)
    workspace.close()


def _save(class_data: ClassData, classes: str) -> None:
    (recording,) = class_data.options(record=True)
    assert recording == f"-XX:DumpLoadedClassList={class_data.workspace.path}/classes.list"
    (class_data.workspace.path / "classes.list").write_text(classes)
    (writer,) = class_data.save()
    writer.wait()


def test_what_the_first_start_recorded_the_second_one_uses(class_data: ClassData) -> None:
    _save(class_data, "java/lang/Object")
    deadline = time.monotonic() + 10
    while not class_data.archive.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)

    assert class_data.archive.read_text() == "java/lang/Object"
    assert class_data.options(record=True) == [f"-XX:SharedArchiveFile={class_data.archive}"]
    assert class_data.options(record=False) == class_data.options(record=True)
    assert class_data.save() == ()


def test_an_archive_that_failed_is_tried_again_by_the_next_start(class_data: ClassData) -> None:
    _save(class_data, "broken")

    assert not class_data.archive.exists()
    assert class_data.options(record=True)[0].startswith("-XX:DumpLoadedClassList=")


def test_of_several_servers_one_records(class_data: ClassData) -> None:
    assert class_data.options(record=False) == []
