"""The journal: what was appended is there after a crash, until it is forgotten; and what happens on bad disks."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from connector.errors import JournalError
from connector.journal import Belongs, Entry, Journal, Kind, open_journal
from connector.settings import Journal as JournalSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BELONGS = Belongs("news", "benzinga", "cluster")
FILE = "benzinga.news.journal"


class Folder:
    """A folder of journals, whose turns of the loop end when the test says so."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failures: list[str] = []
        self.turns: list[Callable[[], None]] = []

    def open(self, belongs: Belongs = BELONGS, **settings: object) -> Journal:
        return open_journal(
            JournalSettings(dir=self.path, **settings),
            belongs,
            defer=self.turns.append,
            on_failure=self.failures.append,
        )

    def end_turn(self) -> None:
        while self.turns:
            self.turns.pop(0)()

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir() if not path.name.endswith(("-wal", "-shm")))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "journal")


def live(text: str) -> Entry:
    return Entry(Kind.LIVE, 1, text.encode())


def texts(journal: Journal) -> list[str]:
    return [entry.payload.decode() for row in journal.read(0, 1000) for entry in row.entries]


def test_one_turn_is_one_row_and_what_is_forgotten_is_gone(folder: Folder) -> None:
    journal = folder.open()
    first = [journal.append(live(text)) for text in ("a", "b")]
    folder.end_turn()
    second = journal.append(live("c"))
    folder.end_turn()
    assert (first[0], first[1] < second, journal.size) == (first[1], True, 3)
    journal.forget(second)
    folder.end_turn()
    assert (texts(journal), journal.size) == (["c"], 1)


def test_what_is_forgotten_before_the_turn_ends_never_comes_to_disk(folder: Folder) -> None:
    journal = folder.open()
    mark = journal.append(live("a"))
    journal.cut()
    journal.append(live("b"))
    journal.forget(mark + 1)
    folder.end_turn()
    assert (texts(journal), journal.size) == (["b"], 1)


def test_what_has_come_of_a_settle_window_stands_for_its_frames(folder: Folder) -> None:
    journal = folder.open()
    journal.append(live("before"))
    journal.append(Entry(Kind.SETTLING, 1, b"2"))
    folder.end_turn()
    journal.append(Entry(Kind.SETTLING, 1, b"1"))
    journal.append(Entry(Kind.GAP, 1, b"gap"))
    mark = journal.settled([Entry(Kind.REPLAYED, 1, b"1"), Entry(Kind.REPLAYED, 1, b"2")])
    folder.end_turn()
    assert texts(journal) == ["before", "gap", "1", "2"]
    journal.forget(mark)
    folder.end_turn()
    assert (texts(journal), journal.size) == (["1", "2"], 2)


def test_frames_of_an_open_settle_window_are_not_forgotten(folder: Folder) -> None:
    journal = folder.open()
    journal.append(Entry(Kind.SETTLING, 1, b"1"))
    folder.end_turn()
    mark = journal.append(live("gap"))
    folder.end_turn()
    journal.forget(mark + 1)
    folder.end_turn()
    assert texts(journal) == ["1"]
    journal.settled([])
    folder.end_turn()
    assert (texts(journal), journal.size) == ([], 0)


