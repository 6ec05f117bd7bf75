"""The processor's part of the view: one headline, calls that grow, the last alerts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from connector.demo.describe import tidy

if TYPE_CHECKING:
    from connector.demo.calls_board import CallsBoard

_STATE_STYLES: Final = {"open": "green", "complete": "cyan", "idle": "yellow", "max_duration": "yellow"}
_SEVERITY_STYLES: Final = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}


def headline(board: CallsBoard, width: int) -> Text:
    """The processor in one line; what does not fit is left out from the end."""
    numbers = board.numbers
    parts = [
        f"calls {numbers.open_calls:.0f} open, {board.closed} closed",
        f"alerts {board.alert_count}",
        f"lag {numbers.lag_messages:.0f} messages, {numbers.lag_seconds:.1f} s",
        f"{numbers.suppressed:.0f} held back",
        "" if numbers.alert_latency is None else f"sentence to alert {numbers.alert_latency * 1000:.0f} ms",
    ]
    text = Text("processor", "bold", no_wrap=True, overflow="ellipsis")
    for part in filter(None, parts):
        if text.cell_len + 2 + len(part) > width:
            break
        text.append(f"  {part}", "not bold")
    return text


def call_lines(board: CallsBoard, count: int) -> list[Text]:
    """So many lines, of the calls that grow and the last ones that were closed."""
    return _filled([_call(call) for call in board.last(count)], count)


def alert_lines(board: CallsBoard, count: int) -> list[Text]:
    """So many lines, the latest alert at the bottom."""
    return _filled([_alert(alert) for alert in list(board.alerts)[-count:]] if count else [], count)


def _filled(lines: list[Text], count: int) -> list[Text]:
    return lines + [Text("")] * (count - len(lines))


def _call(call: dict[str, Any]) -> Text:
    missing = sum(gap["last"] - gap["first"] + 1 for gap in call["missing"])
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{tidy(call['symbol'] or ''):<5} ", "bold")
    text.append(f"{call['state']:<9}", _STATE_STYLES.get(call["state"], ""))
    text.append(f"{call['sentence_count']:>4} sentences")
    text.append(f"{f', {missing} missing' if missing else '':<13}", "yellow")
    last = call["sentences"][-1]["text"] if call["sentences"] else ""
    return text.append(tidy(last), "dim")


def _alert(alert: dict[str, Any]) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{tidy(alert['symbol'] or ''):<5} ", "bold")
    text.append(f"{tidy(alert['severity']):<9}", _SEVERITY_STYLES.get(alert["severity"], ""))
    text.append(f"{tidy(alert['rule_id'])} ")
    return text.append(f'"{tidy(alert["matched_text"])}" ', "bold").append(tidy(alert["sentence"]), "dim")
