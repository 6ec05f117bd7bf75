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

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_ZERO_TIME: Final = (1 - _EPOCH_DAY) * 86_400 * SECOND
_MILLISECONDS_FROM: Final = 10**11
"""A larger number counts milliseconds: as seconds it would lie beyond the year 5138."""
_EPOCH_END: Final = 10**14
_MAX_TEXT: Final = 64
_WITH_MILLISECONDS: Final = len("2025-01-23T17:01:14.179Z")
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
    "EST": -5 * 3_600, "EDT": -4 * 3_600, "CST": -6 * 3_600, "CDT": -5 * 3_600,
    "MST": -7 * 3_600, "MDT": -6 * 3_600, "PST": -8 * 3_600, "PDT": -7 * 3_600,
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
    if _is_usual(text):
        try:
            since = datetime.fromisoformat(text) - _EPOCH
        except ValueError:
            return None
        return Instant((since.days * 86_400 + since.seconds) * SECOND + since.microseconds * MICROSECOND, finer=False)
    if (match := _RFC3339.fullmatch(text)) is not None:
        return _from_rfc_3339(match)
    if (match := _RFC2822.fullmatch(text)) is not None:
        return _from_rfc_2822(match)
    return from_number(Fraction(text)) if _EPOCH_TEXT.fullmatch(text) is not None else None


def _is_usual(text: str) -> bool:
    """Whether `text` has the shape of nearly all times, which the library reads no more loosely than RFC 3339 does."""
    if text[4:5] != "-" or text[7:8] != "-" or text[10:11] != "T" or text[13:14] != ":" or text[16:17] != ":":
        return False
    if text[11:13] == "24":  # newer Pythons take it for the next day's midnight
        return False
    return text[19:] == "Z" or (len(text) == _WITH_MILLISECONDS and text[19] == "." and text[23] == "Z")


def _from_rfc_3339(match: re.Match[str]) -> Instant | None:
    *fields, decimals, sign, hours, minutes = match.groups()
    moment = _moment(*fields)
    offset = _offset(sign, hours, minutes) if sign is not None else 0
    if moment is None or offset is None:
        return None
    seconds = _seconds(moment) - offset
    if decimals is None:
        return Instant(seconds * SECOND, finer=False)
    fraction = int(decimals[:_NANO_DECIMALS].ljust(_NANO_DECIMALS, "0"))
    return Instant(seconds * SECOND + fraction, finer=len(decimals) > _MICRO_DECIMALS)


def _from_rfc_2822(match: re.Match[str]) -> Instant | None:
    weekday, day_, month, year, hour, minute, second, sign, hours, minutes, zone = match.groups()
    moment = _moment(year, str(_MONTHS.index(month) + 1), day_, hour, minute, second or "0")
    offset = _offset(sign, hours, minutes) if zone is None else _ZONES.get(zone)
    if moment is None or offset is None or weekday not in {None, _WEEKDAYS[moment.weekday()]}:
        return None
    return Instant((_seconds(moment) - offset) * SECOND, finer=False)


def _moment(*fields: str) -> datetime | None:
    """Year to second as a datetime; None where there is no such moment."""
    year, month, day_, hour, minute, second = map(int, fields)
    try:
        return datetime(year, month, day_, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _seconds(moment: datetime) -> int:
    return (moment.toordinal() - _EPOCH_DAY) * 86_400 + moment.hour * 3_600 + moment.minute * 60 + moment.second


def _offset(sign: str, hours: str, minutes: str) -> int | None:
    """Seconds east of UTC; None where there is no such offset."""
    if int(hours) > 23 or int(minutes) > 59:  # noqa: PLR2004 - hours of a day, minutes of an hour
        return None
    seconds = int(hours) * 3_600 + int(minutes) * 60
    return -seconds if sign == "-" else seconds


def from_number(value: float | Fraction) -> Instant | None:
    """The instant of an epoch number; seconds or milliseconds by magnitude."""
    if not -_EPOCH_END <= value <= _EPOCH_END or (value != 0 and -1 < value < 1):
        return None  # a fraction of a second around 1970 is no time
    seconds = -_MILLISECONDS_FROM <= value <= _MILLISECONDS_FROM
    scale = SECOND if seconds else SECOND // 1_000
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
