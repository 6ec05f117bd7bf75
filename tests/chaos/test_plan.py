"""The schedule follows from its seed, breaks everything there is, and never two brokers at once."""

from __future__ import annotations

from itertools import pairwise

from tests.chaos.faults import Faults
from tests.chaos.plan import KINDS, QUIET, ROUND, Shape, plan

LONG = Shape(600.0, brokers=3, sources=2, processors=2)


def test_the_same_seed_gives_the_same_schedule_and_another_one_another() -> None:
    assert plan(7, LONG) == plan(7, LONG)
    assert plan(7, LONG) != plan(8, LONG)


def test_ten_minutes_break_everything_in_every_way() -> None:
    for seed in range(20):
        assert {fault.kind for fault in plan(seed, LONG)} == {kind.name for kind in KINDS}


def test_of_three_brokers_one_is_away_at_a_time() -> None:
    for seed in range(50):
        faults = [fault for fault in plan(seed, LONG) if fault.kind.startswith("broker.")]
        for one, other in pairwise(faults):
            assert one.at + one.seconds < other.at


def test_every_round_ends_in_quiet_and_every_target_exists() -> None:
    for fault in plan(3, LONG):
        assert fault.at % ROUND <= ROUND - QUIET
        assert 0 <= fault.target < 7
        if fault.kind.startswith(("source.k", "source.p", "processor")):
            assert fault.target < 2


def test_the_short_run_kills_fences_and_cuts() -> None:
    kinds = {fault.kind for fault in plan(1, Shape(40.0, short=True, every=1.0))}
    assert {"source.kill", "source.fence", "processor.kill", "kafka-way.cut"} <= kinds
    assert kinds <= {kind.name for kind in KINDS if kind.short}


def test_every_kind_is_carried_out_by_something() -> None:
    for kind in KINDS:
        assert hasattr(Faults, f"_{kind.name.partition('.')[0].replace('-', '_')}"), kind.name
