"""Frames that are made to hurt: each a few bytes again and again, up to the size that is asked for.

A frame is an object with `data`, so that the decoder takes it as far as it can; `{}` in a template is what is repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET: Final = "bz.production0123456789abcdef"  # made up


def _repeated(before: str, part: str, after: str, between: str = ",") -> Callable[[int], bytes]:
    def frame(size: int) -> bytes:
        one = (part + between).encode("utf-8", "surrogatepass")
        count = max(1, (size - len(before) - len(after)) // len(one))
        return before.encode() + one * (count - 1) + part.encode("utf-8", "surrogatepass") + after.encode()

    return frame


def _numbered(before: str, part: str, after: str) -> Callable[[int], bytes]:
    """Parts with a number each: names that are all different."""

    def frame(size: int) -> bytes:
        count = max(1, (size - len(before) - len(after)) // (len(part) + 6))
        return (before + ",".join(part % number for number in range(count)) + after).encode()

    return frame


def _nested(opening: str, closing: str) -> Callable[[int], bytes]:
    def frame(size: int) -> bytes:
        depth = size // len(opening + closing)
        return (opening * depth + closing * depth).encode()

    return frame


_ID: Final = '{"id":"'
_NEWS: Final = '","kind":"News","data":{"action":"Created","id":1,"content":{"id":2,"title":"t"}}}'
_CONTENT: Final = '{"id":"1","data":{"action":"Created","id":1,"content":{"id":2,'
_SENTENCE: Final = '{"transcript_id":"1","sequence":1,"sentence":"'

ATTACKS: Final[dict[str, Callable[[int], bytes]]] = {
    # Structure
    "arrays in arrays": _nested("[", "]"),
    "objects in objects": _nested('{"data":', "}"),
    "nesting that never ends": _repeated("", '{"data":[', "", ""),
    "nesting inside content": lambda size: (_CONTENT + '"foo":').encode() + _nested("[", "]")(size) + b"}}}",
    "empty arrays": _repeated('{"data":{"foo":[', "[]", "]}}"),
    "empty objects in an array of records": _repeated(_CONTENT + '"securities":[', "{}", "]}}}"),
    "nulls in an array of text": _repeated(_CONTENT + '"tags":[', "null", "]}}}"),
    "words that are none": _repeated('{"transcript_id":"1","sequence":1,"sentence":"a","words":[', '{"word":1}', "]}"),
    "brackets in text": _repeated(_CONTENT + '"title":"', "[[{{", '"}}}', ""),
    # Names
    "unknown fields": _numbered(_CONTENT, '"f%d":0', "}}}"),
    "unknown fields at the root": _numbered('{"data":{"id":1},', '"f%d":0', "}"),
    "unknown fields of a sentence": _numbered('{"transcript_id":"1","sequence":1,"sentence":"a",', '"f%d":0', "}"),
    "the same name again and again": _repeated(_CONTENT, '"title":"a"', "}}}"),
    "data again and again": _repeated("{", '"data":{"id":1}', "}"),
    "a name of megabytes": _repeated(_CONTENT + '"', "n", '":1}}}', ""),
    # Numbers
    "numbers beyond any double": _repeated('{"data":{"foo":[', "1e400", "]}}"),
    "exponents without end": _repeated('{"data":{"foo":[', "1e999999999999999999", "]}}"),
    "small exponents": _repeated('{"data":{"foo":[', "1e-999999999", "]}}"),
    "exponents in known fields": lambda _size: (_CONTENT + '"importance":1e999999999}}}').encode(),
    "digits of one integer": _repeated('{"data":{"id":', "9", "}}", ""),
    "integers of 5000 digits": _repeated('{"data":{"foo":[', "9" * 5000, "]}}"),
    "digits behind a point": _repeated('{"data":{"foo":0.', "1234567890", "}}", ""),
    "long fractions": _repeated('{"data":{"foo":[', "0.12345678901234567890123456789", "]}}"),
    "a sequence without end": _repeated('{"transcript_id":"1","sentence":"a","sequence":', "9", "}", ""),
    "NaN": _repeated('{"data":{"foo":[', "NaN", "]}}"),
    "Infinity": _repeated('{"data":{"foo":[', "-Infinity", "]}}"),
    # Text
    "lone surrogates": _repeated(_CONTENT + '"title":"', "\\ud800", '"}}}', ""),
    "lone surrogates in names": _numbered(_CONTENT, '"\\udfff%d":0', "}}}"),
    "surrogates as bytes": _repeated(_CONTENT + '"title":"', "\ud800", '"}}}', ""),
    "escapes": _repeated(_CONTENT + '"title":"', "\\u0000", '"}}}', ""),
    "backslashes": _repeated(_CONTENT + '"foo":"', "\\\\", '"}}}', ""),
    "bytes that are no UTF-8": lambda size: b'{"data":"' + b"\xff" * size + b'"}',
    "control characters": lambda size: b'{"data":"' + b"\x00" * size + b'"}',
    "spaces": _repeated('{"data":', " ", "}", ""),
    "text without an end": _repeated('{"data":"', "a", "", ""),
    "HTML": _repeated(_CONTENT + '"body":"', "<script>alert(1)</script>", '"}}}', ""),
    # What becomes a key or a header
    "an id of megabytes": _repeated(_ID, "i", _NEWS, ""),
    "an id of line ends": _repeated(_ID, "\\r\\n", _NEWS, ""),
    "an action of megabytes": _repeated('{"id":"1","data":{"id":1,"action":"', "A", '"}}', ""),
    "a time of megabytes": _repeated('{"id":"1","data":{"id":1,"timestamp":"', "2024-01-01T", '"}}', ""),
    "a transcript id of megabytes": _repeated('{"sequence":1,"sentence":"a","transcript_id":"', "i", '"}', ""),
    # What is masked
    "tokens": _repeated("", "token=a", "", " "),
    "tokens in one word": _repeated('{"data":{"foo":"', "token=a", '"}}', "&"),
    "tokens in names": _repeated('{"data":{"foo":["', '\\"token\\":\\"a', '"]}}', '\\",'),
    "signed URLs": _repeated("", "policy=a", "", " "),
    "one signed URL": _repeated("{", "aaaaaaaa", "?Policy=a", ""),
    "names of secrets without values": _repeated("", "signature", "", "="),
    "keys": _repeated("", SECRET, "", " "),
    "half keys": _repeated("", "bz.", "", ""),
    "colons": _repeated("", "token :", "", "  "),
    "tokens in a sentence": _repeated(_SENTENCE, "token=a", '","foo":"token=a"}', " "),
    # What is no message
    "a message of the feed": _repeated('{"status":"error","message":"', "token=a", '"}', " "),
    "a string": _repeated('"', "a", '"', ""),
    "digits": _repeated("", "1", "", ""),
}
"""By name: bytes asked for → a frame of about so many."""
