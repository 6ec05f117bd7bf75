"""Where a run shows itself: a live view in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io
import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol, Self

import typer
from rich.console import Console
from rich.live import Live
from rich.status import Status
from rich.text import Text

from connector.demo.view import Hints, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connector.demo.board import Board

FRAME_EVERY: Final = 0.2
LINE_EVERY: Final = 5.0
"""Seconds."""

_PICTURE_SIZE: Final = (112, 32)


class Screen(Protocol):
    """A context manager around the time in which records flow."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def show(self, board: Board, now: float, elapsed: float) -> None:
        """The board has changed, perhaps."""


class LiveScreen:
    """The whole terminal, as long as it lasts; what was there before comes back."""

    def __init__(self, console: Console, hints: Hints) -> None:
        self._console = console
        self._hints = hints
        # Drawn only when there is something new, over what is there: no flicker.
        self._live = Live(console=console, screen=True, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._live.stop()

    def show(self, board: Board, now: float, elapsed: float) -> None:
        """Draw."""
        width, height = self._console.size
        view = render(board, self._hints, width=width, height=height, now=now, elapsed=elapsed)
        self._live.update(view, refresh=True)


class PlainScreen:
    """Lines on standard error."""

    def __init__(self) -> None:
        self._next = LINE_EVERY

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        return None

    def show(self, board: Board, now: float, elapsed: float) -> None:  # noqa: ARG002 - the protocol's
        """Print a line where it is time for one."""
        if elapsed < self._next:
            return
        self._next = elapsed + LINE_EVERY
        live = sum(row.state == "live" for row in board.rows.values())
        say(
            f"{elapsed:4.0f} s: {live} of {len(board.rows)} streams live, {board.published} messages in Kafka, "
            f"{board.duplicates} duplicates dropped, {board.gaps} gaps, {board.dead_letters} dead letters; "
            f"{board.calls.numbers.open_calls:.0f} calls open, {board.calls.closed} closed, "
            f"{board.calls.alert_count} alerts"
        )


def say(text: str) -> None:
    """One line on standard error."""
    typer.echo(text, err=True)


class Narrator:
    """Says what is waited for: a spinner in a terminal, elsewhere a line when it changes."""

    def __init__(self, console: Console | None) -> None:
        """`console`: of the terminal, None where there is none."""
        self._status = Status("", console=console) if console is not None else None
        self._said = ""

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is waited for any more."""
        if self._status is not None:
            self._status.stop()

    def say(self, text: str) -> None:
        """This is what goes on now."""
        if self._status is not None:
            self._status.update(Text(text))
        elif text.partition(":")[0] != self._said:  # how far a download is: once is enough
            self._said = text.partition(":")[0]
            say(text)


@contextmanager
def logs_to(path: Path) -> Iterator[None]:
    """Send this process's own logs to a file: a live view and log lines do not share a terminal."""
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, logging.StreamHandler)]
    with path.open("a", encoding="utf-8") as file:
        before = [(handler, handler.setStream(file)) for handler in handlers]
        try:
            yield
        finally:
            for handler, stream in before:
                if stream is not None:
                    handler.setStream(stream)


def picture(board: Board, path: Path, *, now: float, elapsed: float) -> None:
    """Save the view as an SVG file; without the hints, which are true for this run alone."""
    width, height = _PICTURE_SIZE
    console = Console(record=True, width=width, height=height, file=io.StringIO(), force_terminal=True)
    console.print(render(board, Hints(()), width=width, height=height, now=now, elapsed=elapsed))
    drawn = console.export_svg(title="benzinga-kafka demo")
    # A picture that fetches fonts from somewhere is more than a picture.
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL), encoding="utf-8")
