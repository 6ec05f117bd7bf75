"""A record in one line of plain text, for a person to see what arrives."""

from __future__ import annotations

import html
from typing import Any, Final

_MAX: Final = 300


def line(stream: str, value: dict[str, Any]) -> str:
    """A message of `stream`."""
    if stream == "transcripts":
        return tidy(_sentence(value))
    content = value.get("content") or {}
    action = value.get("action")
    if action == "deleted":
        return tidy(f"deleted: {value.get('record_id')}")
    text = _CONTENT[stream](content)
    return tidy(f"{action}: {text}" if action == "updated" else text)


def gap_line(value: dict[str, Any]) -> str:
    """A record of `gaps`."""
    return tidy(f"{value['reason']}: {value.get('detail') or ''}")


def closing_line(call: dict[str, Any]) -> str:
    """The record of `calls` that closes a call."""
    missing = sum(gap["last"] - gap["first"] + 1 for gap in call["missing"])
    lacks = f", {missing} missing" if missing else ""
    title = f"{call['symbol'] or ''} {call['call_title'] or 'call'}"
    return tidy(f"{title} is closed ({call['state']}): {call['sentence_count']} sentences{lacks}")


def dead_letter_line(headers: dict[str, str], value: bytes) -> str:
    """A record of `dead-letters`."""
    return tidy(f"{headers.get('reason')}: {value[:_MAX].decode('utf-8', 'replace')}")


def tidy(text: str) -> str:
    """One line that no terminal obeys: no escape sequence, no line break, not endless."""
    text = "".join(char if char.isprintable() else " " for char in text[: 2 * _MAX])
    return " ".join(text.split())[:_MAX]


def _sentence(value: dict[str, Any]) -> str:
    speaker = f" {value['speaker']}:" if value.get("speaker") else ""
    text = value.get("sentence") or f"({str(value.get('status')).lower()})"
    return f"{value.get('symbol') or ''}{speaker} {text}"


def _joined(*parts: Any) -> str:
    return " ".join(str(part) for part in parts if part not in (None, ""))


def _target(value: Any) -> str:
    return f"target {value}" if value else ""


def _insight(content: dict[str, Any]) -> str:
    security = content.get("security") or {}
    return _joined(security.get("symbol"), content.get("firm"), content.get("action"), content.get("rating"))


def _rating(content: dict[str, Any]) -> str:
    change = (content.get("action_company"), content.get("rating_current"), _target(content.get("pt_current")))
    return _joined(content.get("ticker"), content.get("analyst"), *change)


def _consensus(content: dict[str, Any]) -> str:
    ticker = content.get("ticker") or (content.get("security") or {}).get("symbol")
    return _joined(ticker, content.get("consensus_rating"), _target(content.get("consensus_price_target")))


def _earnings(content: dict[str, Any]) -> str:
    eps = f"EPS {content['eps']}" if content.get("eps") else "EPS not out"
    estimate = f"(estimate {content['eps_est']})" if content.get("eps_est") else ""
    return _joined(content.get("ticker"), content.get("period"), content.get("period_year"), eps, estimate)


def _case(content: dict[str, Any]) -> str:
    securities = content.get("securities") or [{}]
    ticker = content.get("ticker") or securities[0].get("symbol")
    return _joined(ticker, content.get("bull_case") or content.get("bear_case"))


def _headline(content: dict[str, Any]) -> str:
    return html.unescape(str(content.get("title") or "(no title)"))


_CONTENT: Final = {
    "insights": _insight,
    "ratings": _rating,
    "consensus": _consensus,
    "earnings": _earnings,
    "bulls-bears": _case,
    "news": _headline,
}
