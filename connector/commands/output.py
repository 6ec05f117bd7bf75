"""What a command writes to standard output, and how a reader or a signal ends it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator


def emit(data: str | bytes) -> None:
    """Write `data` as it is and flush; a reader that has left (`| head`) has had enough, which is no failure."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data if isinstance(data, bytes) else data.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # What is left in the buffer is written at exit: to nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def emit_line(text: str) -> None:
    """Write one line."""
    emit(text + "\n")


def emit_json(value: Any) -> None:
    """Write one JSON object as one line."""
    emit_line(json.dumps(value, ensure_ascii=False))


@contextmanager
def until_signal() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second one stops the process at once."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
