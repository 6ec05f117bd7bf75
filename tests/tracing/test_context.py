"""W3C Trace Context, as a record's header."""

from __future__ import annotations

import pytest

from connector.tracing.context import HEADER, Place, new_place, parse, place_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_a_place_is_read_as_it_was_written() -> None:
    for _ in range(1000):
        place = new_place()
        name, value = place.header()
        assert (name, len(value)) == (HEADER, 55)
        assert parse(value) == place
        assert place.child().trace_id == place.trace_id
        assert place.child().span_id != place.span_id


def test_the_form_is_the_standards() -> None:
    assert parse(f"00-{TRACE}-{SPAN}-01".encode()) == Place(int(TRACE, 16), int(SPAN, 16))
    assert Place(1, 2).header()[1] == b"00-00000000000000000000000000000001-0000000000000002-01"


@pytest.mark.parametrize(
    "value",
    [
        f"00-{TRACE}-{SPAN}-00",  # not sampled
        f"ff-{TRACE}-{SPAN}-01",  # a forbidden version
        f"00-{TRACE}-{SPAN}-01-more",  # this version has no more
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        "",
        "00",
        "<script>",
    ],
)
def test_what_is_not_valid_or_not_sampled_begins_nothing(value: str) -> None:
    assert parse(value.encode()) is None


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert parse(f"01-{TRACE}-{SPAN}-03-what-the-future-brings".encode()) == Place(int(TRACE, 16), int(SPAN, 16))


def test_headers_without_one_say_nothing() -> None:
    assert place_of(None) is None
    assert place_of([("ce_id", b"1"), (HEADER, None)]) is None
    assert place_of([("ce_id", b"1"), new_place().header()]) is not None
