r"""Signed URLs and tokens inside frames become `***` before a frame is kept or a value published.

Works on JSON as sent, in which `&`, `=` and `/` may be written `\u0026`, `\u003d` and `\/` (Go's encoder does so), also
where that JSON is the text of a string.

The feed chooses the text, and a frame may be 16 MiB of nothing but tokens. So every pattern is anchored where it can
begin only once, none is tried twice at one place, and no Python code runs for a single match: the time goes with the
length alone, about 0.1 s of CPU a MiB at the very worst.
"""

from __future__ import annotations

import re
from typing import Final

from connector.logs import MASK, mask_secrets

_SIGNERS: Final = ("key-pair-id", "signature", "x-amz-credential", "policy")
_MARK: Final = "\uffff"
"""Stands for the end of a signed URL for a moment: no character by Unicode's own word."""

# Anchored at the equals sign, which is rare; the name is looked for backwards. Then all up to the end of what may be a
# URL: a space, a quote (with the backslashes that escape it) or an angle bracket.
_SIGNED: Final = tuple(
    re.compile(
        rf"""(?ai){sign} (?:{"|".join(f"(?<={name}{sign})" for name in _SIGNERS)}) (?= [^\s&"'<>] )
             [^\s"'<>\\]* (?: \\+ (?!["'\\]) [^\s"'<>\\]* )*""",
        re.VERBOSE,
    )
    for sign in ("=", "%3D", r"\\u003d")
)
_BACK_TO_START: Final = re.compile(rf"""{_MARK}[^\s"'<>]*""", re.ASCII)
_NAMED: Final = re.compile(
    r"""(
        [aAkKpPsStT]                                        # a set first: the engine skips to it
        (?: (?<!\w.) | (?<=access_.) | (?<=\\u0026.) )      # a name begins here
        (?i: (?<=t)oken | (?<=a)pi_?key | (?<=p)assword | (?<=p)olicy | (?<=s)ignature | (?<=k)ey-pair-id )
        (?: = | %3[dD] | \\u003[dD] | (?:\\*["'])? \s* : \s* \\*["'] )
    )
    # Base64 may be escaped, its `/`, `=` and `+`: that belongs to the value.
    [^\s&"'\\<>]+ (?: \\(?: / | u00(?: 3[dD] | 2[bBfF] ) ) [^\s&"'\\<>]* )*""",
    re.ASCII | re.VERBOSE,
)
_AT_ONCE: Final = 100_000
"""Matches that are in memory as pieces of their own at a time."""

_with_mask = f"{{}}{MASK}".format


def redact_text(text: str) -> str:
    """`text` without signed URLs and tokens; the same object where there are none."""
    if "=" in text or ":" in text or "%3" in text or "u003" in text:
        text = _mask_named(_mask_signed(text))
    return mask_secrets(text)


def _mask_signed(text: str) -> str:
    """Without the URLs that carry a signature: from their beginning to their end."""
    marked = text
    for pattern in _SIGNED:
        marked = _replaced(pattern, _MARK, marked)
    if marked is text:
        return text
    # Backwards the mark comes before what it stands for, so that the pattern is anchored there as well.
    return _replaced(_BACK_TO_START, MASK, marked[::-1])[::-1]


def _mask_named(text: str) -> str:
    """With every value after such a name masked."""
    done = []
    while len(parts := _NAMED.split(text, _AT_ONCE)) > 1:  # between, name, between, name, between
        text = parts.pop()
        parts[1::2] = map(_with_mask, parts[1::2])
        done.append("".join(parts))
    return "".join((*done, text)) if done else text


def _replaced(pattern: re.Pattern[str], mask: str, text: str) -> str:
    """As `pattern.sub(mask, text)`, in bounded memory; the same object where there is no match."""
    done: list[str] = []
    while len(parts := pattern.split(text, _AT_ONCE)) > 1:
        text = parts.pop()
        done += (mask.join(parts), mask)
    return "".join((*done, text)) if done else text


def redact_bytes(payload: bytes) -> tuple[bytes, bool]:
    """`payload` without signed URLs and tokens, and whether there were any."""
    # Latin-1 gives every byte a character of its own: what is not redacted comes back byte for byte.
    text = payload.decode("latin-1")
    redacted = redact_text(text)
    return (payload, False) if redacted == text else (redacted.encode("latin-1"), True)
