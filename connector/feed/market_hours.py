"""When US markets are active: weekdays 04:00 to 20:00 in New York (pre-market to after-hours), holidays excepted.

Holidays are those of NYSE Rule 7.2, computed. Early closes and unscheduled closures are not known here: who asks
must bear an hour too many.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

_NEW_YORK: Final = ZoneInfo("America/New_York")
_OPENS: Final = 4
_CLOSES: Final = 20
_MONDAY, _THURSDAY, _FRIDAY, _SATURDAY, _SUNDAY = 0, 3, 4, 5, 6
_FIRST_JUNETEENTH: Final = 2022


def is_active(at: float) -> bool:
    """Whether US markets are active at `at`, seconds since the epoch."""
    local = datetime.fromtimestamp(at, UTC).astimezone(_NEW_YORK)
    return (
        local.weekday() <= _FRIDAY
        and _OPENS <= local.hour < _CLOSES
        and local.date() not in holidays(local.year)
    )  # fmt: skip


def active_seconds(since: float, until: float) -> float:
    """How much of the time from `since` to `until`, seconds since the epoch, US markets were active."""
    first, last = (datetime.fromtimestamp(at, UTC).astimezone(_NEW_YORK).date() for at in (since, until))
    active = 0.0
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        opens, closes = (datetime.combine(day, time(hour), _NEW_YORK).timestamp() for hour in (_OPENS, _CLOSES))
        if is_active(opens):
            active += max(0.0, min(until, closes) - max(since, opens))
    return active


@lru_cache(maxsize=8)
def holidays(year: int) -> frozenset[date]:
    """The weekdays of `year` on which US markets stay closed."""
    days = {
        _nth(year, 1, _MONDAY, 3),  # Martin Luther King Jr. Day
        _nth(year, 2, _MONDAY, 3),  # Washington's Birthday
        _easter(year) - timedelta(days=2),  # Good Friday
        _last_monday(year, 5),  # Memorial Day
        _observed(date(year, 7, 4)),
        _nth(year, 9, _MONDAY, 1),  # Labor Day
        _nth(year, 11, _THURSDAY, 4),  # Thanksgiving
        _observed(date(year, 12, 25)),
    }
    if year >= _FIRST_JUNETEENTH:
        days.add(_observed(date(year, 6, 19)))
    # A New Year's Day on a Saturday is not observed: the Friday before closes the accounting year.
    if (new_year := date(year, 1, 1)).weekday() != _SATURDAY:
        days.add(_observed(new_year))
    return frozenset(days)


def _observed(day: date) -> date:
    if day.weekday() == _SATURDAY:
        return day - timedelta(days=1)
    if day.weekday() == _SUNDAY:
        return day + timedelta(days=1)
    return day


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _last_monday(year: int, month: int) -> date:
    last = date(year, month + 1, 1) - timedelta(days=1)
    return last - timedelta(days=last.weekday())


def _easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm (Meeus, Jones, Butcher)."""
    golden = year % 19
    century, rest = divmod(year, 100)
    leap, century_rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap - correction + 15) % 30
    quarter, quarter_rest = divmod(rest, 4)
    weekday = (32 + 2 * century_rest + 2 * quarter - epact - quarter_rest) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)