def test_a_killed_process_leaves_what_its_last_turn_has_written(folder: Folder) -> None:
    code = f"""
import os, signal
from pathlib import Path
from connector.journal import Belongs, Entry, Kind, open_journal
from connector.settings import Journal
turns = []
settings, belongs = Journal(dir=Path({str(folder.path)!r})), Belongs("news", "benzinga", "cluster")
journal = open_journal(settings, belongs, defer=turns.append)
for number in range(50):
    journal.append(Entry(Kind.LIVE, number, b"%d" % number))
    turns.pop()()
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == -signal.SIGKILL
    journal = folder.open()
    assert texts(journal) == [str(number) for number in range(50)]
    assert (folder.names, folder.failures) == ([FILE], [])


def test_a_journal_that_another_process_holds_is_left_alone_and_adopted_later(folder: Folder) -> None:
    paused = folder.open()
    paused.append(live("a"))
    folder.end_turn()
    successor = folder.open()
    successor.append(live("b"))
    folder.end_turn()
    assert (texts(paused), texts(successor)) == (["a"], ["b"])
    paused.close()
    successor.close()
    journal = folder.open()
    assert texts(journal) == ["a", "b"]
    assert folder.names == [FILE]


@pytest.mark.parametrize(
    "other",
    [Belongs("ratings", "benzinga", "cluster"), Belongs("news", "other", "cluster"), Belongs("news", "benzinga", "x")],
)
def test_a_foreign_journal_is_set_aside(folder: Folder, other: Belongs) -> None:
    journal = folder.open(other)
    journal.append(live("theirs"))
    folder.end_turn()
    journal.close()
    for name in folder.names:
        (folder.path / name).rename(folder.path / FILE)
    assert texts(folder.open()) == []
    assert folder.failures == ["foreign"]
    assert [name.startswith(f"{FILE}.foreign-") for name in folder.names] == [False, True]


def test_another_programs_database_is_set_aside(folder: Folder) -> None:
    folder.path.mkdir()
    with sqlite3.connect(folder.path / FILE) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    assert texts(folder.open()) == []
    assert folder.failures == ["foreign"]


@pytest.mark.parametrize("damage", ["garbage", "page", "cut"])
def test_of_a_damaged_journal_what_is_readable_is_used(folder: Folder, damage: str) -> None:
    journal = folder.open()
    written = [f"{number}-{'x' * 3000}" for number in range(40)]
    for text in written:
        journal.append(live(text))
        folder.end_turn()
    journal.close()
    path = folder.path / FILE
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content[:] = b"no database" * 1000
    elif damage == "page":
        content[20 * 8192 : 21 * 8192] = b"\xff" * 8192
    else:
        del content[len(content) // 2 :]
    path.write_bytes(content)

    read = texts(folder.open())

    assert set(read) <= set(written)
    assert (len(read) > 20) == (damage == "page")
    assert "damaged" in folder.failures
    assert len(folder.names) >= 1


def test_a_row_with_a_flipped_bit_is_left_out(folder: Folder) -> None:
    journal = folder.open()
    for text in ("first", "secret word", "last"):
        journal.append(live(text))
        folder.end_turn()
    journal.close()
    path = folder.path / FILE
    path.write_bytes(path.read_bytes().replace(b"secret word", b"secret ward"))
    assert texts(folder.open()) == ["first", "last"]
    assert folder.failures == ["damaged"]


def test_a_full_disk_is_told_nothing_is_dropped_and_it_is_tried_again(folder: Folder) -> None:
    journal = folder.open()
    journal.append(live("a"))
    folder.end_turn()
    journal._connection.execute("PRAGMA max_page_count = 1")
    for number in range(20):
        journal.append(live(f"{number}" * 500))
    folder.end_turn()
    assert journal.failing == "database or disk is full"
    assert folder.failures == ["write"]
    assert texts(journal) == ["a"]
    journal._connection.execute("PRAGMA max_page_count = 100000")
    journal.flush()
    assert journal.failing is None
    assert len(texts(journal)) == 21


def test_a_folder_that_cannot_be_one_is_said_in_a_sentence(folder: Folder) -> None:
    folder.path.write_text("")
    with pytest.raises(JournalError, match=r"source\.journal\.dir: .* cannot hold a journal: "):
        folder.open()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_may_not_be_written_is_said_in_a_sentence(folder: Folder) -> None:
    folder.path.mkdir(mode=0o500)
    with pytest.raises(JournalError, match=r"source\.journal\.dir: .*unable to open|ermission"):
        folder.open()


def test_the_bound_is_told_before_it_is_reached_and_until_a_tenth_is_free(folder: Folder) -> None:
    journal = folder.open(max_bytes=1_048_576)
    marks = []
    for _ in range(10):
        marks.append(journal.append(Entry(Kind.LIVE, 1, b"x" * 104_858)))
        journal.cut()
    assert (journal.nearly_full, journal.full) == (True, True)
    folder.end_turn()
    journal.forget(marks[1])
    folder.end_turn()
    assert journal.full
    journal.forget(marks[2])
    folder.end_turn()
    assert (journal.nearly_full, journal.full) == (False, False)


def test_a_journal_that_was_large_gives_its_room_back(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.journal.journal.SHRINK_ABOVE", 1_000_000)
    journal = folder.open()
    mark = 0
    for _ in range(30):
        mark = journal.append(Entry(Kind.LIVE, 1, os.urandom(100_000)))
        folder.end_turn()
    journal.forget(mark + 1)
    folder.end_turn()
    journal.close()
    assert sum(path.stat().st_size for path in folder.path.iterdir()) < 100_000


def test_nobody_else_may_read_it(folder: Folder) -> None:
    journal = folder.open()
    journal.append(live("https://example.com/?signature=secret"))
    folder.end_turn()
    assert {path.stat().st_mode & 0o077 for path in folder.path.iterdir()} == {0}
