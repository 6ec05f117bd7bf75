"""One run of the demo: start, watch, drain, stop, verify."""

from __future__ import annotations

import queue
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connector.demo.board import Board
from connector.demo.calls_board import AlertSeen, CallSeen
from connector.demo.calls_oracle import CallsOracle
from connector.demo.ledger import Ledger
from connector.demo.naive_alerts import NaiveAlerts
from connector.demo.oracle import Finding, Oracle
from connector.demo.reader import News, Reader, Seen
from connector.demo.rules import rules_file
from connector.demo.screen import FRAME_EVERY, logs_to, picture, say
from connector.demo.storyline import Loss, Storyline
from connector.demo.summary import Outcome
from connector.demo.telemetry import ProcessorNumbers, Telemetry, numbers, processor_numbers
from connector.demo.view import Hints
from connector.errors import EmbeddedError
from connector.kafka.topics import ALERTS, CALLS, DEAD_LETTERS, GAPS, TRANSCRIPTS
from connector.streams import STREAMS

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from connector.demo.screen import Screen
    from connector.demo.services import Services
    from connector.demo.telemetry import Numbers

_CONNECT_SECONDS: Final = 60.0
_DRAIN_SECONDS: Final = 30.0
"""After the last frame: the longest a stream may take to reconnect (`backoff.max`), to settle and to commit."""

_READERS: Final = 4


