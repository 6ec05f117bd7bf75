"""Thousands of lives of a source in seconds: whatever comes in whatever order, the contract's delivery rules hold."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

import pytest
import structlog

from connector.mapping.decoder import Decoder
from connector.source import pipeline
from tests.simulation.checks import problems
from tests.simulation.source_model import SourceModel, Variant

if TYPE_CHECKING:
    from collections.abc import Iterator

SEEDS = 120
STEPS = 70

VARIANTS = [
    Variant(),
    Variant(new_ids=True),
    Variant(order="new-first"),
    Variant(interleaved=True),
    Variant(order="shuffled", interleaved=True),
    Variant(order="shuffled", new_ids=True, interleaved=True, disks=0),
    Variant(disks=0),
    Variant(disks=2),
    Variant(clock_jumps=True),
    Variant("transcripts"),
    Variant("transcripts", disks=0),
    Variant("transcripts", disks=2),
]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What every life would log is of no interest, and its decoder is like any other's."""
    monkeypatch.setattr(pipeline, "Decoder", cache(Decoder))
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=False
    )
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_life_of_faults(variant: Variant) -> None:
    crashes = 0
    for seed in range(SEEDS):
        model = SourceModel(seed, variant)
        for _ in range(STEPS):
            model.step()
        model.finish()
        found = problems(model)
        assert not found, f"seed {seed}: {found[:5]}\n{model.steps}"
        crashes += model.crashes
    assert crashes > SEEDS
