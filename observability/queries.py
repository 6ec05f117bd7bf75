"""PromQL, so that every query selects by the dashboard's variables and every rate has Grafana's interval.

Labels are those a ServiceMonitor gives: `namespace`, `job`, `pod`. A stream is one thing, whichever pod carries it just now: hence
the sums and maxima over pods.
"""

from __future__ import annotations

from typing import Final

CHOSEN: Final = 'namespace=~"$namespace", job=~"$job"'
"""What the variables at the top select."""


def series(metric: str, where: str = "") -> str:
    """The chosen series of `metric`; `where`: further matchers."""
    return f"{metric}{{{CHOSEN}{f', {where}' if where else ''}}}"


def total(expr: str, *by: str) -> str:
    """The sum over everything but the labels `by`."""
    return f"sum{_by(by)}({expr})"


def highest(expr: str, *by: str) -> str:
    """The maximum over everything but the labels `by`: of a gauge that one pod knows and others have at 0."""
    return f"max{_by(by)}({expr})"


def rate(counter: str, *by: str, where: str = "") -> str:
    """Per second, summed up."""
    return total(f"rate({series(counter, where)}[$__rate_interval])", *by)


def grown(counter: str, *by: str, where: str = "", over: str = "$__range") -> str:
    """How much a counter grew within `over`, what a new process had counted before its first scrape included.

    `increase` alone would miss what happened before a series was seen for the first time: a gap said right after a crash.
    """
    one = series(counter, where)
    return total(f"(increase({one}[{over}]) > 0) or ({one} unless {one} offset {over}) or {one} * 0", *by)


def quantile(q: float, histogram: str, *by: str, where: str = "") -> str:
    """A quantile of what was observed lately; `histogram` without `_bucket`."""
    return f"histogram_quantile({q}, {rate(f'{histogram}_bucket', *by, 'le', where=where)})"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)}) " if labels else " "
