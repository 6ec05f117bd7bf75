"""Seeded mutations of real-looking frames: of their bytes, and of the values in them."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.simulator.oddities import Oddities
from connector.simulator.traffic import source

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 1, 5, 15, 47, 37, tzinfo=UTC)
TOKENS = (
    b"null", b"true", b"1e400", b"-0", b'"\\ud800"', b"[[", b"]]", b"{}", b'{"":', b",", b":", b'"', b"\\", b"\x00",
    b"\xff", b"\xef\xbb\xbf", b"NaN", b"0.1234567890123456789", b"99999999999999999999", b'"data":', b'"content":',
    b"\\u0000", b'"id":""', b'"id":0', b"token=abc", b"Signature=x",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 3, 2**63, -(2**70), 1.5, 1e16, 1e-7, -0.0, 1e300, 0.1 + 0.2, "", "0", "3", "3.50", "true",
    "text", "\ud800", "\u00e9\U0001f600", "0001-01-01T00:00:00Z", "2024-10-04T14:42:27.167526889Z", "1728052946",
    "Mon, 01 Jan 2024 13:35:14 -0400", "2024-10-04", [], {}, [None], ["a", {"name": "b"}], {"name": "x", "id": 1},
    [[[[]]]], {"a": {"b": [1, 2, {"c": None}]}}, "x" * 5000, "https://x.com/h?Key-Pair-Id=K\u0026Signature=S",
)  # fmt: skip
NAMES = ("id", "name", "foo", "", "a.b", "content", "data", "timestamp", "updated_at", "*", "\ud800", "words")


class Fuzzer:
    """An endless stream of frames; the same seed gives the same frames."""

    def __init__(self, stream: str, seed: int, originals: int = 300) -> None:
        self._dice = random.Random(f"{stream}/{seed}")
        frames = source(stream, seed, Oddities.everything())
        self._originals = [frames.next(NOW).text.encode() for _ in range(originals)]

    def frames(self, count: int) -> Iterator[bytes]:
        """`count` frames; one in ten is not mutated."""
        for _ in range(count):
            frame = self._dice.choice(self._originals)
            if len(frame) > 20_000:
                frame = frame[:20_000]
            kind = self._dice.random()
            if kind < 0.45:
                frame = self._mutate_values(frame)
            elif kind < 0.9:
                for _ in range(self._dice.randint(1, 3)):
                    frame = self._mutate_bytes(frame)
            yield frame

    def _mutate_bytes(self, frame: bytes) -> bytes:
        dice = self._dice
        start = dice.randint(0, len(frame))
        end = min(len(frame), start + dice.choice((0, 1, 1, 2, 8, 64)))
        match dice.randint(0, 4):
            case 0:
                return frame[:start] + dice.choice(TOKENS) + frame[end:]
            case 1:
                return frame[:start] + frame[end:]
            case 2:
                return frame[:end] + frame[start:]
            case 3:
                return frame[:start] + dice.randbytes(end - start) + frame[end:]
        other = dice.choice(self._originals)
        return frame[:start] + other[dice.randint(0, len(other)) :][:200] + frame[end:]

    def _mutate_values(self, frame: bytes) -> bytes:
        try:
            body = json.loads(frame)
        except ValueError:
            return frame
        for _ in range(self._dice.randint(1, 4)):
            self._change(body)
        return json.dumps(body, ensure_ascii=self._dice.random() < 0.9).encode("utf-8", "surrogatepass")

    def _change(self, node: Any) -> None:
        dice = self._dice
        while isinstance(node, dict | list) and node:
            key = dice.choice(list(node) if isinstance(node, dict) else range(len(node)))
            if isinstance(node[key], dict | list) and node[key] and dice.random() < 0.8:
                node = node[key]
                continue
            kind = dice.random()
            if kind < 0.6:
                node[key] = deepcopy(dice.choice(VALUES))
            elif kind < 0.8:
                node[key] = [node[key]] if kind < 0.7 else {"name": node[key]}
            elif isinstance(node, dict):
                node[dice.choice(NAMES)] = node.pop(key) if kind < 0.9 else deepcopy(dice.choice(VALUES))
            else:
                node.insert(key, deepcopy(dice.choice(VALUES)))
            return
