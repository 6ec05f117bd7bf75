"""Client quotas: the one admin request that librdkafka does not know (`AlterClientQuotas`, KIP-546, version 0)."""

from __future__ import annotations

import socket
import struct

_ALTER_CLIENT_QUOTAS = 49
_OK = 0


def producer_quota(bootstrap_server: str, bytes_per_second: float | None) -> None:
    """Let every user produce so many bytes a second and broker; None lifts it. Raises OSError where it is refused."""
    entity = _array(_text("user") + struct.pack(">h", -1))  # the default of all users
    remove = bytes_per_second is None
    operation = _array(_text("producer_byte_rate") + struct.pack(">d?", bytes_per_second or 0.0, remove))
    body = _array(entity + operation) + struct.pack(">?", False)
    header = struct.pack(">hhi", _ALTER_CLIENT_QUOTAS, 0, 1) + _text("quotas")
    host, _, port = bootstrap_server.partition(",")[0].partition(":")
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(struct.pack(">i", len(header + body)) + header + body)
        answer = _exactly(connection, struct.unpack(">i", _exactly(connection, 4))[0])
    # Correlation id, throttle time, number of entries, the first one's error.
    (error,) = struct.unpack(">h", answer[12:14])
    if error != _OK:
        raise OSError(f"the quota was refused: {answer[14:]!r}")


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def _array(item: bytes) -> bytes:
    return struct.pack(">i", 1) + item


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise OSError("the broker has closed the connection")
        data += part
    return data
