"""The simulator beside code that blocks: its event loop runs in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from connector.simulator.server import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from connector.simulator.settings import SimulatorSettings

T = TypeVar("T")


class ThreadedSimulator:
    """A context manager; reach the simulator with `call` and `wait`, never directly.

    with ThreadedSimulator(settings) as feed:
        feed.wait(lambda simulator: simulator.connected("news"))
        feed.call(lambda simulator: simulator.publish("news", text))
    """

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self._simulator = Simulator(settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulator", daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._run(self._simulator.__aenter__())
        except BaseException:
            self._end()
            raise
        self.url = self._simulator.url
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._run(self._simulator.__aexit__(*exc_info))
        finally:
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def call(self, action: Callable[[Simulator], T], timeout: float = 60.0) -> T:
        """What `action` returns, run in the simulator's thread; TimeoutError after `timeout` seconds."""

        async def run() -> T:
            return action(self._simulator)

        return self._run(run(), timeout)

    def wait(self, work: Callable[[Simulator], Coroutine[Any, Any, T] | asyncio.Task[T]], timeout: float = 60.0) -> T:
        """What `work`'s coroutine or task ends with, run in the simulator's thread."""

        async def run() -> T:
            return await work(self._simulator)

        return self._run(run(), timeout)

    def _run(self, work: Coroutine[Any, Any, T], timeout: float = 60.0) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)
