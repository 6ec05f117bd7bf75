"""The feed's time formats, to the nanosecond."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.mapping.times import day, instant, rfc_3339_nanos

SECOND = 10**9
BASE = 1_736_000_000 * SECOND  # 2025-01-04T14:13:20Z


@pytest.mark.parametrize(
    ("value", "nanoseconds", "finer"),
    [
        ("2025-01-04T14:13:20Z", BASE, False),
        ("2025-01-04T14:13:20.000Z", BASE, False),
        ("2025-01-04t14:13:20.5z", BASE + SECOND // 2, False),
        ("2025-01-04 14:13:20Z", BASE, False),
        ("2025-01-04T14:13:20.123456Z", BASE + 123_456_000, False),
        ("2025-01-04T14:13:20.1234567Z", BASE + 123_456_700, True),
        ("2025-01-04T14:13:20.123456789Z", BASE + 123_456_789, True),
        ("2025-01-04T14:13:20.123456789999Z", BASE + 123_456_789, True),
        ("2025-01-04T10:13:20-04:00", BASE, False),
        ("2025-01-04T19:43:20+05:30", BASE, False),
        ("Sat, 04 Jan 2025 10:13:20 -0400", BASE, False),
        ("4 Jan 2025 14:13:20 GMT", BASE, False),
        ("Sat, 04 Jan 2025 09:13:20 EST", BASE, False),
        (1_736_000_000, BASE, False),
        (1_736_000_000_000, BASE, False),
        (1_736_000_000_123, BASE + 123_000_000, False),
        (1_736_000_000.5, BASE + SECOND // 2, False),
        (1_736_000_000.1234567, BASE + 123_456_700, True),
        (msgspec.Raw(b"1736000000.12345678901234567890"), BASE + 123_456_789, True),
        ("1736000000", BASE, False),
        ("1736000000000", BASE, False),
        (0, 0, False),
        (-1, -SECOND, False),
        ("1969-12-31T23:59:59.9999999Z", -100, True),
    ],
)
def test_a_time_is_read(value: object, nanoseconds: int, finer: bool) -> None:
    assert instant(value) == (nanoseconds, finer)


@pytest.mark.parametrize(
    "value",
    [
        "", "now", "2025-01-04", "2025-01-04T14:13:20", "2025-01-04 14:13:20", "2025-13-04T14:13:20Z",
        "2025-02-30T14:13:20Z", "2025-01-04T24:00:00Z", "2025-01-04T14:13:60Z", "2025-01-04T14:13:20+24:00",
        "2025-W01-1T14:13:20Z", "٢٠٢٥-01-04T14:13:20Z", "Sun, 04 Jan 2025 10:13:20 -0400",
        "Sat, 04 Jan 2025 10:13:20 XYZ", "20250104", "2025-01-04T14:13:20Z ", "0" * 100,
        True, None, [], 10**15, 1e300, 0.5, msgspec.Raw(b"1e-400"), msgspec.Raw(b"1e400"),
    ],
)  # fmt: skip
def test_what_names_no_instant_is_no_time(value: object) -> None:
    assert instant(value) is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00+00:00"])
def test_gos_zero_time_is_unset(text: str) -> None:
    found = instant(text)
    assert found is not None
    assert found.unset
    assert rfc_3339_nanos(text) is None


def test_days() -> None:
    assert day("1970-01-02") == 1
    assert day("1969-12-31") == -1
    assert [day(text) for text in ("2025-02-30", "2025-1-1", "20250101", "2025-01-01Z")] == [None] * 4


@given(
    text=st.from_regex(
        r"[0-9W]{4}-[0-9W]{2}-[0-9]{2}T[0-9:,.]{2}:[0-9:]{2}:[0-9.,+]{2}([.,][0-9+:-]{3})?Z", fullmatch=True
    )
)
@settings(max_examples=500, deadline=None)
def test_the_short_cut_reads_as_the_rule_does(text: str) -> None:
    slow = instant(text[:-1] + "+00:00")
    found = instant(text)
    assert found == slow
