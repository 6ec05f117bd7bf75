"""Holidays against the exchange's published calendars, and the hours around the clock changes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connector.feed.market_hours import active_seconds, holidays, is_active

NEW_YORK = ZoneInfo("America/New_York")

# As published by the NYSE.
PUBLISHED = {
    2021: ["01-01", "01-18", "02-15", "04-02", "05-31", "07-05", "09-06", "11-25", "12-24"],
    2022: ["01-17", "02-21", "04-15", "05-30", "06-20", "07-04", "09-05", "11-24", "12-26"],
    2023: ["01-02", "01-16", "02-20", "04-07", "05-29", "06-19", "07-04", "09-04", "11-23", "12-25"],
    2024: ["01-01", "01-15", "02-19", "03-29", "05-27", "06-19", "07-04", "09-02", "11-28", "12-25"],
    2025: ["01-01", "01-20", "02-17", "04-18", "05-26", "06-19", "07-04", "09-01", "11-27", "12-25"],
    2026: ["01-01", "01-19", "02-16", "04-03", "05-25", "06-19", "07-03", "09-07", "11-26", "12-25"],
    2027: ["01-01", "01-18", "02-15", "03-26", "05-31", "06-18", "07-05", "09-06", "11-25", "12-24"],
    2028: ["01-17", "02-21", "04-14", "05-29", "06-19", "07-04", "09-04", "11-23", "12-25"],
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_holidays_are_those_the_exchange_publishes(year: int) -> None:
    assert sorted(holidays(year)) == [date.fromisoformat(f"{year}-{day}") for day in PUBLISHED[year]]


@pytest.mark.parametrize(
    ("local", "active"),
    [
        ("2026-07-02T03:59:59", False),
        ("2026-07-02T04:00:00", True),
        ("2026-07-02T19:59:59", True),
        ("2026-07-02T20:00:00", False),
        ("2026-07-03T12:00:00", False),  # Independence Day, observed
        ("2026-07-04T12:00:00", False),  # a Saturday
        ("2026-07-05T12:00:00", False),  # a Sunday
        ("2026-07-06T12:00:00", True),
        ("2026-01-02T04:00:00", True),  # winter time
        ("2026-03-09T04:00:00", True),  # the first day of summer time
        ("2021-12-31T12:00:00", True),  # New Year's Day 2022 is a Saturday and not observed
    ],
)
def test_hours_are_new_yorks(local: str, *, active: bool) -> None:
    assert is_active(datetime.fromisoformat(local).replace(tzinfo=NEW_YORK).timestamp()) is active


def test_every_holiday_is_a_weekday_of_its_year() -> None:
    for year in range(1990, 2100):
        assert {day.year for day in holidays(year)} == {year}
        assert all(day.weekday() < 5 for day in holidays(year))
        assert 8 <= len(holidays(year)) <= 10


def test_an_ordinary_week_has_eighty_active_hours() -> None:
    start = datetime(2026, 3, 2, tzinfo=NEW_YORK)
    hours = [start + timedelta(hours=n) for n in range(7 * 24)]
    assert sum(is_active(hour.timestamp()) for hour in hours) == 80


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        ("2026-07-02T10:00", "2026-07-02T12:30", 2.5),
        ("2026-07-02T03:00", "2026-07-02T05:00", 1),
        ("2026-07-02T19:00", "2026-07-06T04:30", 1.5),  # over Independence Day and a weekend
        ("2026-07-04T00:00", "2026-07-05T23:00", 0),
        ("2026-03-06T19:00", "2026-03-09T05:00", 2),  # over the change to summer time
        ("2026-07-01T00:00", "2026-07-02T00:00", 16),
        ("2026-07-02T12:00", "2026-07-02T12:00", 0),
        ("2026-07-02T12:00", "2026-07-02T11:00", 0),  # a clock that was set back
    ],
)
def test_market_time_between_two_instants(since: str, until: str, hours: float) -> None:
    begin, end = (datetime.fromisoformat(at).replace(tzinfo=NEW_YORK).timestamp() for at in (since, until))
    assert active_seconds(begin, end) == pytest.approx(hours * 3600)
