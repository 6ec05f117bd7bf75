"""The short part of `make chaos`: one broker, one source, one processor, three streams, a fixed seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.plan import Shape
from tests.chaos.report import lines
from tests.chaos.run import Run
from tests.chaos.world import World

if TYPE_CHECKING:
    from pathlib import Path

SEED = 3
STREAMS = ["ratings", "news", "transcripts"]


@pytest.mark.slow
@pytest.mark.kafka
def test_half_a_minute_of_faults_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    shape = Shape(16.0, streams=len(STREAMS), short=True, every=1.0)
    with World(tmp_path, SEED, STREAMS) as world:
        outcome = Run(world, shape).run()
    assert not outcome.violations, "\n".join(lines(outcome, f"pytest tests/chaos, seed {SEED}"))
    assert outcome.done["source.kill"] > 0
    assert outcome.done["source.fence"] > 0
    # And the faults really happened. Whether a kill cuts a transaction off is chance here; ten minutes demand that too.
    assert outcome.verdict is not None
    assert outcome.verdict.recoveries["fencings"] > 0
    assert outcome.verdict.recoveries["entries recovered from journals"] > 0
