"""Generated traffic: seeded frames at a rate, scripts, and mock calls."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from connector.simulator.analyst_frames import BullsBears, Consensus, Insights
from connector.simulator.calendar_frames import Earnings, Ratings
from connector.simulator.calls import plan_mock_call
from connector.simulator.companies import MOCK_COMPANIES
from connector.simulator.news_frames import News
from connector.simulator.oddities import Oddities
from connector.simulator.transcript_frames import Transcripts, mock_frames
from connector.simulator.values import Dice

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from connector.simulator.connection import FeedConnection
    from connector.simulator.records import Generated, RecordSource
    from connector.simulator.scenarios import Scenario
    from connector.simulator.server import Simulator

_TICK: Final = 0.005
"""Seconds: shorter pauses than this are taken together."""

_FAULTS: Final = ("reset", "fin", "clean", "stall", "refuse", "accept-then-close", "mute")


_RECORDS: Final[dict[str, type[RecordSource]]] = {
    "insights": Insights,
    "ratings": Ratings,
    "consensus": Consensus,
    "earnings": Earnings,
    "bulls-bears": BullsBears,
    "news": News,
}


class FrameSource(Protocol):
    """An endless, seeded stream of frames."""

    def next(self, now: datetime) -> Generated:
        """The next frame; `now` is the time it is sent at."""


def source(
    stream: str, seed: int = 0, oddities: Oddities | None = None, *, calls: int = 3, questions: int = 4
) -> FrameSource:
    """The frames of `stream`; `calls` and `questions` are for transcripts."""
    odd = Oddities.all() if oddities is None else oddities
    name = f"{seed}/{stream}"
    if stream == "transcripts":
        return Transcripts(name, odd, calls=calls, questions=questions)
    return _RECORDS[stream](name, odd)


def generate(
    stream: str,
    count: int,
    seed: int = 0,
    oddities: Oddities | None = None,
    *,
    start: datetime = datetime(2026, 1, 5, 14, 30, tzinfo=UTC),
    step: timedelta = timedelta(milliseconds=250),
    calls: int = 3,
) -> list[Generated]:
    """`count` frames without a server; the same arguments give the same frames, byte for byte."""
    frames = source(stream, seed, oddities, calls=calls)
    return [frames.next(start + index * step) for index in range(count)]


class Traffic:
    """What a simulator sends by itself."""

    def __init__(self, feed: Simulator) -> None:
        self._feed = feed
        self._tasks: set[asyncio.Task[int]] = set()
        self._mock_calls = 0

    def start(
        self,
        stream: str,
        rate: float,
        count: int | None = None,
        *,
        seed: int | None = None,
        oddities: Oddities | None = None,
        calls: int = 3,
        questions: int = 4,
    ) -> asyncio.Task[int]:
        """Publish generated frames on `stream`, whether or not anybody listens.

        `rate` is a second; 0: as fast as the connected clients take it. The task ends after `count` frames
        (None: never) with their number.
        """
        seed = self._feed.settings.seed if seed is None else seed
        frames = source(stream, seed, oddities, calls=calls, questions=questions)
        return self._start(self._run(stream, frames, rate, count))

    def script(self, stream: str, frames: Iterable[str | bytes], rate: float = 0.0) -> asyncio.Task[int]:
        """Publish exactly these frames, `rate` a second; the task ends with their number."""
        return self._start(self._play(stream, list(frames), rate))

    def start_scenario(self, scenario: Scenario, streams: Iterable[str], speed: float = 1.0) -> None:
        """Begin everything a scenario is made of; `speed` multiplies its rates."""
        for stream in streams:
            self.start(
                stream,
                scenario.rates[stream] * speed,
                oddities=scenario.oddities,
                calls=scenario.calls,
                questions=scenario.questions,
            )
            if scenario.fault_every:
                self._start(self._misbehave(stream, scenario.fault_every))

    async def stop(self) -> None:
        """End all traffic."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def mock_call(self, connection: FeedConnection, ticker: str) -> None:
        """Speak the mock call of `ticker` (`*`: of each mock ticker) to one client, as long as it is subscribed."""
        self._mock_calls += 1
        dice = Dice(f"{self._feed.settings.seed}/mock/{self._mock_calls}")
        for company in MOCK_COMPANIES:
            if ticker not in {company.symbol, "*"}:
                continue
            call = plan_mock_call(dice, company, datetime.now(UTC))
            for text in mock_frames(call, datetime.now(UTC)):
                if connection.session is None or connection.session.subscriptions.get(ticker) is not True:
                    return
                connection.say(text)
                await asyncio.sleep(self._feed.settings.mock_interval)

    def _start(self, work: Coroutine[Any, Any, int]) -> asyncio.Task[int]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, stream: str, frames: FrameSource, rate: float, count: int | None) -> int:
        pace = _Pace(rate)
        done = 0
        while count is None or done < count:
            frame = frames.next(datetime.now(UTC))
            self._feed.publish(stream, frame.text, kind=frame.kind)
            done += 1
            await pace.wait(done)
            if not rate:
                await self._feed.drain(stream)
        return done

    async def _play(self, stream: str, frames: list[str | bytes], rate: float) -> int:
        pace = _Pace(rate)
        for done, payload in enumerate(frames, 1):
            self._feed.publish(stream, payload)
            await pace.wait(done)
            if not rate:
                await self._feed.drain(stream)
        return len(frames)

    async def _misbehave(self, stream: str, mean: float) -> int:
        """Random faults, for ever."""
        faults, dice = self._feed.faults, Dice(f"{self._feed.settings.seed}/chaos/{stream}")
        while True:
            await asyncio.sleep(dice.number(0.5, 1.5) * mean)
            match dice.pick(_FAULTS):
                case "reset":
                    faults.drop(stream)
                case "fin":
                    faults.drop(stream, "fin")
                case "clean":
                    faults.close(stream, dice.pick((1000, 1001, 1011, 1012, 4001)))
                case "stall":
                    faults.stall(stream)
                    await asyncio.sleep(dice.number(0.1, 0.5) * mean)
                    faults.resume(stream)
                case "refuse":
                    faults.refuse(stream, dice.pick((429, 502, 503)), dice.integer(1, 3))
                    faults.drop(stream)
                case "accept-then-close":
                    faults.accept_then_close(stream, dice.integer(1, 3))
                    faults.drop(stream)
                case _:
                    faults.mute_pong(stream)
                    await asyncio.sleep(dice.number(0.2, 1.0) * mean)
                    faults.mute_pong(stream, mute=False)


class _Pace:
    """Keeps a rate over the whole run, whatever a single pause really took."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._begin = time.monotonic()

    async def wait(self, done: int) -> None:
        """Until it is time for the next one after `done`."""
        if not self._rate:
            await asyncio.sleep(0)
            return
        pause = self._begin + done / self._rate - time.monotonic()
        if pause > _TICK:
            await asyncio.sleep(pause)
        elif done % 16 == 0:
            await asyncio.sleep(0)
