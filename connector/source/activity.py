"""What the streams did within the last minute, as differences of what the metrics count: no message pays for it."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prometheus_client import Counter

    from connector.histogram import Histogram
    from connector.metrics import SourceMetrics

SPAN: Final = 60.0
EVERY: Final = 5.0
"""Seconds that are looked back over, and between two samples."""


class Totals(NamedTuple):
    """Of one stream, since the process started."""

    received: float = 0.0
    published: float = 0.0
    duplicates: float = 0.0
    dead_letters: float = 0.0
    gaps: float = 0.0
    feed_lag: tuple[float, float] = (0.0, 0.0)
    publish: tuple[float, float] = (0.0, 0.0)
    """How many observations, and the sum of them in seconds."""


class Activity:
    """Rates, mean lags and counts of every stream. Sampled in one thread, asked from any."""

    def __init__(
        self, metrics: SourceMetrics, streams: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics = metrics
        self._streams = tuple(streams)
        self._clock = clock
        self._samples: deque[tuple[float, dict[str, Totals]]] = deque([(clock(), self._read())])

    async def run(self) -> None:
        """Sample, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            self.sample()

    def sample(self) -> None:
        """Take note of how far everything has come; drop what is older than the span."""
        now = self._clock()
        self._samples.append((now, self._read()))
        while len(self._samples) > 1 and now - self._samples[1][0] >= SPAN:
            self._samples.popleft()

    def status(self) -> dict[str, dict[str, Any]]:
        """What `/status` tells, by stream: per second and means over the last minute, counts since the start."""
        since, before = self._samples[0]
        seconds = max(self._clock() - since, 1.0)
        return {stream: _difference(before[stream], totals, seconds) for stream, totals in self._read().items()}

    def _read(self) -> dict[str, Totals]:
        metrics = self._metrics
        received, published = _by_stream(metrics.messages_received), _by_stream(metrics.records_published)
        duplicates = _by_stream(metrics.duplicates)
        dead_letters, gaps = _by_stream(metrics.dead_letters), _by_stream(metrics.gaps)
        return {
            name: Totals(
                received[name],
                published[name],
                duplicates[name],
                dead_letters[name],
                gaps[name],
                _observed(metrics.feed_lag, name),
                _observed(metrics.publish, name),
            )
            for name in self._streams
        }


def _difference(before: Totals, now: Totals, seconds: float) -> dict[str, Any]:
    return {
        "rates": {
            "received": round((now.received - before.received) / seconds, 3),
            "published": round((now.published - before.published) / seconds, 3),
        },
        "lag": {
            "feed_seconds": _mean(now.feed_lag, before.feed_lag),
            "publish_seconds": _mean(now.publish, before.publish),
        },
        "counts": {
            "received": int(now.received),
            "published": int(now.published),
            "duplicates": int(now.duplicates),
            "dead_letters": int(now.dead_letters),
            "gaps": int(now.gaps),
        },
    }


def _by_stream(family: Counter) -> defaultdict[str, float]:
    """Over every other label; audio events are no messages."""
    totals: defaultdict[str, float] = defaultdict(float)
    for metric in family.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total") and sample.labels.get("action") != "audio":
                totals[sample.labels["stream"]] += sample.value
    return totals


def _observed(family: Histogram, stream: str) -> tuple[float, float]:
    counts, total = family.labels(stream).read()
    return float(counts[-1]), total


def _mean(now: tuple[float, float], before: tuple[float, float]) -> float | None:
    """In seconds; None where nothing was observed in between."""
    count = now[0] - before[0]
    return (now[1] - before[1]) / count if count else None
