"""The session by a fake clock: commands, heartbeat, settle window, and what does not count against the feed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.feed.idle import IdleWatch
from connector.feed.retry import Kind
from connector.feed.session import Effect, End, Send, Session, Settled, opening
from connector.settings import Heartbeat, TranscriptsFeed
from connector.streams import STREAMS

NEWS, TRANSCRIPTS = STREAMS["news"], STREAMS["transcripts"]
INTERVAL, TIMEOUT, SETTLE = 30.0, 10.0, 2.0


class Driver:
    """Ticks a session as the shell does, on a clock of its own."""

    def __init__(self, *, settle: float | None = SETTLE, idle: float = 1e9, name: str = "news") -> None:
        self.now = 1000.0
        self.idle = IdleWatch(idle)
        heartbeat = Heartbeat(interval=timedelta(seconds=INTERVAL), timeout=timedelta(seconds=TIMEOUT))
        self.session = Session(STREAMS[name], heartbeat, self.idle, settle=settle, now=self.now)
        self.effects: list[tuple[float, Effect]] = []

    def run(self, seconds: float, *, market_active: bool = True) -> None:
        """Let `seconds` pass with a loop that runs."""
        until = self.now + seconds
        while self.now < until and self.session.ending is None:
            self.now = min(until, max(self.now, self.session.deadline))
            self.tick(market_active=market_active)

    def tick(self, *, market_active: bool = True) -> None:
        for effect in self.session.tick(self.now, market_active=market_active):
            self.effects.append((self.now - 1000.0, effect))

    @property
    def pings(self) -> list[float]:
        return [at for at, effect in self.effects if isinstance(effect, Send)]


@pytest.mark.parametrize("name", [name for name in STREAMS if name != "transcripts"])
def test_enveloped_streams_ask_for_the_replay(name: str) -> None:
    assert opening(STREAMS[name], TranscriptsFeed(), replay=True) == ["replay"]
    assert opening(STREAMS[name], TranscriptsFeed(), replay=False) == []


@pytest.mark.parametrize(
    ("settings", "commands"),
    [
        ({}, ['{"action":"subscribe","ticker":"*"}']),
        ({"mock": True}, ['{"action":"subscribe","ticker":"*","mock":true}']),
        ({"key": "symbol"}, ['{"action":"subscribe","symbol":"*"}']),
        ({"tickers": ["A", "B"]}, ['{"action":"subscribe","ticker":"A"}', '{"action":"subscribe","ticker":"B"}']),
    ],
)
def test_transcripts_subscribe_to_every_ticker(settings: dict[str, object], commands: list[str]) -> None:
    assert opening(TRANSCRIPTS, TranscriptsFeed.model_validate(settings), replay=False) == commands


@pytest.mark.parametrize(("name", "text"), [("news", "ping"), ("transcripts", '{"action":"ping"}')])
def test_a_ping_is_sent_every_interval(name: str, text: str) -> None:
    driver = Driver(settle=None, name=name)
    driver.run(INTERVAL)
    for _ in range(3):
        driver.run(1.5)
        assert driver.session.pong(driver.now) == pytest.approx(1.5)
        driver.run(INTERVAL - 1.5)
    assert driver.effects == [(at, Send(text)) for at in (30.0, 60.0, 90.0, 120.0)]


def test_a_pong_that_does_not_come_ends_the_connection() -> None:
    driver = Driver(settle=None)
    driver.run(1000)
    (_, ping), (at, end) = driver.effects
    assert ping == Send("ping")
    assert at == INTERVAL + TIMEOUT
    assert isinstance(end, End)
    assert end.ending.kind is Kind.PONG_TIMEOUT
    assert driver.session.ending is end.ending


def test_a_pong_nobody_asked_for_is_ignored() -> None:
    driver = Driver()
    assert driver.session.pong(driver.now) is None
    driver.run(INTERVAL)
    assert driver.session.pong(driver.now) is not None
    assert driver.session.pong(driver.now) is None


def test_the_settle_window_closes_once_and_on_time() -> None:
    driver = Driver()
    assert driver.session.settling
    driver.run(20)
    assert driver.effects == [(SETTLE, Settled())]
    assert not driver.session.settling


def test_a_connection_without_replay_has_no_settle_window() -> None:
    driver = Driver(settle=None)
    driver.run(20)
    assert driver.effects == []


def test_backpressure_stretches_the_settle_window() -> None:
    driver = Driver()
    driver.run(1)
    driver.session.pause(driver.now)
    driver.run(100)
    assert driver.effects == []
    driver.session.resume(driver.now)
    driver.run(10)
    assert (SETTLE + 100, Settled()) in driver.effects


def test_a_replay_that_waits_in_the_socket_is_read_before_the_settle_window_ends() -> None:
    driver = Driver()
    driver.now += 2.9  # the loop stood still, for less than a process that was stopped
    assert driver.session.tick(driver.now, market_active=True, input_pending=True) == []
    assert driver.session.settling
    driver.now += 2.9
    assert driver.session.tick(driver.now, market_active=True, input_pending=True) == [Settled()]


def test_a_long_pause_leaves_time_to_read_the_pong() -> None:
    driver = Driver(settle=None)
    driver.run(INTERVAL + TIMEOUT - 0.1)
    driver.session.pause(driver.now)
    driver.run(600)
    driver.session.resume(driver.now)
    driver.run(TIMEOUT - 0.2)
    assert driver.session.ending is None
    driver.run(1)
    assert driver.session.ending is not None


def test_what_waits_in_the_socket_is_read_before_the_pong_is_missed() -> None:
    driver = Driver(settle=None)
    driver.run(INTERVAL + TIMEOUT - 0.1)
    for _ in range(60):
        driver.now = max(driver.now, driver.session.deadline)
        assert driver.session.tick(driver.now, market_active=True, input_pending=True) == []
    assert driver.now < 1000 + INTERVAL + TIMEOUT + 65  # it was asked again about every second
    driver.run(2)
    assert driver.session.ending is not None


def test_a_sink_that_is_often_full_for_a_moment_does_not_hide_a_dead_feed() -> None:
    driver = Driver(settle=None)
    while driver.session.ending is None and driver.now < 1100:
        driver.run(0.01)
        driver.session.pause(driver.now)
        driver.now += 0.001
        driver.session.resume(driver.now)
    assert 1000 + INTERVAL + TIMEOUT <= driver.now <= 1000 + INTERVAL + TIMEOUT * 1.3


@pytest.mark.parametrize("stopped_at", [5.0, 29.9, 30.5, 39.9])
@pytest.mark.parametrize("seconds", [4.0, 11.0, 3600.0])
def test_a_stopped_process_reads_what_waits_before_it_judges(stopped_at: float, seconds: float) -> None:
    driver = Driver(settle=None)
    driver.run(stopped_at)
    driver.now += seconds
    driver.tick()  # the loop wakes up
    assert driver.session.ending is None
    driver.run(min(seconds, TIMEOUT) * 0.9)
    assert driver.session.ending is None
    driver.session.pong(driver.now)
    alive(driver, 3 * INTERVAL)
    assert driver.session.ending is None


def test_silence_ends_the_connection_with_growing_patience() -> None:
    driver = Driver(settle=None, idle=100)
    for patience in (100, 200, 400):
        began = driver.now
        alive(driver, 10_000)
        assert driver.session.ending is not None
        assert driver.session.ending.kind is Kind.IDLE
        assert f"{patience} s" in driver.session.ending.detail
        assert driver.now - began == pytest.approx(patience, abs=1.5)
        driver = reconnected(driver)


def test_a_message_restores_the_patience_but_a_replayed_one_does_not() -> None:
    driver = Driver(settle=None, idle=100)
    alive(driver, 10_000)
    driver = reconnected(driver, settle=SETTLE)
    driver.session.message()
    alive(driver, 10)
    assert driver.idle.patience == 200
    driver.session.message()
    alive(driver, 10)
    assert driver.idle.patience == 100
    alive(driver, 80)
    assert driver.session.ending is None


def test_only_market_hours_count_as_silence() -> None:
    driver = Driver(settle=None, idle=100)
    alive(driver, 5_000, market_active=False)
    assert driver.session.ending is None
    alive(driver, 102)
    assert driver.session.ending is not None


def alive(driver: Driver, seconds: float, *, market_active: bool = True) -> None:
    """Let `seconds` pass with a feed that answers every ping."""
    until = driver.now + seconds
    while driver.now < until and driver.session.ending is None:
        driver.run(min(1.0, until - driver.now), market_active=market_active)
        driver.session.pong(driver.now)


def reconnected(driver: Driver, *, settle: float | None = None) -> Driver:
    """The same stream's next connection."""
    following = Driver(settle=settle)
    following.idle = driver.idle
    heartbeat = Heartbeat(interval=timedelta(seconds=INTERVAL), timeout=timedelta(seconds=TIMEOUT))
    following.session = Session(NEWS, heartbeat, driver.idle, settle=settle, now=following.now)
    return following


