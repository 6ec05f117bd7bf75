"""A rules file that changes: swapped, written in place, broken, gone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from connector.errors import ConfigurationError
from connector.processor.rules_file import Decision, RulesFile

if TYPE_CHECKING:
    from pathlib import Path


def rules(*ids: str) -> str:
    return "rules:\n" + "".join(f"- {{id: {id_}, any: [x]}}\n" for id_ in ids)


def polled(file: RulesFile, times: int = 3) -> list[list[str]]:
    """The ids of the rules that some polls brought."""
    return [[rule.id for rule in found.rules] for _ in range(times) if (found := file.poll()) is not None]


@pytest.fixture
def file(tmp_path: Path) -> RulesFile:
    path = tmp_path / "rules.yaml"
    path.write_text(rules("a"))
    file = RulesFile(path)
    assert [rule.id for rule in file.load().rules] == ["a"]
    return file


def test_nothing_is_new_at_first(file: RulesFile) -> None:
    assert polled(file) == []


def test_a_change_is_taken_once(file: RulesFile) -> None:
    file.path.write_text(rules("a", "b"))
    assert polled(file) == [["a", "b"]]
    assert polled(file) == []


def test_the_same_content_again_is_no_change(file: RulesFile) -> None:
    os.utime(file.path, (1, 1))
    assert polled(file) == []


def test_a_mounted_config_map(tmp_path: Path) -> None:
    """The file is reached through a link to a folder, which is replaced by a link to another: as the kubelet does."""
    for name, ids in (("..1", ["a"]), ("..2", ["b", "c"])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rules.yaml").write_text(rules(*ids))
        os.utime(tmp_path / name / "rules.yaml", (1, 1))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "rules.yaml").symlink_to("..data/rules.yaml")
    file = RulesFile(tmp_path / "rules.yaml")
    file.load()
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    assert polled(file) == [["b", "c"]]


def test_a_bad_file_is_told_once_and_the_next_good_one_taken(file: RulesFile) -> None:
    file.path.write_text(rules("a", "b") + "- {id: c}\n")
    assert file.poll() is None
    with pytest.raises(ConfigurationError, match="nothing can make it fire"):
        file.poll()
    assert polled(file) == []
    file.path.write_text(rules("d"))
    assert polled(file) == [["d"]]


def test_a_file_that_is_gone_is_told_once_and_taken_when_it_is_back(file: RulesFile) -> None:
    file.path.unlink()
    assert file.poll() is None
    with pytest.raises(ConfigurationError, match="cannot be read"):
        file.poll()
    assert polled(file) == []
    file.path.write_text(rules("a", "b"))
    assert polled(file) == [["a", "b"]]


def test_a_file_that_is_gone_for_a_moment_is_nothing_to_tell(file: RulesFile) -> None:
    content = file.path.read_text()
    file.path.unlink()
    assert file.poll() is None
    file.path.write_text(content)
    assert polled(file) == []


def test_there_has_to_be_a_file_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        RulesFile(tmp_path / "rules.yaml").load()


def test_a_file_is_read_once_it_is_at_rest() -> None:
    decision = Decision()
    decision.took((1,), b"a")
    assert not decision.wants((1,))
    assert [decision.wants(seen) for seen in ((2,), (3,), (3,), (3,))] == [False, False, True, True]
    assert decision.took((3,), b"b")
    assert not decision.wants((3,))


def test_what_changed_and_changed_back_is_not_new() -> None:
    decision = Decision()
    assert decision.took((1,), b"a")
    assert not decision.took((2,), b"a")
    assert decision.took((3,), b"b")
    assert decision.took((4,), b"a")
