"""What runs because of a tenure: one source at a time, ended in order or at once, and taken again after a contest."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from prometheus_client import CollectorRegistry

from connector.kafka.claims import Claim
from connector.metrics import SourceMetrics
from connector.source import keeper as module
from connector.source.keeper import Keeper
from connector.source.lease import Lease
from connector.source.sign_of_life import SignOfLife
from connector.source.stream import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.source.stream import StreamSource


class FakeFeed:
    def __init__(self) -> None:
        self.open = True

    def stop(self) -> None:
        self.open = False


class FakeSource:
    """A source that runs until it is stopped, halted or fenced."""

    def __init__(self, *, obeys: bool = True) -> None:
        self.state = State.WAITING
        self.feed = FakeFeed()
        self.unready = None
        self.starting = None
        self.ended: list[str] = []
        self._obeys = obeys
        self._end: asyncio.Future[State] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        self.state = State.PUBLISHING
        self.state = await self._end

    async def stop(self) -> None:
        self.ended.append("stopped")
        if self._obeys:
            self.feed.stop()
            self._finish(State.STOPPED)

    def halt(self) -> None:
        self.ended.append("halted")
        self._finish(State.STOPPED)

    def fence(self) -> None:
        self._finish(State.TAKEN_OVER)

    def fail(self, error: Exception) -> None:
        self._end.set_exception(error)

    def status(self) -> dict[str, Any]:
        return {"state": self.state.value}

    def _finish(self, state: State) -> None:
        if not self._end.done():
            self._end.set_result(state)


class Bench:
    """A keeper whose sources are fakes."""

    def __init__(self, *, obeys: bool = True) -> None:
        self.made: list[FakeSource] = []
        self.failures: list[BaseException] = []
        self.held = True
        self.asked = 0
        self.metrics = SourceMetrics(CollectorRegistry(), ["news"])
        self.lease = Lease(6.0)
        self._obeys = obeys
        self.keeper = Keeper(
            "news", "us", self._make, metrics=self.metrics, is_held=self._is_held, failed=self.failures.append
        )
        self.keeper.watch(self.lease)
        self.lease.ask()
        self.lease.answered(ok=True)

    @property
    def owned(self) -> float:
        (metric,) = self.metrics.owned.collect()
        return metric.samples[0].value

    def claimed(self, by: str, *, at: int = 0, released_at: int | None = None) -> None:
        self.keeper.claimed(Claim("news", by, at, f"group of {by}", released_at))

    def _make(self, _stream: str) -> StreamSource:
        self.made.append(FakeSource(obeys=self._obeys))
        return cast("StreamSource", self.made[-1])

    async def _is_held(self, _claim: Claim) -> bool:
        self.asked += 1
        return self.held


async def until(predicate: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not predicate():  # noqa: ASYNC110 - the state of fakes, several of them
            await asyncio.sleep(0)


async def running(bench: Bench, number: int = 1) -> FakeSource:
    """The source that runs as the `number`-th, once it does."""
    await until(lambda: len(bench.made) == number and bench.made[-1].state is State.PUBLISHING)
    return bench.made[-1]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONTEST_MIN", 0.001)
    monkeypatch.setattr(module, "HALT_WITHIN", 0.05)


async def test_a_standby_is_ready_and_says_who_has_the_stream() -> None:
    bench = Bench()
    bench.claimed("other", at=1_700_000_000_000_000)
    assert bench.keeper.unready is None
    assert bench.owned == 0
    status = json.loads(json.dumps(bench.keeper.status()))
    assert status["state"] == status["ownership"] == "standby"
    assert status["owner"]["instance"] == "other"
    assert status["owner"]["claimed_at"].startswith("2023-11-14T22:13:20")


async def test_the_metric_needs_the_fence_and_the_lease() -> None:
    bench = Bench()
    bench.keeper.assigned(None)
    assert (bench.owned, bench.keeper.unready) == (0, "news: starting")
    source = await running(bench)
    assert (bench.owned, bench.keeper.unready) == (1, None)
    source.state = State.FENCING  # a producer that is made anew
    assert bench.owned == 0
    source.state = State.PUBLISHING
    bench.lease.end()
    assert bench.owned == 0
    await bench.keeper.close(5)


@pytest.mark.parametrize(("obeys", "ended"), [(True, ["stopped"]), (False, ["stopped", "halted"])])
async def test_revoked_is_over_when_the_source_is(obeys: bool, ended: list[str]) -> None:
    bench = Bench(obeys=obeys)
    bench.keeper.assigned(None)
    source = await running(bench)
    await bench.keeper.revoked(5 if obeys else 0.01)
    assert source.ended == ended
    assert not source.feed.open
    assert bench.owned == 0
    bench.keeper.assigned(None)
    assert await running(bench, 2) is not source
    await bench.keeper.close(0.01)
    await bench.keeper.ended()


async def test_a_sleeper_closes_its_socket_at_once_and_may_begin_anew() -> None:
    bench = Bench()
    bench.keeper.assigned(None)
    source = await running(bench)
    bench.keeper.lost(slept=True)
    assert not source.feed.open
    bench.keeper.assigned(None)  # before the old one has ended
    await running(bench, 2)
    assert source.ended == ["halted"]
    await bench.keeper.close(5)


async def test_doubt_keeps_the_socket_and_says_that_nothing_is_sure() -> None:
    bench = Bench()
    bench.keeper.assigned(None)
    source = await running(bench)
    bench.keeper.lost(slept=False)
    assert (source.feed.open, bench.owned, bench.keeper.carries) == (True, 0, True)
    bench.keeper.assigned(None)
    bench.keeper.rejoined(assigned=True)
    assert (source.feed.open, bench.owned) == (True, 1)
    bench.keeper.lost(slept=False)
    bench.keeper.rejoined(assigned=False)
    assert (source.feed.open, bench.owned, bench.keeper.carries) == (False, 0, False)
    await bench.keeper.ended()
    assert len(bench.made) == 1


@pytest.mark.parametrize("learns", ["by the claim", "by the fence"])
async def test_a_contested_stream_is_taken_again_when_nobody_holds_it(learns: str) -> None:
    bench = Bench()
    bench.keeper.assigned(None)
    source = await running(bench)
    bench.claimed("us", at=1)
    if learns == "by the claim":
        bench.claimed("rival", at=2)
        assert not source.feed.open
    else:
        source.fence()
        await bench.keeper.ended()
        bench.claimed("rival", at=2)
    assert bench.keeper.unready is None
    await until(lambda: bench.asked > 2)
    assert len(bench.made) == 1
    bench.claimed("rival", at=2, released_at=3)
    bench.held = False
    await running(bench, 2)
    assert bench.owned == 1
    await bench.keeper.close(5)


async def test_what_a_source_raises_is_told() -> None:
    bench = Bench()
    bench.keeper.assigned(None)
    source = await running(bench)
    source.fail(RuntimeError("a fault of ours"))
    await bench.keeper.ended()
    await until(lambda: bench.failures != [])
    assert str(bench.failures[0]) == "a fault of ours"


@pytest.mark.parametrize(
    ("released_at", "sign", "seconds"),
    [
        (3_000_000, None, 2.0),
        (None, SignOfLife("before", 1_500_000), 3.5),
        (None, SignOfLife("long before", 1_500_000), None),
        (None, None, None),
    ],
)
async def test_the_log_tells_for_how_long_nobody_had_it(
    released_at: int | None, sign: SignOfLife | None, seconds: float | None, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench()
    bench.claimed("before", at=1_000_000, released_at=released_at)
    bench.keeper.assigned(sign)
    bench.claimed("us", at=5_000_000)
    logged = capsys.readouterr()
    line = next(line for line in (logged.out + logged.err).splitlines() if "stream.taken_over_from" in line)
    assert "previous=before" in line
    assert f"unowned_seconds={seconds}" in line
    await bench.keeper.close(5)
