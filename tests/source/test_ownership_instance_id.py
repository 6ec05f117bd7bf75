"""A name that outlives its process and is never two processes' at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from connector.source import instance_id
from connector.source.instance_id import InstanceId

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from pathlib import Path
from connector.source.instance_id import InstanceId
held = InstanceId.take(Path(sys.argv[1]))
print(held.text, flush=True)
sys.stdin.read()
"""


def take(folder: Path) -> InstanceId:
    taken = InstanceId.take(folder)
    assert taken is not None
    return taken


def test_who_comes_back_has_the_same_name_and_who_comes_besides_another(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet" / "there"
    first, second = take(folder), take(folder)
    assert first.text != second.text
    names = first.text, second.text
    first.close()
    again = take(folder)
    assert again.text == names[0]
    again.close()
    second.close()
    assert take(tmp_path / "elsewhere").text not in names


def test_a_kill_frees_the_name(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert take(tmp_path).text != name
        process.kill()
        process.wait()
    assert take(tmp_path).text == name


def test_a_name_that_turned_out_to_be_somebody_elses_is_not_used_again(tmp_path: Path) -> None:
    first = take(tmp_path)
    first.replace()
    first.close()
    assert take(tmp_path).text != first.text


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"two words\n", b"x" * 300])
def test_a_spoilt_file_is_written_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "member-0.id").write_bytes(content)
    first = take(tmp_path)
    assert (tmp_path / "member-0.id").read_text() == f"{first.text}\n"


def test_without_a_folder_that_can_be_written_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    assert InstanceId.take(tmp_path / "file") is None
    monkeypatch.setattr(instance_id, "PLACES", 1)
    held = take(tmp_path)
    assert InstanceId.take(tmp_path) is None
    held.close()
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        assert InstanceId.take(tmp_path / "below") is None
        tmp_path.chmod(0o700)
