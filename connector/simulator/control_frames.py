"""Frames that are no message: about the connection, or about nothing at all (fact sheet §1, §1.2)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.simulator.values import Dice


def control_frame(dice: Dice) -> str:
    """Something a client must swallow."""
    return dice.pick(
        (
            "ping",
            "pong",
            str(dice.integer(1, 9_999_999)),
            '"pong"',
            '"keep-alive"',
            '{"status":"connected","message":"authenticated"}',
            '{"kind":"status","status":"ok"}',
            '{"type":"ping"}',
            '{"event":"heartbeat","time":1767628056}',
            '{"action":"pong"}',
            '{"type":"invalid_request_error","message":"unknown command","params":[]}',
        )
    )


def garbage_frame(dice: Dice) -> str:
    """Something that should have been a message and cannot be used."""
    cut = json.dumps({"id": dice.uuid(), "api_version": "websocket/v1", "data": {"action": "Created"}})
    return dice.pick(
        (
            cut[: dice.integer(5, len(cut) - 3)],
            f"[{cut}]",
            json.dumps({"id": dice.uuid(), "payload": {"action": "Created"}}),
            json.dumps({"id": dice.uuid(), "data": [1, 2, dice.integer(3, 9999)]}),
            json.dumps({"id": dice.uuid(), "data": None}),
            f"<html><body>502 Bad Gateway {dice.integer(1, 10**9)}</body></html>",
            f"[null,{dice.integer(1, 10**12)}]",
            f"-{dice.integer(1, 10**12)}.5",
        )
    )
