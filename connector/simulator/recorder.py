"""A file with every published frame, so that an oracle in another process knows what was sent."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, TextIO

from connector.simulator.channel import SentFrame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Recorder:
    """Writes one JSON object a line; each line is with the kernel before the next frame is published."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", encoding="utf-8", buffering=1)

    def write(self, frame: SentFrame) -> None:
        """Append one frame."""
        line: dict[str, object] = {
            "stream": frame.stream,
            "index": frame.index,
            "kind": frame.kind,
            "sent_at": frame.sent_at,
            "delivered": frame.delivered,
        }
        if frame.binary:
            line["binary"] = True
        if frame.mock:
            line["mock"] = True
        try:
            line["payload"] = frame.payload.decode()
        except UnicodeDecodeError:
            line["payload_base64"] = base64.b64encode(frame.payload).decode()
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Nothing more will come."""
        self._file.close()


def read_record(path: Path) -> Iterator[SentFrame]:
    """The frames of a record file, in the order of publication. A torn last line is left out."""
    with path.open(encoding="utf-8") as file:
        for text in file:
            if not text.endswith("\n"):
                return
            line = json.loads(text)
            encoded = line.get("payload_base64")
            yield SentFrame(
                stream=line["stream"],
                index=line["index"],
                payload=base64.b64decode(encoded) if encoded is not None else line["payload"].encode(),
                kind=line["kind"],
                binary=line.get("binary", False),
                mock=line.get("mock", False),
                sent_at=line["sent_at"],
                delivered=line["delivered"],
            )
