from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from connector.embedded import ports
from connector.errors import EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path


def test_free_ports_differ_and_can_be_listened_on() -> None:
    found = ports.free_ports(10)

    assert len(set(found)) == 10
    for port in found:
        with socket.create_server((ports.HOST, port)):
            pass


def test_they_lie_below_the_ports_of_outgoing_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "range").write_text("16000\t60999\n")
    monkeypatch.setattr(ports, "_EPHEMERAL", tmp_path / "range")

    assert max(ports.free_ports(20)) < 16000


def test_a_port_somebody_listens_on_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = ports.free_ports(1)
    monkeypatch.setattr(ports, "_LOWEST", port)
    monkeypatch.setattr(ports, "_first_ephemeral", lambda: port + 1)

    with socket.create_server((ports.HOST, port)), pytest.raises(EmbeddedError, match=f"between {port} and {port}"):
        ports.free_ports(1)
