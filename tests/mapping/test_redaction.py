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
        ('{"token":"abc123"}', '{"token":"***"}'),
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
    ['{"title":"Tokens = good, policy stays"}', "a=b&c=d", '{"url":"https://www.benzinga.com/news?id=1&utm=x"}', ""],
)
def test_everything_else_stays(text: str) -> None:
    assert redact_text(text) == text


def test_bytes_come_back_as_they_were() -> None:
    every = bytes(range(256))
    assert redact_bytes(every) == (every, False)
    assert redact_bytes(b"\xff?Signature=S1 \xfe") == (b"*** \xfe", True)
