"""Ready-made kinds of day for `benzinga-kafka simulate` and the demo."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from connector.simulator.oddities import Oddities


@dataclass(frozen=True, slots=True)
class Scenario:
    """How much of what is sent, and what goes wrong."""

    about: str
    rates: dict[str, float]
    """Stream → messages a second."""

    calls: int = 3
    """Earnings calls at once."""

    questions: int = 4
    """Analysts who get to ask on each call."""

    oddities: Oddities = field(default_factory=Oddities.all)
    fault_every: float = 0.0
    """Mean seconds between two random faults of a stream; 0: none."""


SCENARIOS: Final[dict[str, Scenario]] = {
    "calm": Scenario(
        "a quiet afternoon",
        {
            "insights": 0.2, "ratings": 0.3, "consensus": 0.2, "earnings": 0.2, "bulls-bears": 0.1, "news": 0.5,
            "transcripts": 1.0,
        },
        calls=1,
    ),
    "busy": Scenario(
        "the market opens",
        {
            "insights": 2.0, "ratings": 4.0, "consensus": 2.0, "earnings": 2.0, "bulls-bears": 1.0, "news": 6.0,
            "transcripts": 3.0,
        },
    ),
    "earnings-season": Scenario(
        "many calls at the same time",
        {
            "insights": 1.0, "ratings": 2.0, "consensus": 1.0, "earnings": 5.0, "bulls-bears": 0.5, "news": 5.0,
            "transcripts": 12.0,
        },
        calls=12,
        questions=8,
    ),
    "chaos": Scenario(
        "busy, with garbage among the frames and faults at random",
        {
            "insights": 2.0, "ratings": 4.0, "consensus": 2.0, "earnings": 2.0, "bulls-bears": 1.0, "news": 6.0,
            "transcripts": 6.0,
        },
        oddities=Oddities.everything(),
        fault_every=20.0,
    ),
}  # fmt: skip
