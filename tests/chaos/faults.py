"""What each kind of fault does to the world, and how everything is mended at the end."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException, Producer

from connector.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.simulator import Simulator
    from tests.chaos.plan import Fault
    from tests.chaos.proxy import Way
    from tests.chaos.world import Member, World

BURST = 60
"""Messages around a kill: fewer than a replay brings back."""

FLOOD = 150
"""Messages at once, more than a replay brings back."""

CLOSE_CODES = (1000, 1001, 1008, 1011, 1012, 1013, 4001)
STATUSES = (401, 403, 404, 429, 500, 502, 503)
STOP_SECONDS = 60.0
NOTICED_SECONDS = 8.0
"""Within which a stream has an owner again, and an owner notices that it was fenced."""
BROKER_SECONDS = 180.0


class Skipped(Exception):  # noqa: N818 - not an error
    """There was nothing to break: it was broken already."""


class Faults:
    """Carries out a schedule's faults, each in a thread of its caller's."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._brokers = threading.Lock()
        self._envelopes = [stream for stream in world.streams if STREAMS[stream].has_replay]

    def carry_out(self, fault: Fault) -> None:
        """Break it, wait, mend it. Raises Skipped."""
        target, _, what = fault.kind.partition(".")
        handler: Callable[[Fault, str], None] = getattr(self, f"_{target.replace('-', '_')}")
        handler(fault, what)

    # Processes

    def _source(self, fault: Fault, what: str) -> None:
        if what == "fence":
            self._fence(fault)
        else:
            self._process(self._world.sources[fault.target], fault, what)

    def _processor(self, fault: Fault, what: str) -> None:
        self._process(self._world.processors[fault.target], fault, what)

    def _process(self, member: Member, fault: Fault, what: str) -> None:
        dice = random.Random(fault.seed)
        if not member.lock.acquire(blocking=False):
            raise Skipped
        try:
            if not member.process.running:
                raise Skipped
            member.down = True
            if what == "kill":
                self._burst(dice)
                time.sleep(dice.uniform(0.02, 0.12))
                member.process.kill()
            elif what == "stop":
                member.exits.append(member.process.stop(STOP_SECONDS))
            else:
                member.process.pause()
            time.sleep(fault.seconds)
            if what == "pause":
                member.process.resume()
            else:
                member.process.start()
            member.down = False
        finally:
            member.lock.release()

    def _burst(self, dice: random.Random) -> None:
        """Several streams are busy, so that the kill hits open transactions."""
        streams = dice.sample(self._world.streams, min(3, len(self._world.streams)))
        feeder = self._world.feeder
        for stream in streams:
            self._feed_call(lambda simulator, stream=stream: simulator.spawn(feeder.burst(stream, BURST)))  # type: ignore[misc]

    def _fence(self, fault: Fault) -> None:
        """Somebody else runs `init_transactions` with our id under a transaction, and goes away again."""
        stream = self._world.streams[fault.target]
        owner = self._owner(stream)
        try:
            feeder = self._world.feeder
            self._feed_call(lambda simulator: simulator.spawn(feeder.burst(stream, BURST)))
            thief = Producer(
                {
                    "bootstrap.servers": self._world.kafka.bootstrap_servers,
                    "transactional.id": self._world.topic(stream),
                    "log_level": 0,
                }
            )
            before = len(owner.process.events("stream.fenced"))
            try:
                thief.init_transactions(10)
            except KafkaException as error:  # the brokers are away just now
                raise Skipped from error
            deadline = time.monotonic() + NOTICED_SECONDS
            while len(owner.process.events("stream.fenced")) == before and time.monotonic() < deadline:
                time.sleep(0.2)
        finally:
            owner.lock.release()

    def _owner(self, stream: str) -> Member:
        """Who publishes the stream, kept from being killed for now."""
        deadline = time.monotonic() + NOTICED_SECONDS
        while time.monotonic() < deadline:
            for member in self._world.sources:
                if member.lock.acquire(blocking=False):
                    if member.process.running and member.process.metric("benzinga_source_owned", stream=stream) == 1:
                        return member
                    member.lock.release()
            time.sleep(0.2)
        raise Skipped

    # Brokers

    def _broker(self, fault: Fault, what: str) -> None:
        broker = self._world.kafka.broker(fault.target)
        if not self._brokers.acquire(blocking=False):
            raise Skipped  # the one before has not started yet
        try:
            if what == "kill":
                broker.kill()
            elif what == "stop":
                broker.stop()
            else:
                broker.pause()
            time.sleep(fault.seconds)
            if what == "pause":
                broker.resume()
            else:
                broker.start(timeout=BROKER_SECONDS)
        finally:
            self._brokers.release()

    # Ways

    def _feed_way(self, fault: Fault, what: str) -> None:
        way = self._world.sources[fault.target].feed_way
        if way is not None:
            _break(way, fault, what)

    def _kafka_way(self, fault: Fault, what: str) -> None:
        _break(self._world.sources[fault.target].kafka_way, fault, what)

    def _processor_way(self, fault: Fault, what: str) -> None:
        _break(self._world.processors[fault.target].kafka_way, fault, what)

    # The feed

    def _feed(self, fault: Fault, what: str) -> None:
        dice = random.Random(fault.seed)
        if what in {"new-ids", "new-first", "forget"}:
            self._replay(fault, what, self._envelopes[fault.target])
            return
        stream = self._world.streams[fault.target]
        if what in {"stall", "mute-pong"}:
            self._lasting(fault, what, stream)
            return
        feeder = self._world.feeder
        acts: dict[str, Callable[[Simulator], object]] = {
            "drop": lambda sim: sim.faults.drop(stream, dice.choice(("reset", "fin", "clean"))),
            "close": lambda sim: sim.faults.close(stream, dice.choice(CLOSE_CODES)),
            "half-open": lambda sim: sim.faults.half_open(stream),
            "refuse": lambda sim: (
                sim.faults.refuse(stream, dice.choice(STATUSES), dice.randint(1, 3)),
                sim.faults.drop(stream),
            ),
            "accept-then-close": lambda sim: (
                sim.faults.accept_then_close(stream, dice.randint(1, 4)),
                sim.faults.drop(stream),
            ),
            "garbage": lambda sim: [
                sim.faults.garbage(stream, b"\x00\xff" + dice.randbytes(8)),
                sim.faults.garbage(stream, f"<html>{dice.random()}</html>"),
                sim.faults.garbage(stream, f'{{"torn": "{dice.random()}'),
            ],
            "duplicates": lambda sim: self._duplicates(sim, stream, dice),
            "flood": lambda sim: sim.spawn(feeder.burst(stream, FLOOD, rate=2000)),
        }
        self._feed_call(acts[what])

    def _duplicates(self, simulator: Simulator, stream: str, dice: random.Random) -> None:
        places = [n for n, frame in enumerate(simulator.sent(stream)) if frame.kind == "message"]
        for place in dice.sample(places[-60:], min(5, len(places))):
            simulator.faults.duplicate(stream, place)

    def _lasting(self, fault: Fault, what: str, stream: str) -> None:
        if what == "stall":
            self._feed_call(lambda sim: sim.faults.stall(stream))
            time.sleep(fault.seconds)
            self._feed_call(lambda sim: sim.faults.resume(stream))
        else:
            self._feed_call(lambda sim: sim.faults.mute_pong(stream))
            time.sleep(fault.seconds)
            self._feed_call(lambda sim: sim.faults.mute_pong(stream, mute=False))

    def _replay(self, fault: Fault, what: str, stream: str) -> None:
        if what == "forget":
            self._feed_call(lambda sim: (sim.faults.forget(stream), sim.faults.drop(stream)))
            return
        new_ids, order = what == "new-ids", "new-first" if what == "new-first" else "old-first"
        self._feed_call(lambda sim: (sim.faults.replay(new_ids=new_ids, order=order), sim.faults.drop(stream)))  # type: ignore[arg-type]
        time.sleep(fault.seconds)
        self._feed_call(lambda sim: (sim.faults.drop(stream), sim.faults.replay(new_ids=False, order="old-first")))

    def _feed_call(self, act: Callable[[Simulator], object]) -> None:
        self._world.feed.call(act)

    # The end

    def mend(self) -> None:
        """Whatever is still broken is mended; every process runs."""
        for member in self._world.members:
            for way in (member.kafka_way, member.feed_way):
                if way is not None:
                    way.flow()
                    way.refuse(False)
        for broker in self._world.kafka.brokers:
            if not broker.running:
                broker.start(timeout=BROKER_SECONDS)
            broker.resume()

        def feed(simulator: Simulator) -> None:
            simulator.faults.replay(new_ids=False, order="old-first")
            for stream in self._world.streams:
                simulator.faults.mute_pong(stream, mute=False)
                simulator.faults.accept_then_close(stream, 0)
                simulator.admission.planned.pop(stream, None)
                simulator.faults.resume(stream)

        self._feed_call(feed)


def _break(way: Way, fault: Fault, what: str) -> None:
    if what == "cut":
        if not way.cut():
            raise Skipped
    elif what == "half-open":
        if not way.half_open():
            raise Skipped
    elif what == "stall":
        way.stall()
        time.sleep(fault.seconds)
        way.flow()
    else:
        way.refuse(True)
        time.sleep(fault.seconds)
        way.refuse(False)
