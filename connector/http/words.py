"""How the status page says instants, durations and amounts. Pure; the template's filters."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_STEPS: Final = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
_KIBI: Final = 1024
_RECENT_GAPS: Final = 10

_KINDS: Final = {
    "live": "good", "publishing": "good", "settling": "good",
    "doubtful": "warn", "contested": "warn",
    "connecting": "warn", "waiting": "warn", "fencing": "warn", "reading_tail": "warn", "restoring": "warn",
    "refused": "bad", "failed": "bad", "fenced": "bad",
}  # fmt: skip


def kind(state: object) -> str:
    """How a state is shown; `idle` where it is neither good nor bad: a standby, a stream that was taken over."""
    return _KINDS.get(str(state), "idle")


def shown(stream: Mapping[str, Any]) -> dict[str, Any]:
    """Of a stream, the state that tells most: its socket's, once Kafka's side is in order."""
    feed = stream.get("feed") or {}
    state, since = stream.get("state"), stream.get("since")
    if state == "publishing" and feed:
        state, since = feed.get("state"), feed.get("since")
    return {"state": state or "unknown", "since": since, "kind": kind(state)}


def owner(stream: Mapping[str, Any], instance: str) -> str:
    """Who has a stream, in the eyes of the process `instance`; empty where nobody is known to."""
    claim = stream.get("owner") or {}
    if claim.get("released_at"):
        return f"nobody since {clock(claim['released_at'])}"
    name = str(claim.get("instance", ""))
    return "this process" if name and name == instance else name


def gaps(streams: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The last gaps of all streams, the newest first."""
    found = [{"stream": name, **gap} for name, stream in streams.items() for gap in stream.get("gaps") or ()]
    return sorted(found, key=lambda gap: str(gap.get("detected_at")), reverse=True)[:_RECENT_GAPS]


def clock(instant: str) -> str:
    """The time of day, `15:47:37`."""
    return f"{datetime.fromisoformat(instant):%H:%M:%S}"


def ago(instant: str, now: datetime) -> str:
    """`12 s ago`; `in 12 s` where it is yet to come."""
    distance = now - datetime.fromisoformat(instant)
    if distance < timedelta(0):
        return f"in {_span(-distance.total_seconds())}"
    return "now" if distance < timedelta(seconds=1) else f"{_span(distance.total_seconds())} ago"


def seconds(value: object) -> str:
    """A duration: `0.4 ms`, `12 ms`, `1.3 s`, `4 min`."""
    if not isinstance(value, int | float):
        return ""
    if value < 0.01:  # noqa: PLR2004 - below ten milliseconds a decimal tells something
        return f"{value * 1000:.1f} ms" if value else "0 ms"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 10 else _span(value)  # noqa: PLR2004 - likewise


def number(value: object) -> str:
    """With its thousands apart."""
    return f"{value:,}" if isinstance(value, int) else ""


def rate(value: object) -> str:
    """So many a second."""
    if not isinstance(value, int | float):
        return ""
    return f"{value:,.0f}" if value >= 100 or not value else f"{value:.3g}"  # noqa: PLR2004 - three digits tell enough


def size(value: object) -> str:
    """Bytes: `640 B`, `1.5 MiB`."""
    if not isinstance(value, int | float):
        return ""
    amount, unit = float(value), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if amount < _KIBI:
            break
        amount, unit = amount / _KIBI, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"  # noqa: PLR2004 - likewise


def _span(length: float) -> str:
    for step, unit in _STEPS:
        if length >= step:
            return f"{length / step:.0f} {unit}"
    return f"{length:.0f} s"
