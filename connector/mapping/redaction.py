r"""Signed URLs and tokens inside frames become `***` before a frame is kept or a value published.

Works on JSON as sent, in which `&`, `=` and `/` may be written `\u0026`, `\u003d` and `\/` (Go's encoder does so).
"""

from __future__ import annotations

import re
from typing import Final

from connector.logs import MASK, redact

_RUN: Final = re.compile(r"""[^\s"'<>]+""")
"""What may be a URL: it ends at a space, a quote or an angle bracket."""
_EQUALS: Final = r"(?:=|%3D|\\u003d)"
_SIGNED: Final = re.compile(
    rf"(?i)(?:key-pair-id|signature|x-amz-signature|x-amz-credential|policy){_EQUALS}[^\s&]", re.ASCII
)
_TOKEN: Final = re.compile(
    rf"(?i)((?:^|[?&;,({{\s]|\\u0026)(?:access_)?(?:token|api_?key|password){_EQUALS})[^\s&\\\"'<>]+", re.ASCII
)


def redact_text(text: str) -> str:
    """`text` without signed URLs and tokens; the same object where there are none."""
    if "=" in text or "%3D" in text or "u003d" in text:
        text = _RUN.sub(_redact_run, text)
    return redact(text)


def _redact_run(match: re.Match[str]) -> str:
    run = match[0]
    if _SIGNED.search(run) is not None:
        return MASK
    return _TOKEN.sub(rf"\1{MASK}", run)


def redact_bytes(payload: bytes) -> tuple[bytes, bool]:
    """`payload` without signed URLs and tokens, and whether there were any."""
    # Latin-1 gives every byte a character of its own: what is not redacted comes back byte for byte.
    text = payload.decode("latin-1")
    redacted = redact_text(text)
    return (payload, False) if redacted == text else (redacted.encode("latin-1"), True)
