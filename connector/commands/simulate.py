"""`benzinga-kafka simulate`: a faithful Benzinga WebSocket server for development and tests."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from connector.commands.output import emit_json
from connector.commands.setup import ConfigFile, begin
from connector.errors import ConfigurationError
from connector.logs import add_secret, get_logger
from connector.settings import parse_duration
from connector.simulator import DEFAULT_TOKEN, SCENARIOS, Oddities, Simulator, SimulatorSettings
from connector.simulator.prepared import saturate
from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.settings import FeedSettings
    from connector.simulator import Scenario

log = get_logger(__name__)

_HISTORY = 1000
"""Frames a stream keeps in memory; a run may last for days."""


def _duration(text: str) -> timedelta:
    value = parse_duration(text)
    if not isinstance(value, timedelta):
        raise TypeError(text)
    return value


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one run does."""

    settings: SimulatorSettings
    scenario: Scenario
    streams: tuple[str, ...]
    speed: float
    rate: float | None
    prepared: int | None
    size: int | None
    drop_every: float


def simulate(
    *,
    config: ConfigFile = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8765,
    scenario: Annotated[str, typer.Option(help=f"Kind of day: {', '.join(SCENARIOS)}.")] = "busy",
    stream: Annotated[
        list[str] | None, typer.Option("--stream", help="Stream with traffic; may be repeated. Default: all.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.001, help="Multiplies the scenario's rates.")] = 1.0,
    rate: Annotated[
        float | None, typer.Option(min=0, help="Messages a second on every stream, instead of the scenario's.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same messages.")] = 0,
    clean: Annotated[bool, typer.Option("--clean", help="Without oddities.")] = False,
    faithful: Annotated[
        bool, typer.Option("--faithful", help="Refuse as slowly, and free slots as late, as the feed does.")
    ] = False,
    drop_every: Annotated[
        timedelta | None, typer.Option(parser=_duration, metavar="DURATION", help="Reset every connection so often.")
    ] = None,
    prepared: Annotated[
        int | None,
        typer.Option(min=1, help="Send so many cheap, clean messages to each client as fast as it takes them."),
    ] = None,
    size: Annotated[int | None, typer.Option(min=300, help="Bytes of a prepared message, about.")] = None,
    record: Annotated[Path | None, typer.Option(help="Write every published frame here, as JSON lines.")] = None,
) -> None:
    """Serve all seven streams on loopback, as oddly as the real feed, until it is interrupted.

    The API key that is let in is that of the settings (`feed.token`), else bz.simulator0000token.
    Standard output gets one JSON object when it listens and one when it ends.
    """
    streams = tuple(dict.fromkeys(stream or STREAMS))
    offer = ", ".join(STREAMS)
    problems = [f"--stream {name}: no such stream; there are {offer}" for name in streams if name not in STREAMS]
    if scenario not in SCENARIOS:
        problems.append(f"--scenario {scenario}: no such scenario; there are {', '.join(SCENARIOS)}")
    if record is not None and not record.parent.is_dir():
        problems.append(f"--record {record}: there is no folder {record.parent}; create it or choose another")
    if problems:
        raise ConfigurationError(problems)
    configured = begin(config, kind="service")
    day = SCENARIOS[scenario]
    if clean:
        day = replace(day, oddities=Oddities.clean())
    settings = replace(
        SimulatorSettings.faithful() if faithful else SimulatorSettings(),
        host=host,
        port=port,
        token=_token(configured.feed) or DEFAULT_TOKEN,
        record=record,
        seed=seed,
        history=_HISTORY,
    )
    seconds = drop_every.total_seconds() if drop_every else 0.0
    plan = _Plan(settings, day, streams, speed, rate, prepared, size, seconds)
    try:
        asyncio.run(_serve(plan))
    except OSError as error:
        if error.filename is not None:
            raise ConfigurationError([f"--record {record}: cannot be written: {error.strerror}"]) from error
        raise ConfigurationError(
            [f"--host {host} --port {port}: cannot listen there: {error.strerror}; choose another port"]
        ) from error


def _token(feed: FeedSettings) -> str | None:
    return feed.read_token() if feed.token or feed.token_file else None


async def _serve(plan: _Plan) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _once(loop, stop, number))
    add_secret(plan.settings.token)
    async with Simulator(plan.settings) as feed:
        emit_json({"event": "listening", "url": feed.url})
        log.info("simulator.listening", url=feed.url, streams=",".join(plan.streams))
        work = _start(feed, plan)
        await stop.wait()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        emit_json(
            {
                "event": "ended",
                "streams": {
                    name: {
                        "published": channel.published,
                        "delivered": channel.delivered,
                        "replayed": channel.replayed,
                        "connections": channel.connections,
                        "most_clients": channel.most_clients,
                    }
                    for name, channel in feed.channels.items()
                },
            }
        )


def _start(feed: Simulator, plan: _Plan) -> list[asyncio.Task[None]]:
    """Begin the traffic and what disturbs it."""
    work = []
    if plan.prepared is not None:
        work += [asyncio.create_task(_saturate(feed, name, plan)) for name in plan.streams]
    elif plan.rate is not None:
        for name in plan.streams:
            if plan.rate:
                feed.traffic.start(name, plan.rate, oddities=plan.scenario.oddities, calls=plan.scenario.calls)
    else:
        feed.traffic.start_scenario(plan.scenario, plan.streams, plan.speed)
    if plan.drop_every:
        work += [asyncio.create_task(feed.faults.drop_every(name, plan.drop_every)) for name in plan.streams]
    return work


async def _saturate(feed: Simulator, stream: str, plan: _Plan) -> None:
    result = await saturate(feed, stream, plan.prepared or 0, rate=plan.rate or 0.0, size=plan.size)
    emit_json({"event": "sent", **asdict(result)})


def _once(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, number: signal.Signals) -> Callable[[], None]:
    """The first signal ends the run in order; a second one meets Python's own handler and stops at once."""

    def handle() -> None:
        stop.set()
        with contextlib.suppress(ValueError):
            loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)

    return handle
