"""Ports for servers that must know their port before they listen, and keep it over a restart."""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Final

from connector.errors import EmbeddedError

HOST: Final = "127.0.0.1"
_LOWEST: Final = 15000
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_ATTEMPTS: Final = 200


def free_ports(count: int) -> list[int]:
    """`count` different loopback ports that nobody listens on. Raises EmbeddedError where there are none.

    They lie below the range from which the kernel takes the ports of outgoing connections. A port out of that range
    could be taken by any client while its broker is down; even by the broker's own, which then is connected to itself.
    Between here and the server's own bind another process may still take one: who starts the server tries again with
    others.
    """
    highest = _first_ephemeral() - 1
    chooser = random.SystemRandom()
    found: list[int] = []
    for _ in range(_ATTEMPTS):
        if len(found) == count:
            return found
        port = chooser.randint(_LOWEST, highest)
        if port not in found and _is_free(port):
            found.append(port)
    raise EmbeddedError(f"no free port on {HOST} between {_LOWEST} and {highest}; end what listens there")


def _first_ephemeral() -> int:
    try:
        first = int(_EPHEMERAL.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):  # not Linux: its default does well
        first = 32768
    return first if first > _LOWEST + _ATTEMPTS else 65536


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java does: an old connection is no hindrance
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
