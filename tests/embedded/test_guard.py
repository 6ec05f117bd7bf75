"""Nothing that was started outlives the program that started it, whichever way that ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_SECONDS = 20.0

# Each prints, on one line, the process id of a server and the folder of its data, and then does nothing for ever.
STAND_IN = """
import sys, threading, time
from connector import logs
from connector.embedded.process import ServerProcess
from connector.embedded.workspace import Workspace

logs.configure()

def start():
    workspace = Workspace()
    server = ServerProcess("stand-in", [sys.executable, "-c", "print('up', flush=True); import time; time.sleep(600)"],
                           workspace, lambda log: log.startswith("up"))
    server.start()
    keep.append((workspace, server))
    print(server.pid, workspace.path, flush=True)

keep = []
"""
# The thread that starts the server is gone at once: what matters is the end of the process, not of the thread.
FROM_A_THREAD = (
    STAND_IN + "thread = threading.Thread(target=start); thread.start(); thread.join(); time.sleep(1)\n"
    "assert keep[0][1].running\nprint('still up', flush=True)\ntime.sleep(600)"
)
# A child that was forked without exec holds copies of every pipe, and lives on.
WITH_A_FORK = STAND_IN + "start()\nimport os\nif child := os.fork(): print(child, flush=True)\ntime.sleep(600)"
KAFKA = """
import time
from connector import logs
from connector.embedded import EmbeddedKafka
logs.configure()
kafka = EmbeddedKafka().open()
print(kafka.broker(0).pid, kafka._workspace.path, kafka.broker(0).port, flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def _program(text: str):
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def _is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):  # the second where it ends between open and read
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_server_started_from_a_short_lived_thread_ends_with_the_process() -> None:
    with _program(FROM_A_THREAD) as program:
        pid, folder = program.stdout.readline().split()
        assert program.stdout.readline() == "still up\n"
        program.kill()

    assert _eventually(lambda: not _is_running(int(pid)))
    assert _eventually(lambda: not Path(folder).exists())


def test_a_forked_child_that_lives_on_does_not_keep_the_server() -> None:
    with _program(WITH_A_FORK) as program:
        pid, _ = program.stdout.readline().split()
        fork = int(program.stdout.readline())
        program.kill()
        try:
            assert _eventually(lambda: not _is_running(int(pid)))
            assert _is_running(fork)
        finally:
            os.kill(fork, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_server_and_its_data_are_gone_whichever_signal_ends_the_program(number: signal.Signals) -> None:
    with _program(STAND_IN + "start()\ntime.sleep(600)") as program:
        pid, folder = program.stdout.readline().split()
        program.send_signal(number)

    assert _eventually(lambda: not _is_running(int(pid)))
    assert _eventually(lambda: not Path(folder).exists())


@pytest.mark.kafka
def test_kafka_and_its_data_are_gone_after_the_program_was_killed() -> None:
    with _program(KAFKA) as program:
        pid, folder, port = program.stdout.readline().split()
        assert _is_running(int(pid))
        assert list(Path(folder, "kafka-0").iterdir())
        program.kill()

    assert _eventually(lambda: not _is_running(int(pid)))
    assert _eventually(lambda: not Path(folder).exists())
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0


def test_a_killed_guard_takes_the_server_with_it() -> None:
    with _program(STAND_IN + "start()\nprint(keep[0][1]._guard.pid, flush=True)\ntime.sleep(600)") as program:
        pid, _ = program.stdout.readline().split()
        os.kill(int(program.stdout.readline()), signal.SIGKILL)

        assert _eventually(lambda: not _is_running(int(pid)))
