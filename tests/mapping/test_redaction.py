"""Signed URLs and tokens do not survive in frames that are kept."""

from __future__ import annotations

import pytest

from connector.mapping.redaction import redact_bytes, redact_text

URL = "https://api.benzinga.com/api/v1/transcripts/calls/1/hls"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{{"hls_url":"{URL}?Key-Pair-Id=K1&Policy=P1&Signature=S1"}}', '{"hls_url":"***"}'),
        (rf'{{"hls_url":"{URL}?Key-Pair-Id=K1\u0026Policy=P1\u0026Signature=S1"}}', '{"hls_url":"***"}'),
        (rf'{{"u":"{URL}?Policy\u003dP1\u0026signature\u003dS1"}}', '{"u":"***"}'),
        (r'{"u":"https:\/\/x.com\/hls?X-Amz-Signature=S1"}', '{"u":"***"}'),
        ("wss://api.benzinga.com/api/v1/news/stream?tickers=A&token=abc123", "***=***"),
        (r'{"b":"<a href=\"https://x.com/h?policy=P1\">a=b</a>"}', r'{"b":"<a href=\"***\">a=b</a>"}'),
        (r'{"b":"x?policy=P1\\","c":"x?policy=P1\\\"d"}', r'{"b":"***\\","c":"***\\\"d"}'),
        (
            '{"url":"","policy=":"?Signature=","n":"<b>/h?signature=S1</b>"}',
            '{"url":"","policy=":"?Signature=","n":"<b>***</b>"}',
        ),
        (r'{"b":"\u003cb\u003e?token=abc123\u003c/b\u003e"}', r'{"b":"\u003cb\u003e?token=***\u003c/b\u003e"}'),
        ('{"token":"abc123"}', '{"token":"***"}'),
        (
            '{"access_token" : "abc123", "apiKey": "K1", "next": 1}',
            '{"access_token" : "***", "apiKey": "***", "next": 1}',
        ),
        (r'{"body":"{\"token\":\"abc123\",\"a\":1}"}', r'{"body":"{\"token\":\"***\",\"a\":1}"}'),
        (r'{"token":"abc123\/abc123+\u003d\u003d"}', '{"token":"***"}'),
        (r'{"u":"/x?a=1\u0026token\u003dabc123\u0026b=2"}', r'{"u":"/x?a=1\u0026token\u003d***\u0026b=2"}'),
        ("/x?token%3Dabc123&b=2 /x?token%3dabc123&b=2", "/x?token%3D***&b=2 /x?token%3d***&b=2"),
        ("see bz.production0123456789abcdef for it", "see *** for it"),
    ],
)
def test_secrets_are_masked(text: str, expected: str) -> None:
    found = redact_text(text)
    for secret in ("K1", "P1", "S1", "abc123", "0123456789abcdef"):
        assert secret not in found
    if "***=" not in expected:
        assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"title":"Tokens = good, policy stays"}',
        '{"tokens":"a","policyholder":"b","mytoken":"c"}',
        "a=b&c=d",
        '{"url":"https://www.benzinga.com/news?id=1&utm=x"}',
        "",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert redact_text(text) == text


def test_bytes_come_back_as_they_were() -> None:
    every = bytes(range(256))
    assert redact_bytes(every) == (every, False)
    assert redact_bytes(b"\xff?Signature=S1 \xfe") == (b"*** \xfe", True)
