from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from connector.embedded.process import PortTakenError, ServerProcess
from connector.embedded.workspace import Workspace
from connector.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Says when it is there, and leaves in order on SIGTERM.
OBEDIENT = "import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); print('up', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"


@pytest.fixture
def server() -> Iterator[Callable[[str], ServerProcess]]:
    workspace = Workspace()
    made = []

    def make(program: str) -> ServerProcess:
        command = [sys.executable, "-I", "-S", "-c", program]
        made.append(ServerProcess("server", command, workspace, lambda log: log.startswith("up")))
        return made[-1]

    yield make
    for process in made:
        process.kill()
    workspace.close()
    assert not workspace.path.exists()


def test_it_is_ready_once_its_log_says_so_and_again_after_a_restart(server: Callable[[str], ServerProcess]) -> None:
    process = server(OBEDIENT)
    process.start()
    first = process.pid
    process.stop()
    assert not process.running

    process.start()

    assert process.running
    assert process.pid != first
    assert process.log.read_text() == "up\nup\n"


def test_a_server_that_ends_at_once_shows_the_end_of_its_log(server: Callable[[str], ServerProcess]) -> None:
    with pytest.raises(EmbeddedError, match=r"server ended while it was starting[\s\S]*no such file: keystore"):
        server("raise SystemExit('no such file: keystore')").start()


def test_a_taken_port_is_an_error_of_its_own(server: Callable[[str], ServerProcess]) -> None:
    with pytest.raises(PortTakenError):
        server("raise SystemExit('java.net.BindException: Address already in use')").start()


def test_a_server_that_is_never_ready_is_ended(server: Callable[[str], ServerProcess]) -> None:
    process = server("print('thinking', flush=True); import time; time.sleep(600)")

    with pytest.raises(EmbeddedError, match=r"not ready after 0\.5 s[\s\S]*thinking"):
        process.start(0.5)

    assert not process.running


def test_a_command_that_is_not_there_is_named() -> None:
    workspace = Workspace()
    try:
        with pytest.raises(EmbeddedError, match="no-such-program"):
            ServerProcess("server", ["no-such-program"], workspace, bool).start()
    finally:
        workspace.close()


def test_a_paused_server_can_be_resumed_stopped_and_killed(server: Callable[[str], ServerProcess]) -> None:
    process = server(OBEDIENT)
    process.start()
    process.pause()
    assert process.running
    process.resume()
    process.pause()
    process.stop()
    assert not process.running

    process.start()
    process.pause()
    process.kill()
    assert not process.running


def test_a_server_that_ignores_sigterm_is_killed(server: Callable[[str], ServerProcess]) -> None:
    process = server(STUBBORN)
    process.start()

    process.stop(timeout=0.2)

    assert not process.running


def test_what_needs_a_running_server_says_so(server: Callable[[str], ServerProcess]) -> None:
    process = server(OBEDIENT)
    process.kill()
    process.stop()
    with pytest.raises(EmbeddedError, match="not running"):
        process.pause()
    process.start()
    with pytest.raises(EmbeddedError, match="running already"):
        process.start()


def test_the_api_key_of_the_environment_does_not_reach_a_server(
    server: Callable[[str], ServerProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENZINGA_FEED__TOKEN", "bz.secret")
    process = server("import os; print('up', dict(os.environ), flush=True)")
    process.start()

    assert "bz.secret" not in process.tail()