class Run:
    """What happens between the start of the services and their end."""

    def __init__(self, services: Services, stop: threading.Event) -> None:
        """`stop`: set by a signal."""
        self.services = services
        self.board = Board(STREAMS)
        self.hints = hints(services)
        self._stop = stop
        self._news: queue.SimpleQueue[News | Loss | dict[str, Numbers] | ProcessorNumbers] = queue.SimpleQueue()
        self._reader = Reader(services.settings, self._news.put)
        self._telemetry: tuple[Telemetry[Any], ...] = (
            Telemetry(services.source, numbers, self._news.put),
            Telemetry(services.processor, processor_numbers, self._news.put),
        )
        self._idle_timeout = services.settings.processor.idle_timeout.total_seconds()
        self._storyline: Storyline | None = None
        self._elapsed = 0.0

    def watch(self, screen: Screen, seconds: float | None, save: Path | None = None) -> Outcome:
        """Let the feed run for `seconds` (None: until `stop`), then drain, stop the connector, and verify."""
        services = self.services
        storyline = self._storyline = services.feed.call(lambda feed: Storyline(feed, self._news.put))
        with Ledger(services.record) as ledger, logs_to(services.record.with_name("demo.log")):
            self._reader.start()
            for telemetry in self._telemetry:
                telemetry.start()
            try:
                with screen:
                    self._until(
                        screen, lambda: services.feed.call(lambda _: storyline.all_connected()), _CONNECT_SECONDS
                    )
                    services.feed.call(lambda _: storyline.begin())
                    began = time.monotonic()
                    self._until(screen, self._stop.is_set, seconds, began)
                    self._elapsed = time.monotonic() - began
                    if save is not None:
                        picture(self.board, save, now=time.time(), elapsed=self._elapsed)
                    services.feed.wait(lambda _: storyline.end())
                    self._until(screen, lambda: self._drained(ledger), _DRAIN_SECONDS)
            finally:
                for telemetry in self._telemetry:
                    telemetry.close()
                self._reader.close()
            say("Stopping source and processor, then reading every topic from its beginning ...")
            exits = {child.name: child.stop() for child in services.children}
            self._take()
            return self._verify(ledger, exits)

    def _until(
        self, screen: Screen, condition: Callable[[], bool], seconds: float | None, began: float | None = None
    ) -> None:
        """Keep the screen up to date until `condition`, at most `seconds`."""
        start = time.monotonic()
        while not condition() and (seconds is None or time.monotonic() - start < seconds):
            self._take()
            self._check()
            elapsed = self._elapsed if began is None else time.monotonic() - began
            screen.show(self.board, time.time(), elapsed)
            time.sleep(FRAME_EVERY)

    def _take(self) -> None:
        """Bring the board up to date."""
        now = time.time()
        while not self._news.empty():
            news = self._news.get()
            if isinstance(news, Seen):
                self.board.record(news, now)
            elif isinstance(news, CallSeen):
                self.board.call(news, now)
            elif isinstance(news, AlertSeen):
                self.board.calls.alert(news)
            elif isinstance(news, Loss):
                self.board.loss(news, now)
            elif isinstance(news, ProcessorNumbers):
                self.board.calls.numbers = news
            else:
                self.board.telemetry(news)

    def _check(self) -> None:
        if self._reader.error is not None:
            raise self._reader.error
        for child in self.services.children:
            if not child.running:
                raise EmbeddedError(child.last_words)

    def _drained(self, ledger: Ledger) -> bool:
        """Whether everything that was sent has arrived and is in its call, and no stream has anything pending."""
        ledger.follow()
        arrived = all(
            row.published >= ledger.expectations[name].messages
            and row.dead_letters >= len(ledger.expectations[name].dead_letters)
            for name, row in self.board.rows.items()
        )
        rows = self.board.rows.values()
        quiet = all(row.numbers.connected and not row.numbers.pending for row in rows)
        calls = self.board.calls
        return arrived and quiet and not calls.numbers.lag_messages and calls.says(ledger.joined.calls)

    def _verify(self, ledger: Ledger, exits: Mapping[str, int | None]) -> Outcome:
        """Read every topic from its beginning and compare."""
        ledger.follow()
        oracles = {name: Oracle(wanted, ledger.payload) for name, wanted in ledger.expectations.items()}
        calls = CallsOracle(ledger.joined, NaiveAlerts(rules_file()), self._idle_timeout)
        # Most of the time goes by waiting for the broker: a consumer for each topic.
        with ThreadPoolExecutor(_READERS, thread_name_prefix="demo-verify") as pool:
            reading = [pool.submit(self._read_topic, name, oracle) for name, oracle in oracles.items()]
            reading.append(pool.submit(self._read_calls, calls))
            for done in reading:
                done.result()
        for read in self._reader.all_of(DEAD_LETTERS):
            oracles[read.headers["stream"]].dead_letter(read.value)
        for read in self._reader.all_of(GAPS):
            oracles[read.value["stream"]].gap(read.value["transcript_id"])
        findings: list[Finding] = [oracle.finding() for oracle in oracles.values()]
        dropped = {name: round(row.numbers.duplicates) for name, row in self.board.rows.items()}
        return Outcome(findings, calls.finding(), dropped, self.board.losses, self._elapsed, exits)

    def _read_topic(self, name: str, oracle: Oracle) -> None:
        for read in self._reader.all_of(name):
            oracle.record(read.key, read.headers.get("benzinga-fingerprint", ""), read.value)

    def _read_calls(self, oracle: CallsOracle) -> None:
        for read in self._reader.all_of(TRANSCRIPTS):
            oracle.sentence(read.value)
        for read in self._reader.all_of(CALLS):
            oracle.call(read.key, read.value)
        for read in self._reader.all_of(ALERTS):
            oracle.alert(read.key, read.value)


def hints(services: Services) -> Hints:
    """How to look from another terminal."""
    prefix = services.settings.topics.prefix
    return Hints(
        (
            f"From another terminal ({prefix}. and transcripts, calls, alerts, gaps, ...):",
            f"  {_command()} tail news --config {services.config}",
            f"  kcat -C -b {services.kafka.bootstrap_servers} -t {prefix}.news",
            f"  schema registry {services.registry.url}",
            *(f"  {child.name}'s metrics http://{child.address}/metrics" for child in services.children),
        )
    )


def _command() -> str:
    """How this command was called, in a form that works again."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{Path(sys.executable).name} -m connector"
    found = shutil.which(called.name)
    return called.name if found is not None and Path(found).resolve() == called.resolve() else str(called)