@given(
    st.lists(
        st.tuples(st.sampled_from(["run", "pause", "stop"]), st.floats(0.001, 120)),
        max_size=60,
    )
)
def test_a_feed_that_answers_is_never_left_and_settles_once(steps: list[tuple[str, float]]) -> None:
    """Whatever we do to ourselves: the pong is in the socket 0.5 s after the ping, and we read it when we read."""
    driver = Driver()
    for step, seconds in steps:
        if step == "run":
            until = driver.now + seconds
            while driver.now < until:
                driver.run(min(0.5, until - driver.now))
                driver.session.pong(driver.now)
        elif step == "pause":
            driver.session.pause(driver.now)
            driver.run(seconds)
            driver.session.resume(driver.now)
        else:
            driver.now += seconds
            driver.tick()
        assert driver.session.ending is None
    driver.run(5)
    driver.session.pong(driver.now)
    driver.run(5)
    assert [effect for _, effect in driver.effects].count(Settled()) == 1


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_ticking_never_stands_still(interval: float, timeout: float) -> None:
    """However the heartbeat is set, every deadline is reached in a bounded number of ticks."""
    heartbeat = Heartbeat(interval=timedelta(seconds=interval), timeout=timedelta(seconds=timeout))
    now = 0.0
    session = Session(NEWS, heartbeat, IdleWatch(1e9), settle=None, now=now)
    ticks = 0
    while session.ending is None:
        now = max(now, session.deadline)
        session.tick(now, market_active=False)
        ticks += 1
        assert ticks <= 10 + (interval + timeout) / min(1, interval / 4, timeout / 4)
    assert now == pytest.approx(interval + timeout, abs=1e-3)
