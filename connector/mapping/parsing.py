"""Bytes → JSON, without losing a digit.

msgspec parses. It hands every number with a fraction or an exponent to `Numbers`, which keeps the literal
(`msgspec.Raw`) where a double would not hold its value. What msgspec refuses is given to the standard library,
which also takes a byte order mark, lone surrogates and integers of any length.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Never

import msgspec

MAX_DEPTH: Final = 128
"""Levels of nesting; the feed uses six. Deeper frames are dead letters, whatever the stack at hand would bear."""

MAX_VALUES: Final = 500_000
"""Commas and opening brackets, wherever they stand; the feed's largest frames have some thousands. Parsed, a value of
three bytes takes up to two hundred: a frame of 16 MiB that is nothing else would take a gigabyte."""

_MAX_DIGITS: Final = 4300
"""Python converts no longer integers (`sys.int_info.default_max_str_digits`)."""
_BRACKETS: Final = b"{}[]"
_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in _BRACKETS)


_DIGITS: Final = bytes(
    ord("0") if chr(byte) in "0123456789." else ord("e") if chr(byte) == "E" else byte for byte in range(256)
)
_MANY_DIGITS: Final = b"0" * 16
"""A number of fifteen digits is what its double says; one with more may not be."""
_LONG_EXPONENT: Final = b"e-000"
"""Only an exponent of three digits makes a double of few digits lose them, below 1e-308."""


class NotJsonError(ValueError):
    """The bytes are no JSON; the sentence says where."""


class TooDeepError(ValueError):
    """The JSON is nested more than MAX_DEPTH levels deep."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON value."""

    value: Any
    """None, bool, int, float, str, list, dict; `msgspec.Raw` for a number that a double or int does not hold."""
    plain: bool
    """Whether msgspec writes every value in it as the standard library does."""


class Numbers:
    """The hook for numbers with a fraction or an exponent."""

    def __init__(self) -> None:
        self.unusual = False
        """Whether a literal came by that Python writes with an exponent, or that a double does not hold."""

    def __call__(self, literal: str) -> float | msgspec.Raw:
        """The number; the literal itself where no double holds it."""
        value = float(literal)
        text = repr(value)
        if text == literal:
            if "e" in text:
                self.unusual = True
            return value
        if "e" in text or "n" in text:  # 1e+16, 1e-05, inf
            self.unusual = True
        if _same_number(literal, text):
            return value
        self.unusual = True
        return msgspec.Raw(literal.encode())


def _same_number(literal: str, text: str) -> bool:
    try:
        return Decimal(literal) == Decimal(text)
    except ArithmeticError:  # an exponent beyond what Decimal takes
        return False


def _integer(literal: str) -> int | msgspec.Raw:
    return int(literal) if len(literal) <= _MAX_DIGITS else msgspec.Raw(literal.encode())


def _no_constant(name: str) -> Never:
    raise NotJsonError(f"{name} is no JSON")


class Parser:
    """Parses frames; one for each thread."""

    def __init__(self) -> None:
        self._numbers = Numbers()
        self._decode = msgspec.json.Decoder(float_hook=self._numbers).decode
        self._decode_short = msgspec.json.Decoder().decode

    def parse(self, frame: bytes, *, short_numbers: bool = False) -> Parsed:
        """The JSON value `frame` holds. Raises NotJsonError, TooDeepError.

        `short_numbers`: that `has_short_numbers(frame)`; then the literals are not looked at, nor `plain` told.
        """
        self._numbers.unusual = short_numbers
        try:
            value, plain = (self._decode_short if short_numbers else self._decode)(frame), True
        except RecursionError as error:
            raise TooDeepError(f"nested more than {MAX_DEPTH} levels deep") from error
        except (msgspec.MsgspecError, UnicodeDecodeError):
            value, plain = self._parse_leniently(frame), False
        if frame.count(b"{") + frame.count(b"[") > MAX_DEPTH and _is_too_deep(frame, value):
            raise TooDeepError(f"nested more than {MAX_DEPTH} levels deep")
        return Parsed(value, plain and not self._numbers.unusual)

    def _parse_leniently(self, frame: bytes) -> Any:
        try:
            return json.loads(frame, parse_float=self._numbers, parse_int=_integer, parse_constant=_no_constant)
        except RecursionError as error:
            raise TooDeepError(f"nested more than {MAX_DEPTH} levels deep") from error
        except json.JSONDecodeError as error:
            raise NotJsonError(f"{error.msg} at character {error.pos}") from error
        except UnicodeDecodeError as error:
            raise NotJsonError(f"not {error.encoding} at byte {error.start}: {error.reason}") from error


def too_many_values(frame: bytes) -> bool:
    """Whether `frame` may hold more than MAX_VALUES values, as far as its bytes tell at a glance."""
    return len(frame) > MAX_VALUES and sum(map(frame.count, b",{[")) > MAX_VALUES


def has_short_numbers(frame: bytes) -> bool:
    """Whether a double holds every number in `frame`, as far as its bytes tell at a glance."""
    digits = frame.translate(_DIGITS)
    return _MANY_DIGITS not in digits and _LONG_EXPONENT not in digits


def _is_too_deep(frame: bytes, value: Any) -> bool:
    """Whether a frame with more than MAX_DEPTH opening brackets really nests them."""
    brackets = frame.translate(None, _NOT_BRACKETS)
    # Each round takes the innermost level away; the feed's six are gone at once, unless text holds brackets.
    for _ in range(8):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if not brackets:
            return False
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for item in level
            if type(item) is dict or type(item) is list
            for child in (item.values() if type(item) is dict else item)
        ]
        if not level:
            return False
    return True
