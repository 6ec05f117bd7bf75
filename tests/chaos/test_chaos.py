"""The short part of `make chaos`: one broker, two sources, one processor, three streams, a fixed seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.plan import Shape
from tests.chaos.report import failed, lines
from tests.chaos.run import Run
from tests.chaos.world import World

if TYPE_CHECKING:
    from pathlib import Path

SEED = 3
STREAMS = ["ratings", "news", "transcripts"]


@pytest.mark.slow
@pytest.mark.kafka
def test_half_a_minute_of_faults_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    shape = Shape(18.0, sources=2, streams=len(STREAMS), short=True, every=1.0)
    with World(tmp_path, SEED, STREAMS, source_count=2) as world:
        outcome = Run(world, shape).run()
    assert not failed(outcome), "\n".join(lines(outcome, f"pytest tests/chaos, seed {SEED}"))
    assert outcome.done["source.kill"] > 0
    assert outcome.done["broker.kill"] > 0
