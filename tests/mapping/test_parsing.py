"""Frames are parsed to the last digit, or refused."""

from __future__ import annotations

import time

import msgspec
import pytest

from connector.mapping.parsing import MAX_DEPTH, NotJsonError, Parser, TooDeepError, has_short_numbers


def parse(frame: bytes) -> object:
    return Parser().parse(frame).value


@pytest.mark.parametrize(
    ("frame", "value"),
    [
        (b"[1, -2, 0.5, 1e5, -0.0]", [1, -2, 0.5, 100000.0, -0.0]),
        (b"[18446744073709551616]", [2**64]),
        (b"[0.10000000000000000]", [0.1]),
        (b"[1e16, 1E-5]", [1e16, 1e-5]),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (rb'["\ud800"]', ["\ud800"]),
        (rb'["\ud83d\ude00"]', ["\U0001f600"]),
        (b'{"a":1,"a":2}', {"a": 2}),
    ],
)
def test_value(frame: bytes, value: object) -> None:
    assert parse(frame) == value


@pytest.mark.parametrize(
    "literal",
    [
        b"1e400",
        b"-1e400",
        b"1e-400",
        b"0.1234567890123456789",
        b"9007199254740993e0",
        b"9007199254740993.0",
        b"9" * 5000,
    ],
)
def test_a_number_that_no_double_holds_keeps_its_literal(literal: bytes) -> None:
    value = parse(b"[" + literal + b"]")
    assert isinstance(value, list)
    assert isinstance(value[0], msgspec.Raw)
    assert bytes(value[0]) == literal


@pytest.mark.parametrize(
    "frame",
    [b"", b" ", b"{", b"nul", b"NaN", b"[Infinity]", b"[-Infinity]", b"{}x", b"[01]", b"[1.]", b'"\x01"', b'"\xff"',
     b"{'a':1}", b'{"a":1,}', b"\xff\xfe", b"[NaN, 1e400]"],
)  # fmt: skip
def test_what_is_no_json_is_refused(frame: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse(frame)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_limited(opening: bytes, closing: bytes) -> None:
    deepest = MAX_DEPTH
    assert parse(opening * deepest + b"1" + closing * deepest) is not None
    for depth in (deepest + 1, 900, 5_000, 100_000):
        with pytest.raises(TooDeepError):
            parse(opening * depth + b"1" + closing * depth)


def test_brackets_in_text_are_no_nesting() -> None:
    text = "[{" * 500
    assert parse(msgspec.json.encode([text, [[]] * 300])) == [text, [[]] * 300]


@pytest.mark.parametrize(
    ("frame", "short"),
    [
        (b'{"a":0.95,"b":123456789012345}', True),
        (b'{"a":0.94666666666666667}', False),
        (b'{"a":1E-320}', False),
        (b'{"a":1e-20}', True),
    ],
)
def test_short_numbers(frame: bytes, short: bool) -> None:
    assert has_short_numbers(frame) is short


def test_hostile_size_takes_no_hostile_time() -> None:
    frame = b"[" + b",".join(b"%d.5e-3" % number for number in range(200_000)) + b"]"
    before = time.process_time()
    parse(frame)
    assert time.process_time() - before < 5
