"""The feed's three time formats as nanoseconds since the epoch (fact sheet §2.1, §3.6).

RFC 3339 with any number of decimals, RFC 2822, and epoch numbers in seconds or milliseconds. Whatever does not
name one instant without doubt (no offset, a weekday that does not match, a leap second) is no time here.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import lru_cache
from math import floor
from typing import Final, NamedTuple

from msgspec import Raw

MICROSECOND: Final = 1_000
SECOND: Final = 1_000_000_000

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_ZERO_TIME: Final = (1 - _EPOCH_DAY) * 86_400 * SECOND
_MILLISECONDS_FROM: Final = 10**11
"""A larger number counts milliseconds: as seconds it would lie beyond the year 5138."""
_EPOCH_END: Final = 10**14
_MAX_TEXT: Final = 64
_MICRO_DECIMALS: Final = 6
_NANO_DECIMALS: Final = 9

_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_RFC2822: Final = re.compile(
    r"(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun), +)?(\d{1,2}) +(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(\d{4})"
    r" +(\d\d):(\d\d)(?::(\d\d))? +(?:([+-])(\d\d)(\d\d)|([A-Z]{1,3}))",
    re.ASCII,
)
_EPOCH_TEXT: Final = re.compile(r"[1-9]\d{8,13}(?:\.\d{1,9})?", re.ASCII)
"""Nine digits at least: a shorter run, such as 20260105, is more likely a day than a second of 1970."""
_DAY: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ZONES: Final = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip


class Instant(NamedTuple):
    """A time the feed sent."""

    nanoseconds: int
    """Since the epoch, UTC."""
    finer: bool
    """Whether it was written with more than six decimals, so that microseconds do not hold its text."""

    @property
    def unset(self) -> bool:
        """Whether it is Go's zero time, which stands for "none"."""
        return self.nanoseconds == _ZERO_TIME


@lru_cache(maxsize=4096)
def _from_text(text: str) -> Instant | None:
    if (match := _RFC3339.fullmatch(text)) is not None:
        year, month, day, hour, minute, second, decimals, sign, off_hour, off_minute = match.groups()
    elif (match := _RFC2822.fullmatch(text)) is not None:
        weekday, day, name, year, hour, minute, second, sign, off_hour, off_minute, zone = match.groups()
        month, decimals = _MONTHS.index(name) + 1, None
        second = second or 0
        if zone is not None:
            if zone not in _ZONES:
                return None
            sign, off_hour, off_minute = ("-" if _ZONES[zone] < 0 else "+"), abs(_ZONES[zone]), 0
    elif _EPOCH_TEXT.fullmatch(text) is not None:
        return from_number(Fraction(text))
    else:
        return None
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None
    if match.re is _RFC2822 and weekday not in {None, _WEEKDAYS[moment.weekday()]}:
        return None
    days = moment.toordinal() - _EPOCH_DAY
    seconds = days * 86_400 + moment.hour * 3_600 + moment.minute * 60 + moment.second
    if sign is not None:
        if int(off_hour) > 23 or int(off_minute) > 59:  # noqa: PLR2004 - hours, minutes
            return None
        offset = int(off_hour) * 3_600 + int(off_minute) * 60
        seconds += offset if sign == "-" else -offset
    if decimals is None:
        return Instant(seconds * SECOND, finer=False)
    fraction = int(decimals[:_NANO_DECIMALS].ljust(_NANO_DECIMALS, "0"))
    return Instant(seconds * SECOND + fraction, finer=len(decimals) > _MICRO_DECIMALS)


def from_number(value: float | Fraction) -> Instant | None:
    """The instant of an epoch number; seconds or milliseconds by magnitude."""
    if not abs(value) <= _EPOCH_END:
        return None
    scale = SECOND if abs(value) <= _MILLISECONDS_FROM else SECOND // 1_000
    if type(value) is int:
        return Instant(value * scale, finer=False)
    # A float stands for the shortest decimal that reads as it: the one the feed wrote.
    exact = (value if isinstance(value, Fraction) else Fraction(repr(value))) * scale
    whole = floor(exact)
    return Instant(whole, finer=exact != whole or whole % MICROSECOND != 0)


def instant(value: object) -> Instant | None:
    """The instant `value` names, None where it names none."""
    if type(value) is str:
        return _from_text(value) if len(value) <= _MAX_TEXT else None
    if type(value) is int or type(value) is float:
        return from_number(value)
    if isinstance(value, Raw) and len(bytes(value)) <= _MAX_TEXT:
        # A number whose text a double does not hold; a huge exponent is out of range as a float already.
        number = float(bytes(value))
        return from_number(Fraction(bytes(value).decode())) if 1 <= abs(number) <= _EPOCH_END else None
    return None


def day(text: str) -> int | None:
    """Days since the epoch of a calendar day written `YYYY-MM-DD`."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3])).toordinal() - _EPOCH_DAY
    except ValueError:
        return None


def rfc_3339_nanos(text: str) -> int | None:
    """Nanoseconds since the epoch of the time `text` names; None where it names none or is unset."""
    found = instant(text)
    return None if found is None or found.unset else found.nanoseconds
